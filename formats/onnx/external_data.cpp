// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/external_data.hpp"

#include <charconv>
#include <filesystem>

#include "formats/onnx/onnx.pb.h"
#include "lib/core/checked.hpp"

namespace pare::formats {

namespace fs = std::filesystem;

namespace {

int64_t number(const std::string& text, const std::string& tensor) {
  int64_t value = -1;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || stop != text.data() + text.size() || value < 0) {
    throw Error(tensor, "external data has offset or length \"" + escaped(text, 40) + "\"");
  }
  return value;
}

}  // namespace

ExternalData::ExternalData(const std::string& model_path)
    : folder_(fs::path(model_path).parent_path().string()) {
  if (folder_.empty()) folder_ = ".";
}

const std::shared_ptr<const MappedFile>& ExternalData::open(const std::string& location,
                                                            const std::string& tensor) {
  const auto known = files_.find(location);
  if (known != files_.end()) return known->second;
  const std::string shown = escaped(location);
  if (location.empty() || location.find('\0') != std::string::npos) {
    throw Error(tensor, "external data names no file");
  }
  std::error_code error;
  const fs::path folder = fs::weakly_canonical(folder_, error);
  const fs::path file = fs::weakly_canonical(fs::path(folder_) / location, error);
  const fs::path inside = file.lexically_relative(folder);
  if (fs::path(location).is_absolute() || inside.empty() || *inside.begin() == "..") {
    throw Error(tensor, "external data " + shown + " lies outside the model's folder");
  }
  return files_.emplace(location, MappedFile::open(file.string())).first->second;
}

ir::Buffer ExternalData::of(const onnx::TensorProto& tensor, int64_t bytes) {
  std::string location;
  int64_t offset = 0, length = -1;
  const std::string name = escaped(tensor.name());
  for (const auto& entry : tensor.external_data()) {
    if (entry.key() == "location") location = entry.value();
    if (entry.key() == "offset") offset = number(entry.value(), name);
    if (entry.key() == "length") length = number(entry.value(), name);
  }
  const std::shared_ptr<const MappedFile>& file = open(location, name);
  if (length >= 0 && length != bytes) {
    throw Error(name, "takes " + std::to_string(bytes) + " bytes, its external data states " +
                          std::to_string(length));
  }
  const auto size = static_cast<int64_t>(file->bytes().size());
  if (checked_add(offset, bytes, name) > size) {
    throw Error(name, "ends past its external data " + escaped(location) + " of " +
                          std::to_string(size) + " bytes");
  }
  return ir::Buffer::mapped(
      file->bytes().subspan(static_cast<size_t>(offset), static_cast<size_t>(bytes)), file);
}

}  // namespace pare::formats
