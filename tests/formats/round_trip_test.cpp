// SPDX-License-Identifier: Apache-2.0
// For random models: what pare writes it reads back as it was, as far as the format can hold it.
// Graphs in ONNX: onnx/onnx_writer_test.cpp.
#include <algorithm>
#include <cstring>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/ir/serialize.hpp"
#include "tests/formats/random_models.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using ir::DType;
using ir::Tensor;
using tests::ScratchFolder;

constexpr uint64_t kSeeds = 150;

// A random graph beside random tensors that it does not use.
ir::Model random_model(uint64_t seed) {
  ir::Model model = tests::random_network(seed, seed % 2 == 0);
  const ir::ParameterTable unused = tests::random_parameters(seed);
  for (const auto& [name, tensor] : unused.entries()) {
    model.parameters.set(name, tensor);
  }
  model.metadata = tests::random_metadata(seed);
  if (seed % 3 == 0) model.assets["vocabulary"] = ir::Bytes(seed, std::byte{42});
  return model;
}

ir::Model random_weights(uint64_t seed) {
  ir::Model model;
  model.parameters = tests::random_parameters(seed);
  model.metadata = tests::random_metadata(seed);
  return model;
}

bool same_tensor(const Tensor& a, const Tensor& b) {
  ir::Model left, right;
  left.parameters.set("t", a);
  right.parameters.set("t", b);
  return tests::difference(left, right).empty();
}

// Bit for bit, NaNs too.
bool same_values(const Tensor& a, const Tensor& b) {
  const std::vector<float> left = ir::to_f32(a), right = ir::to_f32(b);
  return a.dims() == b.dims() && left.size() == right.size() &&
         (left.empty() || std::memcmp(left.data(), right.data(), left.size() * 4) == 0);
}

// Whether a tensor comes back as it was, scheme and all, and not only its values.
bool is_held(const std::string& extension, const Tensor& tensor) {
  const bool has_bf16 = extension != ".npz";
  if (tensor.is_plain()) {
    return ir::info(tensor.dtype()).bits >= 8 && (has_bf16 || tensor.dtype() != DType::kBF16);
  }
  const ir::QuantScheme* scheme = tensor.scheme();
  if (extension == ".pt" || !scheme || tensor.is_sparse() || scheme->codebook) return false;
  // compressed-tensors has signed codes; with zero points they are taken as unsigned ones, as ours
  // are.
  if (scheme->symmetric != ir::info(scheme->code).is_signed) return false;
  // Groups of the whole tensor, and groups that are a row or an element, have other names.
  if (scheme->group_size > 0) return false;
  if (scheme->axis > 0 || tensor.dims().size() < 2) return false;
  return has_bf16 || scheme->scale != DType::kBF16;
}

void check_weights(const std::string& extension, uint64_t seed) {
  const ScratchFolder scratch;
  const ir::Model model = random_weights(seed);
  const std::string first = scratch.file("first" + extension);
  const std::string second = scratch.file("second" + extension);
  std::vector<std::string> losses;
  write(model, first, {.note = [&](const std::string& note) { losses.push_back(note); }});
  const ir::Model back = read(first);
  REQUIRE(back.parameters.entries().size() == model.parameters.entries().size());
  for (const auto& entry : model.parameters.entries()) {
    CAPTURE(entry.name);
    REQUIRE(back.parameters.contains(entry.name));
    const Tensor& read = back.parameters.at(entry.name);
    CHECK(same_values(read, entry.tensor));
    if (is_held(extension, entry.tensor)) CHECK(same_tensor(read, entry.tensor));
  }
  ir::Metadata metadata = back.metadata;
  if (!losses.empty()) {
    REQUIRE(!metadata.history.empty());
    metadata.history.pop_back();  // the conversion, which says what was lost
  }
  CHECK(to_text(ir::to_json(metadata)) == to_text(ir::to_json(model.metadata)));
  // What was read is held in full: it survives as the same model, from then on as the same bytes.
  write(back, second);
  const ir::Model again = read(second);
  CHECK(tests::difference(again, back) == "");
  write(again, first);
  CHECK(tests::slurp(first) == tests::slurp(second));
}

}  // namespace

TEST_CASE("random models of every kind come back from .pare as they were") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.pare");
  for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
    CAPTURE(seed);
    const ir::Model model = random_model(seed);
    write(model, path);
    CHECK(tests::difference(read(path), model) == "");
  }
}

TEST_CASE("random weights come back from safetensors, .npz and .pt with their values") {
  for (const std::string extension : {".safetensors", ".npz", ".pt"}) {
    CAPTURE(extension);
    for (uint64_t seed = 1; seed <= kSeeds; ++seed) {
      CAPTURE(seed);
      check_weights(extension, seed);
    }
  }
}

}  // namespace pare::formats
