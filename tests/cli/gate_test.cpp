// SPDX-License-Identifier: Apache-2.0
// Budgets through the executable: verdicts as exit codes, the same from a report as from the
// models.
#include <string>

#include <doctest/doctest.h>

#include "lib/core/json.hpp"
#include "lib/core/output_file.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::Json;
using pare::write_text_file;
using pare::test::Finished;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_idx;
using pare::test::write_model;

namespace {

constexpr int kItems = 2000;

// Predictions of write_idx's test items, whose labels are i mod 10: wrong where i mod `every` is
// `rest`.
void write_predictions(const Folder& folder, const std::string& name, int every, int rest) {
  std::string text = "item,prediction\n";
  for (int i = 0; i < kItems; ++i) {
    const int label = i % 10;
    text += std::to_string(i) + "," + std::to_string(i % every == rest ? (label + 1) % 10 : label) +
            "\n";
  }
  write_text_file(folder.at(name), text);
}

void write_inputs(const Folder& folder) {
  write_idx(folder.at("data"), 20, kItems);
  write_predictions(folder, "base.csv", 50, 7);
  write_predictions(folder, "copy.csv", 50, 7);
  write_predictions(folder, "broken.csv", 20, 3);
  write_text_file(folder.at("budget.json"), R"({"accuracy_drop": 0.01, "flips": 0.02})");
}

}  // namespace

TEST_CASE("a copy keeps a budget, a planted drop fails it, few items decide nothing") {
  const Folder folder;
  write_inputs(folder);
  const auto judged = [&](const std::string& candidate) {
    return run(folder,
               {"eval", "base.csv", candidate, "--data", "data", "--budget", "budget.json"});
  };
  const Finished copy = judged("copy.csv");
  CHECK(copy.code == 0);
  CHECK(copy.out.find("✓ pass  copy against budget.json") != std::string::npos);
  const Finished broken = judged("broken.csv");
  CHECK(broken.code == 3);
  CHECK(broken.out.find("✗ accuracy_drop") != std::string::npos);
  write_text_file(folder.at("tight.json"), R"({"accuracy_drop": 0.001})");
  const Finished few =
      run(folder, {"eval", "base.csv", "copy.csv", "--data", "data", "--budget", "tight.json"});
  CHECK(few.code == 4);
  CHECK(few.out.find("items would decide") != std::string::npos);
}

TEST_CASE("pare gate says of a report what pare eval said of the models") {
  const Folder folder;
  write_inputs(folder);
  const Finished eval = run(folder, {"eval", "base.csv", "copy.csv", "broken.csv", "--data", "data",
                                     "--budget", "budget.json", "--json"});
  CHECK(eval.code == 3);
  write_text_file(folder.at("report.json"), eval.out);
  const Finished gate = run(folder, {"gate", "report.json", "--budget", "budget.json", "--json",
                                     "--junit", "v.xml", "--md", "v.md"});
  CHECK(gate.code == 3);
  Json expected = Json::parse(eval.out)["gate"];
  Json found = Json::parse(gate.out);
  found.erase("schema_version");
  CHECK(found == expected);
  CHECK(read_file(folder.at("v.xml")).find("tests=\"4\" failures=\"2\"") != std::string::npos);
  CHECK(read_file(folder.at("v.md")).find("**✗ fail**: broken") != std::string::npos);
}

TEST_CASE("budgets that cannot be judged are refused before the work") {
  const Folder folder;
  write_inputs(folder);
  write_text_file(folder.at("slow.json"), R"({"latency_p50_ratio": 0.5})");
  write_text_file(folder.at("regression.json"), R"({"rmse": 0.5})");
  write_text_file(folder.at("typo.json"), R"({"acuracy_drop": 0.5})");
  const auto refused = [&](const std::vector<std::string>& arguments, int code,
                           const std::string& part) {
    const Finished finished = run(folder, arguments);
    CAPTURE(finished.err);
    CHECK(finished.code == code);
    CHECK(finished.err.find(part) != std::string::npos);
    CHECK(finished.out.empty());
  };
  refused(
      {"eval", "base.csv", "copy.csv", "--data", "data", "--budget", "slow.json", "--no-latency"},
      2, "contradicts latency_p50_ratio");
  refused({"eval", "base.csv", "--data", "data", "--budget", "budget.json"}, 2,
          "only one model is given");
  refused({"eval", "base.csv", "copy.csv", "--data", "data", "--budget", "typo.json"}, 1,
          "did you mean accuracy_drop?");
  refused({"eval", "base.csv", "copy.csv", "--data", "data", "--budget", "regression.json"}, 1,
          "a figure of regression");
  refused({"eval", "base.csv", "copy.csv", "--data", "data", "--junit", "v.xml"}, 2,
          "no effect without --budget");
  refused({"gate", "report.json"}, 2, "--budget");
  refused({"gate", "budget.json", "--budget", "budget.json"}, 1, "is no report");
  CHECK_FALSE(std::filesystem::exists(folder.at("v.xml")));
}

TEST_CASE("latency that only predictions could have is inconclusive") {
  const Folder folder;
  write_inputs(folder);
  write_text_file(folder.at("slow.json"), R"({"latency_p50_ratio": 0.5, "file_bytes": 10})");
  const Finished finished =
      run(folder, {"eval", "base.csv", "copy.csv", "--data", "data", "--budget", "slow.json"});
  CHECK(finished.code == 4);
  CHECK(finished.out.find("not measured") != std::string::npos);
}
