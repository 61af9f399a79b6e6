// SPDX-License-Identifier: Apache-2.0
#include "formats/inspect.hpp"

#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

struct Inspected {
  tests::ScratchFolder scratch;
  std::string path = scratch.file("m.pare");
  Json json;

  explicit Inspected(const ir::Model& model) {
    write(model, path);
    json = inspect(read(path), path);
  }
  const Json& tensor(const std::string& name) const {
    for (const Json& row : json.at("tensors")) {
      if (row.at("name") == name) return row;
    }
    throw std::runtime_error("no tensor " + name);
  }
};

}  // namespace

TEST_CASE("inspection adds up to the file's size") {
  const Inspected seen(tests::int8_resnet8());
  CHECK(seen.json.at("schema_version") == 1);
  CHECK(seen.json.at("file_bytes") == std::filesystem::file_size(seen.path));
  int64_t bytes = 0;
  for (const Json& row : seen.json.at("tensors")) bytes += row.at("bytes").get<int64_t>();
  CHECK(bytes == seen.json.at("tensor_bytes"));
  CHECK(seen.json.at("format") == "pare");
  CHECK(seen.json.at("format_version") == 1);
  // Without the running statistics of batch normalization, which are not trained.
  CHECK(seen.json.at("parameters") == 78'666 - 2 * 240);
}

TEST_CASE("storage is named as one would say it") {
  const Inspected seen(tests::every_storage());
  CHECK(seen.tensor("bitmask").at("scheme") == "f32 bitmask");
  CHECK(seen.tensor("two_of_four").at("scheme") == "f32 2:4");
  CHECK(seen.tensor("block").at("scheme") == "f32 block 8");
  CHECK(seen.tensor("two_level").at("scheme") == "u8 group 4 two-level");
  CHECK(seen.tensor("codebook").at("scheme") == "u4 per-tensor codebook");
  CHECK(seen.tensor("grouped").at("scheme") == "u4 group 5 asymmetric");
  CHECK(seen.tensor("per_channel").at("scheme") == "i8 per-channel");
  CHECK(seen.tensor("bf16").at("scheme") == "bf16");
}

TEST_CASE("sparsity counts every element that is exactly zero") {
  const ir::Model model = tests::every_storage();
  const Inspected seen(model);
  // 24 of 70 elements are stored; noise is nowhere 0.
  CHECK(seen.tensor("bitmask").at("sparsity").get<double>() == doctest::Approx(46.0 / 70));
  CHECK(seen.tensor("two_of_four").at("sparsity") == 0.5);
  CHECK(seen.tensor("block").at("sparsity") == 0.5);
  for (const auto& entry : model.parameters.entries()) {
    int64_t zeros = 0;
    for (const float value : ir::to_f32(entry.tensor)) zeros += value == 0.0F;
    const auto count = static_cast<double>(entry.tensor.count());
    CAPTURE(entry.name);
    CHECK(seen.tensor(entry.name).at("sparsity") ==
          (count == 0 ? 0.0 : static_cast<double>(zeros) / count));
  }
}

TEST_CASE("bits per weight count every part") {
  const Inspected seen(tests::every_storage());
  // 9 x 300 codes of one byte and 9 scales of four.
  CHECK(seen.tensor("per_channel").at("bits_per_weight").get<double>() ==
        doctest::Approx(8.0 * (2700 + 36) / 2700));
}

TEST_CASE("the text shows header, history and tensors") {
  const Inspected seen(tests::small_mlp());
  const std::string text = inspection_text(seen.json, "graph main\n");
  const auto shows = [&](const char* line) {
    CAPTURE(text);
    CHECK(text.find(line) != std::string::npos);
  };
  shows("task           classification, 3 labels: cat, dog \"quoted\", Zürich\n");
  shows("preprocessing  x = (raw * 0.00392156886 - 0.3) / 0.2   NCHW [8]\n");
  shows("asset          tokenizer, 1,000 bytes\n");
  shows("  1  train{epochs=3}\n");
  shows("  2  quantize{bits=4 group_size=5}\n");
  shows("layers/0.weight");
  shows("u4 group 5 asymmetric");
  CHECK(text.ends_with("\ngraph\ngraph main\n"));
}

TEST_CASE("a file of weights alone is shown too") {
  const Inspected seen(tests::every_storage());
  CHECK(seen.json.at("macs").is_null());
  CHECK(inspection_text(seen.json).find("none: weights only") != std::string::npos);
}

TEST_CASE("names from the file cannot draw on the terminal") {
  ir::Model model;
  model.parameters.set("\x1b[31mred", ir::Tensor::f32({1}, std::vector<float>{1.0F}));
  model.metadata.labels = {"a\nb"};
  const Inspected seen(model);
  const std::string text = inspection_text(seen.json);
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(text.find("\\x1b[31mred") != std::string::npos);
  CHECK(text.find("a\\x0ab") != std::string::npos);
}

}  // namespace pare::formats
