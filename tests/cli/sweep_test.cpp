// SPDX-License-Identifier: Apache-2.0
// pare sweep: what its Makefile runs, how often, and where.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "lib/core/json.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::Json;
using pare::test::Finished;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;
using pare::test::write_model;

namespace {

constexpr const char* kRecipe = R"({
  "schema_version": 1,
  "output_dir": "unused",
  "variables": {"sparsity": 0.1},
  "steps": [
    {"name": "base", "command": "convert", "inputs": ["a model.pare"], "output": "base.pare"},
    {"name": "sparse", "command": "prune", "inputs": ["${base}"], "output": "sparse.pare",
     "options": {"sparsity": "${sparsity}"}},
    {"name": "small", "command": "quantize", "inputs": ["${sparse}"], "output": "small.pare",
     "options": {"bits": 8}},
    {"name": "table", "command": "eval", "inputs": ["${base}", "${small}"],
     "options": {"data": "synthetic:glyphs", "limit": 40, "no_latency": true, "no_memory": true,
                 "md": "table.md"}}
  ]
})";

void prepare(const Folder& folder) {
  write_model(folder.at("a model.pare"));
  write_file(folder.at("a recipe.json"), kRecipe);
}

const std::vector<std::string> kSweep{"sweep", "a recipe.json",    "--set", "quantize.bits=4,8",
                                      "--set", "sparsity=0.5,0.7", "-o",    "my sweep"};

Finished make(const Folder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"-C", "my sweep"});
  return run(folder, {.arguments = std::move(arguments), .program = "/usr/bin/make"});
}

bool has_make() { return std::filesystem::exists("/usr/bin/make"); }

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

}  // namespace

TEST_CASE("a sweep has a recipe for each run, and one for each step that runs share") {
  const Folder folder;
  prepare(folder);
  const Finished finished = run(folder, kSweep);
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  CHECK(finished.out.rfind("my sweep: 4 runs, 3 steps that they share\n", 0) == 0);
  CHECK(read_file(folder.at("my sweep/runs.txt")) ==
        "runs/bits-4_sparsity-0.5/done\nruns/bits-4_sparsity-0.7/done\n"
        "runs/bits-8_sparsity-0.5/done\nruns/bits-8_sparsity-0.7/done\n");
  for (const char* name : {"shared/base", "shared/sparse_sparsity-0.5",
                           "shared/sparse_sparsity-0.7", "runs/bits-4_sparsity-0.7", "report"}) {
    CAPTURE(name);
    CHECK(std::filesystem::exists(folder.at("my sweep/" + std::string(name) + "/recipe.json")));
  }
  const Json recipe = pare::parse_json(
      read_file(folder.at("my sweep/runs/bits-4_sparsity-0.7/recipe.json")), "recipe");
  REQUIRE(recipe["steps"].size() == 1);
  CHECK(recipe["steps"][0]["inputs"][0] == "shared/sparse_sparsity-0.7/sparse.pare");
  CHECK(recipe["steps"][0]["options"]["bits"] == 4);
}

TEST_CASE("make runs a sweep in parallel, shared steps once, in folders with spaces") {
  if (!has_make()) {
    MESSAGE("skipped: there is no /usr/bin/make");
    return;
  }
  const Folder folder;
  prepare(folder);
  REQUIRE(run(folder, kSweep).code == 0);
  const Finished rehearsal = make(folder, {"-n"});
  CHECK(rehearsal.code == 0);
  CHECK(count(rehearsal.out, " run shared/base/recipe.json") == 1);
  CHECK_FALSE(std::filesystem::exists(folder.at("my sweep/shared/base/base.pare")));
  const Finished all = make(folder, {"-j2"});
  CAPTURE(all.err);
  REQUIRE(all.code == 0);
  CHECK(count(all.out, " run shared/base/recipe.json") == 1);
  // The same files as by hand.
  REQUIRE(run(folder, {"run", "a recipe.json", "--set", "sparsity=0.7", "-q"}).code == 0);
  CHECK(read_file(folder.at("my sweep/runs/bits-8_sparsity-0.7/small.pare")) ==
        read_file(folder.at("unused/small.pare")));
  SUBCASE("a second make does nothing, and neither does one after the same sweep again") {
    CHECK(make(folder, {"-q"}).code == 0);
    REQUIRE(run(folder, kSweep).code == 0);
    CHECK(make(folder, {"-q"}).code == 0);
  }
  SUBCASE("report evaluates the baseline and every run together") {
    const Finished report = make(folder, {"report"});
    CAPTURE(report.err);
    REQUIRE(report.code == 0);
    const Json recipe =
        pare::parse_json(read_file(folder.at("my sweep/report/recipe.json")), "recipe");
    const Json& inputs = recipe["steps"][0]["inputs"];
    REQUIRE(inputs.size() == 5);
    CHECK(inputs[0] == "shared/base/base.pare");
    // Files of the same name are told apart by their runs.
    const std::string table = read_file(folder.at("my sweep/report/table.md"));
    CHECK(table.find("sparsity-0.5/small") != std::string::npos);
    CHECK(table.find("sparsity-0.7/small") != std::string::npos);
    CHECK(std::filesystem::exists(folder.at("my sweep/report/report.html")));
  }
  SUBCASE("a target that lost its stamp is found up to date by its contents") {
    std::filesystem::remove(folder.at("my sweep/shared/base/done"));
    const Finished again = make(folder, {"shared/base/done"});
    CHECK(again.code == 0);
    CHECK(again.err.find("base is up to date") != std::string::npos);
  }
}

TEST_CASE("a sweep that means nothing is refused and writes nothing") {
  const Folder folder;
  prepare(folder);
  struct Wrong {
    std::string set;
    int code;
    std::string message;
  };
  const std::vector<Wrong> all{
      {"quantize.bits", 2, "--set: NAME=VALUE,VALUE... is expected"},
      {"quantize.bits=4,4", 2, "--set: quantize.bits: a value is repeated"},
      {"quantize.bits=4,,8", 2, "--set: quantize.bits: a value is empty"},
      {"quantise.bits=4,8", 2, "has no step and no command \"quantise\""},
      {"quantize.bits=4,5", 1, "a recipe.json: /steps/2/options/bits: must be 4 or 8"},
      {"quantize.bit=4", 1, "a recipe.json: /steps/2/options/bit: unknown option"},
      {"epochs=1,2", 1, "a recipe.json: /variables: there is no \"epochs\""},
  };
  for (const Wrong& wrong : all) {
    const Finished finished =
        run(folder, {"sweep", "a recipe.json", "--set", wrong.set, "-o", "my sweep"});
    CAPTURE(finished.err);
    CHECK(finished.code == wrong.code);
    CHECK(finished.err.find(wrong.message) != std::string::npos);
    CHECK(count(finished.err, "\n") == 1);
    CHECK_FALSE(std::filesystem::exists(folder.at("my sweep")));
  }
}
