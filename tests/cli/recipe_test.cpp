// SPDX-License-Identifier: Apache-2.0
// pare run: what is skipped, what is not, what a recipe may hold, and that the printed commands do
// the same as the run.
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
  // comments are allowed
  "schema_version": 1,
  "output_dir": "out",
  "variables": {"sparsity": 0.5},
  "steps": [
    {"name": "sparse", "command": "prune", "inputs": ["m.pare"], "output": "sparse.pare",
     "options": {"sparsity": "${sparsity}"}},
    {"name": "small", "command": "quantize", "inputs": ["${sparse}"], "output": "small.pare",
     "options": {"bits": 8}}
  ]
})";

void prepare(const Folder& folder) {
  write_model(folder.at("m.pare"));
  write_file(folder.at("r.json"), kRecipe);
}

// "done" or "up to date", one a step.
std::vector<std::string> statuses(const Folder& folder, std::vector<std::string> extra = {}) {
  std::vector<std::string> words{"run", "r.json", "--json", "-q"};
  words.insert(words.end(), extra.begin(), extra.end());
  const Finished finished = run(folder, words);
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  std::vector<std::string> out;
  const Json result = pare::parse_json(finished.out, "run");
  for (const Json& step : result["steps"]) {
    out.push_back(step["status"]);
  }
  return out;
}

const std::vector<std::string> kBothDone{"done", "done"};
const std::vector<std::string> kBothCurrent{"up to date", "up to date"};

}  // namespace

TEST_CASE("unchanged steps are skipped, changed ones and what depends on them run") {
  const Folder folder;
  prepare(folder);
  CHECK(statuses(folder) == kBothDone);
  CHECK(statuses(folder) == kBothCurrent);
  CHECK(statuses(folder, {"--force"}) == kBothDone);
  CHECK(statuses(folder, {"--set", "sparsity=0.6"}) == kBothDone);
  CHECK(statuses(folder, {"--set", "sparsity=0.6"}) == kBothCurrent);
  CHECK(statuses(folder, {"--threads", "2", "--set", "sparsity=0.6"}) == kBothCurrent);
  SUBCASE("an output that was changed by hand is made again") {
    write_file(folder.at("out/small.pare"), "changed");
    CHECK(statuses(folder, {"--set", "sparsity=0.6"}) ==
          std::vector<std::string>{"up to date", "done"});
  }
  SUBCASE("a deleted output is made again") {
    std::filesystem::remove(folder.at("out/sparse.pare"));
    CHECK(statuses(folder, {"--set", "sparsity=0.6"}) ==
          std::vector<std::string>{"done", "up to date"});
  }
  SUBCASE("a changed source runs everything") {
    write_model(folder.at("m.pare"),
                [](pare::ir::Model& model) { model.metadata.labels[0].assign(1, 'x'); });
    CHECK(statuses(folder, {"--set", "sparsity=0.6"}) == kBothDone);
  }
  SUBCASE("a damaged state runs everything") {
    write_file(folder.at("out/.pare-run.json"), "{");
    CHECK(statuses(folder, {"--set", "sparsity=0.6"}) == kBothDone);
  }
}

TEST_CASE("dry-run prints shell commands that do the same, and writes nothing") {
  const Folder folder;
  prepare(folder);
  const Finished finished = run(folder, {"run", "r.json", "--dry-run"});
  CHECK(finished.code == 0);
  CHECK(finished.out ==
        "pare prune m.pare -o out/sparse.pare --sparsity 0.5\n"
        "pare quantize out/sparse.pare -o out/small.pare --bits 8\n");
  CHECK_FALSE(std::filesystem::exists(folder.at("out")));
}

TEST_CASE("a step that fails ends the run with its exit code and its one line") {
  const Folder folder;
  prepare(folder);
  write_file(folder.at("m.pare"), "no model");
  const Finished finished = run(folder, {"run", "r.json", "-q"});
  CHECK(finished.code == 1);
  CHECK(finished.err.rfind("pare: error: m.pare: ", 0) == 0);
}

TEST_CASE("recipes that are wrong are refused as a whole, naming the place") {
  struct Wrong {
    std::string recipe;
    std::string message;
  };
  const auto with_step = [](const std::string& step) {
    std::string text = R"({"schema_version": 1, "output_dir": "out", "steps": [)";
    return text.append(step).append("]}");
  };
  const std::vector<Wrong> all{
      {"{", "malformed JSON"},
      {R"({"schema_version": 2})", "r.json: schema_version: must be 1"},
      {R"({"schema_version": 1, "output_dir": "o", "stesp": []})",
       "r.json: unknown key \"stesp\"; did you mean \"steps\"?"},
      {R"({"schema_version": 1, "output_dir": "o", "steps": []})",
       "r.json: steps: a list of steps"},
      {with_step(R"({"name": "a", "command": "prun"})"),
       "r.json: steps[0].command: \"prun\" is not a command that a recipe can run; did you mean "
       "\"prune\"?"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["${b}"], "output": "o.pare","options": {"sparsity": 0.5}})"),
       "r.json: steps[0].inputs[0]: ${b} is neither a variable nor an earlier step"},
      {with_step(R"({"name": "a", "command": "prune", "inputs": [], "output": "o.pare"})"),
       "r.json: steps[0].inputs: 0 given, pare prune takes 1"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "output": "o.pare","options": {"sparsity": 1.5}})"),
       "r.json: steps[0].options: --sparsity: must be in [0, 1), got 1.5"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "output": "o.pare","options": {"sparsty": 0.5}})"),
       "r.json: steps[0].options: sparsty: unknown option; did you mean sparsity?"},
  };
  for (const Wrong& wrong : all) {
    CAPTURE(wrong.message);
    const Folder folder;
    write_model(folder.at("m.pare"));
    write_file(folder.at("r.json"), wrong.recipe);
    const Finished finished = run(folder, {"run", "r.json"});
    CHECK(finished.code == 1);
    CAPTURE(finished.err);
    CHECK(finished.err.find(wrong.message) != std::string::npos);
    CHECK_FALSE(std::filesystem::exists(folder.at("out")));
  }
}

TEST_CASE("the demonstration recipe is valid") {
  const Folder folder;
  const std::string recipe = std::filesystem::absolute("examples/demo.json").string();
  const Finished finished = run(folder, {"run", recipe, "--dry-run"});
  CAPTURE(finished.err);
  CHECK(finished.code == 0);
  CHECK(finished.out.rfind("pare train ", 0) == 0);
}
