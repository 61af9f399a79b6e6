// SPDX-License-Identifier: Apache-2.0
// What must work, and looks the same every time.
#include <algorithm>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/json.hpp"
#include "lib/core/output_file.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::Json;
using pare::test::Finished;
using pare::test::first_weight;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::set_values;
using pare::test::write_idx;
using pare::test::write_model;

namespace {

Finished must_run(const Folder& folder, const std::vector<std::string>& arguments) {
  const Finished finished = run(folder, arguments);
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  return finished;
}

std::vector<std::string> int8_of(const std::string& model, const std::string& output) {
  return {"quantize", model, "--scheme", "w8a8", "--calibration-data", "data", "-o", output};
}

}  // namespace

TEST_CASE("output and input may be the same file") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  must_run(folder, {"quantize", "m.pare", "--bits", "8", "-o", "other.pare"});
  must_run(folder, {"quantize", "m.pare", "--bits", "8", "-o", "m.pare"});
  CHECK(read_file(folder.at("m.pare")) == read_file(folder.at("other.pare")));
  CHECK(folder.names() == std::vector<std::string>{"m.pare", "other.pare"});
}

TEST_CASE("sparsity 0 copies the weights") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  must_run(folder, {"prune", "m.pare", "--sparsity", "0", "-o", "copy.pare"});
  const auto before = pare::formats::read(folder.at("m.pare"));
  const auto after = pare::formats::read(folder.at("copy.pare"));
  for (const auto& [name, tensor] : before.parameters.entries()) {
    CHECK(to_f32(tensor) == to_f32(after.parameters.at(name)));
  }
}

TEST_CASE("tail groups, all-zero groups and constant channels quantize") {
  const Folder folder;
  write_model(folder.at("m.pare"), [](pare::ir::Model& model) {
    set_values(model, first_weight(model), [](int64_t i) {
      const int64_t row = i / 784;  // 784 inputs: 24 groups of 32, then a tail of 16
      return row == 0 ? 0.0F : row == 1 ? 0.25F : 0.001F * static_cast<float>(i % 97);
    });
  });
  write_idx(folder.at("data"), 100, 20);
  must_run(folder,
           {"quantize", "m.pare", "--scheme", "w4a16", "--group-size", "32", "-o", "4.pare"});
  must_run(folder, {"quantize", "m.pare", "--scheme", "w8a16", "-o", "8.pare"});
  must_run(folder, int8_of("m.pare", "88.pare"));
  must_run(folder, {"eval", "m.pare", "4.pare", "8.pare", "88.pare", "--data", "data",
                    "--no-latency", "--no-memory"});
}

TEST_CASE("a class missing from the calibration data is warned about") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 100, 20, [](int i) { return i % 9; });
  const Finished finished = must_run(folder, int8_of("m.pare", "o.pare"));
  CHECK(finished.err.find("pare: warning: ") != std::string::npos);
  std::vector<std::string> quiet = int8_of("m.pare", "o.pare");
  quiet.emplace_back("-q");
  CHECK(must_run(folder, quiet).err.empty());
}

TEST_CASE("the same inputs give the same bytes for any number of threads") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 200, 20);
  const std::vector<std::vector<std::string>> commands{
      {"prune", "m.pare", "--sparsity", "0.6"},
      {"quantize", "m.pare", "--scheme", "w4a16"},
      {"quantize", "m.pare", "--scheme", "w8a8", "--calibration-data", "data"}};
  for (std::vector<std::string> command : commands) {
    CAPTURE(command[0]);
    std::vector<std::string> seen;
    for (const char* threads : {"1", "2", "8"}) {
      std::vector<std::string> words = command;
      words.insert(words.end(), {"--threads", threads, "-o", "out.pare"});
      must_run(folder, words);
      seen.push_back(read_file(folder.at("out.pare")));
    }
    CHECK(seen[0] == seen[1]);
    CHECK(seen[0] == seen[2]);
  }
}

TEST_CASE("json results are one document with a schema version") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 100, 30);
  const std::vector<std::vector<std::string>> commands{
      {"prune", "m.pare", "--sparsity", "0.5", "-o", "s.pare", "--json"},
      {"inspect", "m.pare", "--json"},
      {"data", "data", "--json"},
      {"doctor", "--json"},
      {"bench", "m.pare", "--blocks", "2", "--layers", "--json"},
      {"eval", "m.pare", "s.pare", "--data", "data", "--no-latency", "--no-memory", "--json"}};
  for (const auto& command : commands) {
    CAPTURE(command[0]);
    const Json result = pare::parse_json(must_run(folder, command).out, command[0]);
    CHECK(result["schema_version"] == 1);
  }
}

TEST_CASE("predictions that were written are evaluated like the model that made them") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 100, 50);
  for (const char* name : {"p.npz", "p.csv"}) {
    must_run(folder, {"predict", "m.pare", "--data", "data", "-o", name});
    const Finished finished = must_run(folder, {"eval", "m.pare", name, "--data", "data",
                                                "--no-latency", "--no-memory", "--json"});
    const Json report = pare::parse_json(finished.out, name);
    CHECK(report.dump().find("\"agreement\":1") != std::string::npos);
  }
}

TEST_CASE("dry-run checks the inputs and writes nothing") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const auto before = folder.names();
  must_run(folder, {"prune", "m.pare", "--sparsity", "0.5", "-o", "o.pare", "--dry-run"});
  CHECK(folder.names() == before);
  CHECK(run(folder, {"prune", "absent.pare", "--sparsity", "0.5", "-o", "o.pare", "--dry-run"})
            .code == 1);
}

TEST_CASE("a dry run of convert says what the format loses or refuses, and writes nothing") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  must_run(folder, {"prune", "m.pare", "--sparsity", "0.5", "-o", "sparse.pare"});
  must_run(folder, {"quantize", "m.pare", "--scheme", "w4a16", "-o", "w4.pare"});
  const auto before = folder.names();
  const Finished sparse = must_run(folder, {"convert", "sparse.pare", "-o", "s.onnx", "--dry-run"});
  CHECK(sparse.err.find("stored with their zeros") != std::string::npos);
  const Finished w4 =
      must_run(folder, {"convert", "w4.pare", "-o", "w4.onnx", "--opset", "13", "--dry-run"});
  CHECK(w4.err.find("cannot hold the codes") != std::string::npos);
  const Finished header = run(folder, {"convert", "m.pare", "-o", "a\"name.c", "--dry-run"});
  CHECK(header.code == 1);
  CHECK(header.err.starts_with("pare: error: a\"name.c: "));
  CHECK(folder.names() == before);
}

TEST_CASE("history records options and input hashes, never paths or threads") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  must_run(folder, {"prune", "m.pare", "--sparsity", "0.5", "--threads", "2", "-o", "o.pare"});
  const auto model = pare::formats::read(folder.at("o.pare"));
  REQUIRE(model.metadata.history.size() == 1);
  const auto& entry = model.metadata.history[0];
  CHECK(entry.pass == "prune");
  CHECK(entry.options["sparsity"] == 0.5);
  CHECK_FALSE(entry.options.contains("threads"));
  CHECK(entry.inputs["model"].get<std::string>().size() == 64);
  CHECK(read_file(folder.at("o.pare")).find("m.pare") == std::string::npos);
}

TEST_CASE("history has the input's hash, whatever is written and however many threads write it") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const std::string expected = pare::to_hex(pare::sha256_of_file(folder.at("m.pare")));
  for (const std::string output : {"o.pare", "o.safetensors", "o.npz", "o.onnx"}) {
    CAPTURE(output);
    std::string bytes;
    for (const std::string threads : {"1", "2"}) {
      const Finished said = run(folder, {"quantize", "m.pare", "--scheme", "w4a16", "--threads",
                                         threads, "-o", output, "--json"});
      REQUIRE(said.code == 0);
      CHECK(pare::Json::parse(said.out)["inputs"]["model"] == expected);
      const auto model = pare::formats::read(folder.at(output));
      REQUIRE(!model.metadata.history.empty());
      CHECK(model.metadata.history[0].inputs["model"] == expected);
      if (!bytes.empty()) CHECK(read_file(folder.at(output)) == bytes);
      bytes = read_file(folder.at(output));
    }
    must_run(folder, {"convert", "m.pare", "-o", output});
    const auto converted = pare::formats::read(folder.at(output));
    CHECK(converted.metadata.history.at(0).inputs["model"] == expected);
  }
}

TEST_CASE("preprocessing is stated once: flags for a model that states its own are refused") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const Finished refused =
      run(folder, {"quantize", "m.pare", "--bits", "8", "--mean", "0.5", "-o", "o.pare"});
  CHECK(refused.code == 1);
  CHECK(refused.err ==
        "pare: error: m.pare: states its own preprocessing; pare convert changes it\n");
  write_model(folder.at("bare.pare"),
              [](pare::ir::Model& model) { model.metadata.preprocessing = {}; });
  must_run(folder, {"quantize", "bare.pare", "--bits", "8", "--mean", "0.5", "-o", "o.pare"});
  CHECK(pare::formats::read(folder.at("o.pare")).metadata.preprocessing.mean ==
        std::vector<float>{0.5F});
  const Finished silent = run(folder, {"convert", "bare.pare", "-o", "o.pare"});
  CHECK(silent.code == 0);
  CHECK(silent.err.find("states no preprocessing") != std::string::npos);
}

TEST_CASE("stated preprocessing is stored by convert") {
  const Folder folder;
  write_model(folder.at("m.pare"), [](pare::ir::Model& model) {
    model.metadata.preprocessing = {};
    model.metadata.labels.clear();
  });
  pare::test::write_file(folder.at("labels.txt"), "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n");
  must_run(folder, {"convert", "m.pare", "--input-scale", "0.5", "--mean", "0.25", "--std", "2",
                    "--labels", "labels.txt", "-o", "stated.pare"});
  const auto model = pare::formats::read(folder.at("stated.pare"));
  CHECK(model.metadata.preprocessing.stated);
  CHECK(model.metadata.preprocessing.input_scale == 0.5F);
  CHECK(model.metadata.preprocessing.mean == std::vector<float>{0.25F});
  CHECK(model.metadata.labels.size() == 10);
}

TEST_CASE("layers that a tuning calls slower in integers stay in float") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 60, 20);
  must_run(folder, int8_of("m.pare", "m8.pare"));
  must_run(folder, {"bench", "m.pare", "m8.pare", "--blocks", "2", "--save-tuning", "t.json"});
  Json tuning = Json::parse(read_file(folder.at("t.json")));
  REQUIRE(!tuning["layers"].empty());
  for (Json& layer : tuning["layers"]) {
    layer["float_us"] = 1;
    layer["integer_us"] = 1;
  }
  tuning["layers"][0]["integer_us"] = 2;
  pare::write_text_file(folder.at("t.json"), tuning.dump());
  std::vector<std::string> tuned = int8_of("m.pare", "tuned.pare");
  tuned.insert(tuned.end(), {"--tuning", "t.json"});
  must_run(folder, tuned);
  const std::string node = tuning["layers"][0]["node"].get<std::string>();
  std::vector<std::string> excluded = int8_of("m.pare", "excluded.pare");
  excluded.insert(excluded.end(), {"--exclude", node});
  must_run(folder, excluded);
  const auto a = pare::formats::read(folder.at("tuned.pare"));
  const auto b = pare::formats::read(folder.at("excluded.pare"));
  CHECK(a.metadata.history.back().options == b.metadata.history.back().options);
  CHECK(a.metadata.history.back().inputs.contains("tuning"));
  for (const auto& [name, tensor] : a.parameters.entries()) {
    CHECK(tensor.is_quantized() == b.parameters.at(name).is_quantized());
  }
  const Finished same = run(folder, {"bench", "m.pare", "m.pare", "--save-tuning", "u.json"});
  CHECK(same.code == 1);
  const Finished weights_only =
      run(folder, {"quantize", "m.pare", "--bits", "8", "--tuning", "t.json", "-o", "x.pare"});
  CHECK(weights_only.code == 2);
}
