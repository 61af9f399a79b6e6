// SPDX-License-Identifier: Apache-2.0
// pare run: what is skipped, what is not, what a recipe may hold, and that the printed commands do
// the same as the run.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <sstream>

#include <doctest/doctest.h>

#include "apps/pare/recipe/schema.hpp"
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

TEST_CASE("dry-run prints a shell script that does the same, and writes nothing") {
  const Folder folder;
  prepare(folder);
  const Finished plan = run(folder, {"run", "r.json", "--dry-run"});
  CHECK(plan.code == 0);
  CHECK_FALSE(std::filesystem::exists(folder.at("out")));
  std::string commands;
  std::istringstream lines(plan.out);
  for (std::string line; std::getline(lines, line);) {
    if (line.front() != '#') commands += line + "\n";
  }
  CHECK(commands ==
        "mkdir -p out\n"
        "pare prune m.pare -o out/sparse.pare --sparsity 0.5\n"
        "pare quantize out/sparse.pare -o out/small.pare --bits 8\n");
  CHECK(plan.out.find("# [1/2] sparse: runs, writes about ") != std::string::npos);
  REQUIRE(statuses(folder) == kBothDone);
  const Finished done = run(folder, {"run", "r.json", "--dry-run"});
  CHECK(done.out ==
        "mkdir -p out\n"
        "# [1/2] sparse: up to date\n"
        "# pare prune m.pare -o out/sparse.pare --sparsity 0.5\n"
        "# [2/2] small: up to date\n"
        "# pare quantize out/sparse.pare -o out/small.pare --bits 8\n");
}

TEST_CASE("a list of numbers in a recipe is one in the command line") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  for (const char* lists :
       {R"("threads": [1, 2], "batch_size": 8)", R"("threads": "1,2", "batch_size": [8])"}) {
    write_file(folder.at("r.json"),
               std::string(R"({"schema_version": 1, "output_dir": "out", "steps": [
      {"name": "all", "command": "eval", "inputs": ["m.pare"],
       "options": {"data": "synthetic:glyphs", "html": "out/r.html", )") +
                   lists + "}}]}");
    const Finished finished = run(folder, {"run", "r.json", "--dry-run"});
    CAPTURE(finished.err);
    CHECK(finished.code == 0);
    CHECK(finished.out.find("--threads 1,2 --batch-size 8") != std::string::npos);
  }
}

TEST_CASE("predicted sizes are within a fifth of what gets written") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  // Every way of storing weights: floats, int8, int4 in groups, and each with a mask.
  write_file(folder.at("r.json"), R"({"schema_version": 1, "output_dir": "out", "steps": [
    {"name": "copy", "command": "convert", "inputs": ["m.pare"], "output": "copy.pare"},
    {"name": "half", "command": "prune", "inputs": ["${copy}"], "output": "half.pare",
     "options": {"sparsity": 0.5}},
    {"name": "int8", "command": "quantize", "inputs": ["m.pare"], "output": "int8.pare",
     "options": {"bits": 8}},
    {"name": "int4", "command": "quantize", "inputs": ["${copy}"], "output": "int4.pare",
     "options": {"bits": 4}},
    {"name": "half4", "command": "quantize", "inputs": ["${half}"], "output": "half4.pare",
     "options": {"bits": 4}}]})");
  const Finished plan = run(folder, {"run", "r.json", "--dry-run", "--json"});
  REQUIRE(plan.code == 0);
  REQUIRE(run(folder, {"run", "r.json", "-q"}).code == 0);
  const Json predicted = pare::parse_json(plan.out, "plan");
  for (const Json& step : predicted["steps"]) {
    const auto path = folder.at(step["outputs"][0].get<std::string>());
    const auto bytes = static_cast<double>(std::filesystem::file_size(path));
    CAPTURE(path);
    CAPTURE(bytes);
    REQUIRE(step["predicted_bytes"].is_number());
    CHECK(step["predicted_bytes"].get<double>() == doctest::Approx(bytes).epsilon(0.2));
    CHECK(step["predicted_memory_bytes"].get<double>() > bytes);
  }
}

TEST_CASE("a step that fails leaves the finished ones and says which they are") {
  const Folder folder;
  prepare(folder);
  // A pattern that matches no layer is found out only when the step runs.
  write_file(folder.at("r.json"), R"({"schema_version": 1, "output_dir": "out", "steps": [
    {"name": "first", "command": "prune", "inputs": ["m.pare"], "output": "first.pare",
     "options": {"sparsity": 0.5}},
    {"name": "wrong", "command": "quantize", "inputs": ["${first}"], "output": "wrong.pare",
     "options": {"bits": 8, "exclude": ["nothing*"]}},
    {"name": "last", "command": "quantize", "inputs": ["${wrong}"], "output": "last.pare",
     "options": {"bits": 4}}]})");
  const Finished finished = run(folder, {"run", "r.json"});
  CHECK(finished.code == 1);
  CAPTURE(finished.err);
  CHECK(finished.err.find("step wrong ended with exit code 1; finished: first; not run: last") !=
        std::string::npos);
  CHECK(std::filesystem::exists(folder.at("out/first.pare")));
  CHECK_FALSE(std::filesystem::exists(folder.at("out/wrong.pare")));
  const Finished quiet = run(folder, {"run", "r.json", "-q", "--json"});
  CHECK(quiet.code == 1);
  CHECK(quiet.err.rfind("pare: error: ", 0) == 0);
  CHECK(std::count(quiet.err.begin(), quiet.err.end(), '\n') == 1);
  const Json steps = pare::parse_json(quiet.out, "run")["steps"];
  CHECK(steps[0]["status"] == "up to date");
  CHECK(steps[1]["status"] == "failed");
  CHECK(steps[1]["exit_code"] == 1);
  CHECK(steps[2]["status"] == "not run");
}

TEST_CASE("steps that do not wait for each other run at once and write the same bytes") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  std::string steps;
  for (const char* sparsity : {"0.2", "0.4", "0.6"}) {
    const std::string name = std::string("s") + sparsity[2];
    steps += R"({"name": ")" + name +
             R"(", "command": "prune", "inputs": ["m.pare"], "output": ")" + name +
             R"(.pare", "options": {"sparsity": )" + sparsity + "}},";
    steps += R"({"name": "q)" + name + R"(", "command": "quantize", "inputs": ["${)" + name +
             R"(}"], "output": "q)" + name + R"(.pare", "options": {"bits": 8}},)";
  }
  steps.pop_back();
  write_file(folder.at("r.json"),
             R"({"schema_version": 1, "output_dir": "out", "steps": [)" + steps + "]}");
  REQUIRE(run(folder, {"run", "r.json", "-q"}).code == 0);
  const Finished parallel =
      run(folder, {"run", "r.json", "--jobs", "4", "--output-dir", "at once", "--json"});
  CAPTURE(parallel.err);
  REQUIRE(parallel.code == 0);
  for (const char* name : {"s2", "s4", "s6", "qs2", "qs4", "qs6"}) {
    const std::string file = "/" + std::string(name) + ".pare";
    CHECK(read_file(folder.at("out" + file)) == read_file(folder.at("at once" + file)));
  }
  const Json result = pare::parse_json(parallel.out, "run");
  for (const Json& step : result["steps"]) {
    CHECK(step["status"] == "done");
  }
}

TEST_CASE("a step that fails ends the run with its exit code and its one line") {
  const Folder folder;
  prepare(folder);
  write_file(folder.at("m.pare"), "no model");
  const Finished finished = run(folder, {"run", "r.json", "-q"});
  CHECK(finished.code == 1);
  CHECK(finished.err.rfind("pare: error: m.pare: ", 0) == 0);
}

TEST_CASE("an output folder that moved is still up to date") {
  const Folder folder;
  prepare(folder);
  REQUIRE(statuses(folder) == kBothDone);
  std::filesystem::rename(folder.at("out"), folder.at("moved"));
  CHECK(statuses(folder, {"--output-dir", "moved"}) == kBothCurrent);
}

TEST_CASE("the JSON Schema in docs is made of the table of commands, as the help is") {
  const std::string path = "docs/recipe.schema.json";
  const std::string text = pare::to_text(pare::cli::recipe_schema(), 2) + "\n";
  if (std::getenv("PARE_UPDATE_GOLDENS")) write_file(path, text);
  CHECK(read_file(path) == text);
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
      {R"({"schema_version": 2})", "r.json: /schema_version: expected 1, found 2"},
      {R"({"schema_version": 1, "output_dir": "o", "stesp": []})",
       "r.json: unknown key \"stesp\"; did you mean \"steps\"?"},
      {R"({"schema_version": 1, "output_dir": "o", "steps": []})",
       "r.json: /steps: a list of steps"},
      {with_step(R"({"name": "a", "command": "prun"})"),
       "r.json: /steps/0/command: \"prun\" is not a command that a recipe can run; did you mean "
       "\"prune\"?"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["${b}"], "output": "o.pare","options": {"sparsity": 0.5}})"),
       "r.json: /steps/0/inputs/0: ${b} is neither a variable nor an earlier step"},
      {with_step(R"({"name": "a", "command": "prune", "inputs": [], "output": "o.pare"})"),
       "r.json: /steps/0/inputs: 0 given, pare prune takes 1"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "output": "o.pare","options": {"sparsity": 1.5}})"),
       "r.json: /steps/0/options/sparsity: must be in [0, 1), got 1.5"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "output": "o.pare","options": {"sparsty": 0.5}})"),
       "r.json: /steps/0/options/sparsty: unknown option; did you mean sparsity?"},
      {with_step(
           R"({"name": "a", "command": "quantize", "inputs": ["m.pare"], "output": "o.pare","options": {"bits": "x"}})"),
       "r.json: /steps/0/options/bits: "},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "options": {"sparsity": 0.5}})"),
       "r.json: /steps/0/output: is required by pare prune"},
      {with_step(
           R"({"name": "a", "command": "prune", "inputs": ["m.pare"], "output": "o.txt", "options": {"sparsity": 0.5}})"),
       "r.json: /steps/0/options: "},
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
  CHECK(finished.out.rfind("mkdir -p demo\n# [1/7] teacher: runs, writes about ", 0) == 0);
}
