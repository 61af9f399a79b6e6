// SPDX-License-Identifier: Apache-2.0
// pare verify: hashes, provenance, and making a file again from its history.
#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/json.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::Json;
using pare::test::Finished;
using pare::test::Folder;
using pare::test::has_executable;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;
using pare::test::write_idx;
using pare::test::write_model;

namespace {

// m.pare, pruned, then quantized on data/; each file from the one before.
void prepare(const Folder& folder) {
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 60, 20);
  REQUIRE(run(folder, {"prune", "m.pare", "--sparsity", "0.5", "-o", "sparse.pare", "-q"}).code ==
          0);
  REQUIRE(run(folder, {"quantize", "sparse.pare", "--scheme", "w8a8", "--calibration-data", "data",
                       "--limit", "40", "--seed", "3", "-o", "int8.pare", "-q"})
              .code == 0);
}

}  // namespace

TEST_CASE("verify checks every hash and shows how the file was made") {
  const Folder folder;
  prepare(folder);
  const Finished finished = run(folder, {"verify", "int8.pare"});
  CHECK(finished.code == 0);
  CHECK(finished.out.find("match their hashes") != std::string::npos);
  CHECK(finished.out.find("1  prune, pare ") != std::string::npos);
  CHECK(finished.out.find("2  quantize, pare ") != std::string::npos);
  CHECK(finished.out.find("\"limit\":40") != std::string::npos);
  const Json json = pare::parse_json(run(folder, {"verify", "int8.pare", "--json"}).out, "verify");
  CHECK(json["hashes_checked"].get<int>() > 4);
  CHECK(json["history"].size() == 2);
  CHECK(json["rebuilt"].is_null());
}

TEST_CASE("verify finds a changed byte of a tensor") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  std::string bytes = read_file(folder.at("m.pare"));
  // The largest tensor fills most of the file: its middle is in it.
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(folder.at("m.pare"), bytes);
  const Finished finished = run(folder, {"verify", "m.pare"});
  CHECK(finished.code == 1);
  CHECK(finished.out.empty());
  CHECK(finished.err.rfind("pare: error: m.pare: ", 0) == 0);
  CHECK(finished.err.find("do not match their hash") != std::string::npos);
}

TEST_CASE("verify makes a file again from its history and gets the same bytes") {
  const Folder folder;
  prepare(folder);
  const Finished finished = run(folder, {"verify", "int8.pare", "--rebuild", "--data", "data"});
  CAPTURE(finished.err);
  CHECK(finished.code == 0);
  CHECK(finished.out.find("made again in 2 steps, with the same bytes") != std::string::npos);
  SUBCASE("inputs are found by their contents, whatever they are called") {
    std::filesystem::create_directories(folder.at("archive/deep"));
    std::filesystem::rename(folder.at("m.pare"), folder.at("archive/deep/renamed"));
    std::filesystem::remove(folder.at("sparse.pare"));
    CHECK(run(folder, {"verify", "int8.pare", "--rebuild", "--data", "data", "--search", "archive"})
              .code == 0);
    const Finished missing = run(folder, {"verify", "int8.pare", "--rebuild", "--data", "data"});
    CHECK(missing.code == 1);
    CHECK(missing.err.find("step 1 of its history (prune) needs the model file with SHA-256 ") !=
          std::string::npos);
  }
  SUBCASE("a data set that is missing, or another one, is named by its fingerprint") {
    write_idx(folder.at("other"), 61, 20);
    const std::vector<std::vector<std::string>> given{{}, {"--data", "other"}};
    for (const std::vector<std::string>& extra : given) {
      std::vector<std::string> words{"verify", "int8.pare", "--rebuild", "-q"};
      words.insert(words.end(), extra.begin(), extra.end());
      const Finished missing = run(folder, words);
      CHECK(missing.code == 1);
      CHECK(missing.err.find("needs the calibration data with fingerprint ") != std::string::npos);
      CHECK(std::count(missing.err.begin(), missing.err.end(), '\n') == 1);
    }
  }
}

TEST_CASE("verify makes intermediates again that were files of another format") {
  const Folder folder;
  prepare(folder);
  REQUIRE(run(folder, {"convert", "sparse.pare", "-o", "w.safetensors", "-q"}).code == 0);
  REQUIRE(run(folder, {"convert", "w.safetensors", "--graph", "m.pare", "-o", "joined.pare", "-q"})
              .code == 0);
  std::filesystem::remove(folder.at("w.safetensors"));
  const Finished finished = run(folder, {"verify", "joined.pare", "--rebuild", "-q"});
  CAPTURE(finished.err);
  CHECK(finished.code == 0);
  CHECK(finished.out.find("with the same bytes") != std::string::npos);
}

TEST_CASE("verify says when a file is not what its history gives") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  REQUIRE(run(folder, {"prune", "m.pare", "--sparsity", "0.5", "-o", "sparse.pare", "-q"}).code ==
          0);
  // The same history on other weights: somebody else's file under this name.
  pare::ir::Model claimed = pare::formats::read(folder.at("sparse.pare"));
  claimed.metadata.history.back().options["sparsity"] = 0.4;
  pare::formats::write(claimed, folder.at("claimed.pare"));
  const Finished finished = run(folder, {"verify", "claimed.pare", "--rebuild", "-q"});
  CAPTURE(finished.err);
  CHECK(finished.code == 1);
  CHECK(finished.err.find("step 1 of its history (prune) gives other bytes: SHA-256 ") !=
        std::string::npos);
  CHECK(finished.err.find("the first tensor that differs is ") != std::string::npos);
}

TEST_CASE("verify makes trainings again") {
  if (!has_executable("pare-train")) {
    MESSAGE("skipped: there is no pare-train");
    return;
  }
  const Folder folder;
  REQUIRE(run(folder, {"train", "--arch", "mlp:784-8-10", "--data", "synthetic:glyphs", "--limit",
                       "100", "--epochs", "1", "--threads", "1", "-o", "teacher.pare", "-q"})
              .code == 0);
  REQUIRE(run(folder,
              {"distill", "teacher.pare", "--arch", "mlp:784-4-10", "--data", "synthetic:glyphs",
               "--limit", "100", "--epochs", "1", "--threads", "1", "-o", "student.pare", "-q"})
              .code == 0);
  for (const char* name : {"teacher.pare", "student.pare"}) {
    const Finished finished = run(folder, {"verify", name, "--rebuild"});
    CAPTURE(finished.err);
    CHECK(finished.code == 0);
    CHECK(finished.out.find("made again in 1 steps, with the same bytes") != std::string::npos);
  }
}

TEST_CASE("verify refuses what it cannot check") {
  const Folder folder;
  prepare(folder);
  REQUIRE(run(folder, {"convert", "m.pare", "-o", "m.onnx", "-q"}).code == 0);
  CHECK(run(folder, {"verify", "m.onnx"}).err ==
        "pare: error: m.onnx: is onnx; only .pare files store hashes to check\n");
  CHECK(run(folder, {"verify", "m.pare", "--data", "data"}).code == 2);
  const Finished bare = run(folder, {"verify", "m.pare", "--rebuild"});
  CHECK(bare.code == 1);
  CHECK(bare.err == "pare: error: m.pare: records no history to rebuild it from\n");
}
