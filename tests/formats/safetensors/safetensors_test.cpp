// SPDX-License-Identifier: Apache-2.0
// One test for each way a safetensors file can be wrong, round trips, and compressed-tensors'
// names.
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "formats/safetensors/compressed.hpp"
#include "tests/formats/damage.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::read_wholly;
using tests::ScratchFolder;

std::string file_of(const std::string& header, size_t data_bytes) {
  std::string out;
  for (int shift = 0; shift < 64; shift += 8) {
    out += static_cast<char>(header.size() >> shift);
  }
  return out + header + std::string(data_bytes, '\0');
}

std::string refused_bytes(const std::string& content) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("x.safetensors");
  tests::spill(path, {content.begin(), content.end()});
  std::string line = read_wholly(path);
  if (!line.empty()) line = line.substr(path.size() + 2);
  const std::string prefix = "damaged safetensors file: ";
  return line.starts_with(prefix) ? line.substr(prefix.size()) : line;
}

std::string refused(const std::string& header, size_t data_bytes) {
  return refused_bytes(file_of(header, data_bytes));
}

std::string tensor(const std::string& name, const std::string& dtype, const std::string& shape,
                   int begin, int end) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape +
         ",\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(end) + "]}";
}

// Without what the format leaves out.
ir::Model weights_alone(ir::Model model) {
  model.graphs.clear();
  model.assets.clear();
  return model;
}

}  // namespace

TEST_CASE("a header in order is read, padded or not") {
  CHECK(refused("{" + tensor("a", "F32", "[2]", 0, 8) + "}", 8) == "");
  CHECK(refused("{" + tensor("a", "F32", "[2]", 0, 8) + "}   ", 8) == "");
  CHECK(refused("{" + tensor("a", "F32", "[]", 0, 4) + "}", 4) == "");
  CHECK(refused("{" + tensor("a", "F32", "[0,5]", 0, 0) + "}", 0) == "");
  CHECK(refused("{}", 0) == "");
}

TEST_CASE("a safetensors header of the wrong size is refused") {
  CHECK(refused_bytes("\x7f{}") == "is not a .safetensors file");
  CHECK(refused_bytes(std::string("\xff\0\0\0\0\0\0\0{}", 10)) == "it ends inside its header");
  CHECK(refused_bytes(std::string("\xff\xff\xff\xff\0\0\0\0{}", 10)) ==
        "is not a .safetensors file");
  CHECK(refused(" {}", 0) == "is not a .safetensors file");
}

TEST_CASE("a safetensors header that is no proper JSON is refused") {
  CHECK(refused("{\"a\"}", 0).starts_with("malformed JSON"));
  const std::string a = tensor("a", "F32", "[1]", 0, 4);
  CHECK(refused("{" + a + "," + a + "}", 4) == "JSON key \"a\" is repeated");
  CHECK(refused("{" + a + "}}", 4).starts_with("malformed JSON"));
  CHECK(refused("{\"__metadata__\":{\"a\":1}}", 0) ==
        "__metadata__ holds something else than text");
  CHECK(refused("{\"a\":{\"dtype\":\"F32\"}}", 0) ==
        "tensor a: dtype, shape and data_offsets are expected");
}

TEST_CASE("safetensors offsets leave no hole, do not overlap and end with the file") {
  const std::string a = tensor("a", "F32", "[1]", 0, 4);
  CHECK(refused("{" + a + "," + tensor("b", "F32", "[1]", 8, 12) + "}", 12) ==
        "there is a hole before byte 8 of its data");
  CHECK(refused("{" + a + "," + tensor("b", "F32", "[1]", 2, 6) + "}", 6) == "tensors overlap");
  CHECK(refused("{" + a + "}", 5) == "has 1 bytes behind its last tensor");
  CHECK(refused("{" + a + "}", 3) == "tensor a: it lies outside the file");
  CHECK(refused("{" + tensor("a", "F32", "[2]", 0, 4) + "}", 4) ==
        "tensor a: should take 8 bytes, takes 4");
  CHECK(refused("{" + tensor("a", "F32", "[1]", 4, 0) + "}", 4) ==
        "tensor a: it lies outside the file");
  CHECK(refused("{" + tensor("a", "F32", "[-1]", 0, 4) + "}", 4) ==
        "tensor a: its shape is no size");
  CHECK(refused("{" + tensor("a", "U8", "[4611686018427387904,4]", 0, 4) + "}", 4) ==
        "size overflows");
}

TEST_CASE("element types that no model stores are refused by name") {
  CHECK(refused("{" + tensor("a", "F8_E4M3", "[1]", 0, 1) + "}", 1) ==
        "tensor a: no model stores elements of type F8_E4M3");
}

TEST_CASE("64-bit floats become f32, with a note") {
  const ScratchFolder scratch;
  std::string content = file_of("{" + tensor("a", "F64", "[1]", 0, 8) + "}", 0);
  const double value = 0.1;
  content.append(reinterpret_cast<const char*>(&value), sizeof value);
  tests::spill(scratch.file("x.safetensors"), {content.begin(), content.end()});
  std::string noted;
  const ir::Model model =
      read(scratch.file("x.safetensors"), {.note = [&](const std::string& note) { noted = note; }});
  CHECK(ir::to_f32(model.parameters.at("a")) == std::vector<float>{0.1F});
  CHECK(noted == "1 tensors of 64-bit floats became f32");
}

TEST_CASE("reading undoes writing for weights that safetensors can hold") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.safetensors");
  const ir::Model model = weights_alone(tests::small_mlp());
  write(model, path);
  CHECK(tests::difference(read(path), model) == "");
  const std::vector<char> first = tests::slurp(path);
  write(read(path), path);
  CHECK(tests::slurp(path) == first);
}

TEST_CASE("every storage keeps its values, and what changes is said") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.safetensors");
  const ir::Model model = tests::every_storage();
  std::vector<std::string> notes;
  write(model, path, {.note = [&](const std::string& note) { notes.push_back(note); }});
  CHECK(notes.size() == 2);
  const ir::Model back = read(path);
  for (const auto& entry : model.parameters.entries()) {
    CAPTURE(entry.name);
    CHECK(back.parameters.at(entry.name).dims() == entry.tensor.dims());
    CHECK(ir::to_f32(back.parameters.at(entry.name)) == ir::to_f32(entry.tensor));
  }
  CHECK(back.metadata.history.back().options["losses"].size() == 2);
}

TEST_CASE("packed codes are unpacked when they are asked for, not when the file is read") {
  const tests::ScratchFolder scratch;
  const std::string path = scratch.file("packed.safetensors");
  for (const bool symmetric : {true, false}) {
    for (const int64_t columns : {8, 9}) {  // whole words, and a row that ends inside one
      const auto dtype = symmetric ? ir::DType::kI4 : ir::DType::kU4;
      std::vector<int32_t> codes;
      for (int32_t i = 0; i < 2 * columns; ++i) codes.push_back(i % 16 - (symmetric ? 8 : 0));
      ir::Tensor::Parts parts;
      parts.set(ir::Part::kCodes,
                ir::Tensor(dtype, {2, columns}, ir::Buffer::heap(ir::pack_nibbles(codes))));
      parts.set(ir::Part::kScales, ir::Tensor::f32({2}, std::vector<float>{0.5, 0.25}));
      const std::vector<int32_t> zeros{3, 5};
      if (!symmetric) {
        parts.set(ir::Part::kZeroPoints,
                  ir::Tensor::of(ir::DType::kI32, {2}, std::span<const int32_t>(zeros)));
      }
      ir::Model model;
      model.parameters.set(
          "fc.weight",
          ir::Tensor::composite({2, columns},
                                ir::QuantScheme{.code = dtype, .symmetric = symmetric, .axis = 0},
                                {}, std::move(parts)));
      write(model, path);
      const ir::Model back = read(path);
      const ir::Tensor& read_codes = *back.parameters.at("fc.weight").part(ir::Part::kCodes);
      CHECK(read_codes.buffer().is_deferred());
      CHECK(ir::to_codes(back.parameters.at("fc.weight")) == codes);
    }
  }
}

TEST_CASE("four-bit codes are packed from the low bits with an offset of eight") {
  ir::Tensor::Parts parts;
  const std::vector<int32_t> codes{-8, -7, 0, 7, 1, 2, 3, 4, 5};
  parts.set(ir::Part::kCodes,
            ir::Tensor(ir::DType::kI4, {1, 9}, ir::Buffer::heap(ir::pack_nibbles(codes))));
  parts.set(ir::Part::kScales, ir::Tensor::f32({1}, std::vector<float>{0.5}));
  const ir::Tensor weight = ir::Tensor::composite(
      {1, 9}, ir::QuantScheme{.code = ir::DType::kI4, .axis = 0}, {}, std::move(parts));
  const auto stored = safetensors::compress("fc.weight", weight);
  REQUIRE(stored.size() == 3);
  CHECK(stored[0].first == "fc.weight_packed");
  CHECK(stored[0].second.dims() == ir::Dims{1, 2});
  // Nibbles 0 1 8 f 9 a b c from the low end, then d.
  CHECK(ir::to_i64(stored[0].second) ==
        std::vector<int64_t>{static_cast<int32_t>(0xCBA9F810), 0xD});
  CHECK(stored[1].first == "fc.weight_shape");
  CHECK(stored[2].first == "fc.weight_scale");
  CHECK(stored[2].second.dims() == ir::Dims{1, 1});
}

TEST_CASE("shards are read through their index and checked against it") {
  const ScratchFolder scratch;
  ir::Model a, b;
  a.parameters.set("a", ir::Tensor::f32({2}, std::vector<float>{1, 2}));
  b.parameters.set("b", ir::Tensor::f32({1}, std::vector<float>{3}));
  write(a, scratch.file("m-1.safetensors"));
  write(b, scratch.file("m-2.safetensors"));
  const std::string index = scratch.file("model.safetensors.index.json");
  const auto read_index = [&](const std::string& text) {
    tests::spill(index, {text.begin(), text.end()});
    const std::string line = read_wholly(index);
    return line.empty() ? line : line.substr(index.size() + 2);
  };
  CHECK(read_index(R"({"weight_map":{"a":"m-1.safetensors","b":"m-2.safetensors"}})") == "");
  CHECK(read(index).parameters.entries().size() == 2);
  CHECK(read_index(R"({"weight_map":{"a":"m-1.safetensors","b":"m-1.safetensors"}})") ==
        "damaged safetensors index: m-1.safetensors does not hold the tensors that the index says");
  CHECK(read_index(R"({"weight_map":{"a":"m-3.safetensors"}})") == "m-3.safetensors: no such file");
  CHECK(read_index(R"({"weight_map":{"a":"../m-1.safetensors"}})") ==
        "damaged safetensors index: ../m-1.safetensors is no file name");
}

TEST_CASE("a safetensors file cut at any byte, or with any byte flipped, harms nobody") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.safetensors");
  write(weights_alone(tests::small_mlp()), path);
  CHECK(tests::cuts_read(path) == 0);
  MESSAGE(tests::flips_that_differ(path), " flips change the model");
}

TEST_CASE("published bf16 files are read as they are") {
  const char* data = std::getenv("PARE_TEST_DATA");
  const std::string path = std::string(data ? data : "../shared/data") +
                           "/models/hf-fixtures/tiny_llama3/model.safetensors";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: no ", path);
    return;
  }
  const ir::Model model = read(path);
  CHECK(model.parameters.at("model.embed_tokens.weight").dtype() == ir::DType::kBF16);
}

}  // namespace pare::formats
