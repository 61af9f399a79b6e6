// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/weight_file.hpp"

#include <algorithm>
#include <cstring>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::formats::keras {

namespace {

// Descriptions of the largest published models take some 2 MB.
constexpr int64_t kMaxText = int64_t{32} << 20;

template <class T, class Convert>
std::vector<float> converted(std::span<const std::byte> bytes, const Convert& convert) {
  std::vector<float> out(bytes.size() / sizeof(T));
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = convert(value);
  }
  return out;
}

}  // namespace

WeightFile::WeightFile(const std::string& path)
    : path_(path), file_(hdf5::read(path, {.max_text_bytes = kMaxText})) {
  if (file_.attributes.contains("pare_format")) {
    throw Error(path, "is a .pare model, not a Keras file");
  }
  const auto* config = texts("", "model_config");
  if (config && !config->empty()) config_ = config->front();
  if (file_.texts.contains("model_weights")) root_ = "model_weights";
  if (config_.empty() && names(root_, "layer_names").empty()) {
    throw Error(path, "is an HDF5 file, but holds no Keras model");
  }
  const std::string version = keras_version();
  if (!version.empty() && !version.starts_with("2.")) {
    throw Error(path, "was written by Keras " + escaped(version, 40) + "; 2.1 to 2.15 are read");
  }
}

Json WeightFile::config() const { return parse_json(config_, path_); }

const std::vector<std::string>* WeightFile::texts(const std::string& group,
                                                  const std::string& name) const {
  const auto found = file_.texts.find(group);
  if (found == file_.texts.end()) return nullptr;
  const auto attribute = found->second.find(name);
  return attribute == found->second.end() ? nullptr : &attribute->second;
}

// Whole models repeat it at model_weights; files of weights have it at the root.
std::string WeightFile::root_text(const std::string& attribute) const {
  for (const std::string& group : {std::string(), root_}) {
    const auto* values = texts(group, attribute);
    if (values && !values->empty()) return values->front();
  }
  return "";
}

std::vector<std::string> WeightFile::names(const std::string& group,
                                           const std::string& attribute) const {
  if (const auto* whole = texts(group, attribute)) return *whole;
  std::vector<std::string> out;
  for (size_t part = 0; const auto* some = texts(group, attribute + std::to_string(part)); ++part) {
    out.insert(out.end(), some->begin(), some->end());
  }
  return out;
}

std::string WeightFile::below_root(const std::string& name) const {
  return root_.empty() ? name : root_ + "/" + name;
}

std::vector<Weight> WeightFile::weights_of(const std::string& layer) const {
  std::vector<Weight> out;
  for (const std::string& stored : names(below_root(layer), "weight_names")) {
    const std::string where = below_root(layer) + "/" + stored;
    const hdf5::Array* array = file_.find(where);
    if (!array) throw Error(path_, escaped(where) + " is missing");
    out.push_back({stored.ends_with(":0") ? stored.substr(0, stored.size() - 2) : stored, array});
  }
  return out;
}

std::vector<float> WeightFile::values(const Weight& weight) const {
  const std::span<const std::byte> bytes = weight.array->bytes;
  switch (weight.array->element) {
    case hdf5::Element::kF16:
      return converted<uint16_t>(bytes, ir::f16_to_f32);
    case hdf5::Element::kF32:
      return converted<float>(bytes, [](float x) { return x; });
    case hdf5::Element::kF64:
      return converted<double>(bytes, [](double x) { return static_cast<float>(x); });
    default:
      throw Error(path_, escaped(weight.array->name) + " is of " +
                             std::string(hdf5::info(weight.array->element).name) +
                             ", weights are floats");
  }
}

}  // namespace pare::formats::keras
