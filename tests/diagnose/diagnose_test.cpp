// SPDX-License-Identifier: Apache-2.0
// Drives the real executable on models broken on purpose: the layer and the cause must be named,
// and the printed command, run by a shell, must give the accuracy that was printed beside it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/json.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"
#include "tests/diagnose/break_model.hpp"

using pare::Json;
using pare::test::Finished;
using pare::test::Folder;
using pare::test::run;
namespace ir = pare::ir;

namespace {

const char* const kData = "synthetic:glyphs?train=800&test=400";

// pare train --arch dscnn:width=16 --data 'synthetic:glyphs?train=6000&test=400' --epochs 10
//   --batch-size 32 --learning-rate 0.05
ir::Model classifier() { return pare::formats::read("tests/diagnose/fixtures/glyphs.dscnn.pare"); }

Json must_run(const Folder& folder, const std::vector<std::string>& arguments) {
  const Finished finished = run(folder, arguments);
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  return arguments.back() == "--json" ? pare::parse_json(finished.out, arguments.front()) : Json();
}

// m.pare, and m.int8.pare of it.
void make_pair(const Folder& folder, const ir::Model& model) {
  pare::formats::write(model, folder.at("m.pare"));
  must_run(folder, {"quantize", "m.pare", "--scheme", "w8a8", "--calibration-data", kData, "-o",
                    "m.int8.pare", "-q"});
}

Json diagnosis_of(const Folder& folder, const std::string& candidate) {
  return must_run(folder, {"diagnose", "m.pare", candidate, "--data", kData, "--samples", "200",
                           "-q", "--json"});
}

template <class Break>
Json broken(const Folder& folder, const Break& change) {
  ir::Model model = pare::formats::read(folder.at("m.int8.pare"));
  change(model);
  pare::formats::write(model, folder.at("broken.int8.pare"));
  return diagnosis_of(folder, "broken.int8.pare");
}

double accuracy_of(const Folder& folder, const std::string& model) {
  const Json report = must_run(
      folder, {"eval", model, "--data", kData, "--no-latency", "--no-memory", "-q", "--json"});
  return report["candidates"][0]["accuracy"].get<double>();
}

// The first finding is this; its command gives what was printed and mends most of the damage.
void check_found(const Folder& folder, const Json& diagnosis, const std::string& layer,
                 const std::string& cause, bool helps = true) {
  CAPTURE(diagnosis["findings"].dump(1));
  REQUIRE(!diagnosis["findings"].empty());
  const Json& finding = diagnosis["findings"][0];
  CHECK(finding["layer"] == layer);
  CHECK(finding["cause"] == cause);
  const Json& repair = finding[helps ? "repair" : "tried"];
  REQUIRE(repair.is_object());
  for (const Json& line : repair["commands"]) {
    const std::string path = std::string(std::getenv("PARE_BIN")) + ":/usr/bin:/bin";
    const Finished finished = run(folder, {.arguments = {"-c", line.get<std::string>()},
                                           .program = "/bin/sh",
                                           .environment = {{"PATH", path}}});
    CAPTURE(finished.err);
    REQUIRE(finished.code == 0);
  }
  CHECK(accuracy_of(folder, "broken.int8.repaired.pare") == repair["after"]["accuracy"]);
  CHECK(accuracy_of(folder, "broken.int8.pare") == repair["before"]["accuracy"]);
  const auto bytes = std::filesystem::file_size(folder.at("broken.int8.repaired.pare"));
  CHECK(repair["bytes_after"] == bytes);
  CHECK((repair["difference_interval"][0].get<double>() > 0) == helps);
  CHECK(repair["after"]["kl"].get<double>() < 0.3 * repair["before"]["kl"].get<double>());
}

}  // namespace

TEST_CASE("a healthy int8 model is accused of nothing") {
  const Folder folder;
  make_pair(folder, classifier());
  const Json diagnosis = diagnosis_of(folder, "m.int8.pare");
  CAPTURE(diagnosis["findings"].dump(1));
  CHECK(diagnosis["schema_version"] == 1);
  CHECK(diagnosis["findings"].empty());
  CHECK(diagnosis["base"]["accuracy"].get<double>() > 0.75);
  CHECK(diagnosis["parts_agreement"].get<double>() >= 0.99);
  double shares = 0;
  for (const Json& part : diagnosis["parts"]) shares += part["share"].get<double>();
  CHECK(shares == doctest::Approx(1.0));
}

TEST_CASE("one channel's scale is found and repaired") {
  const Folder folder;
  make_pair(folder, classifier());
  const Json found = broken(folder, [](ir::Model& model) {
    pare::test::break_channel_scale(model, "block2.pointwise", 3, 8.0F);
  });
  check_found(folder, found, "block2.pointwise", "outlier_channel");
  CHECK(found["findings"][0]["figures"]["channel"] == 3);
}

TEST_CASE("a saturated layer is found and repaired") {
  const Folder folder;
  make_pair(folder, classifier());
  const Json found = broken(
      folder, [](ir::Model& model) { pare::test::narrow_range(model, "block1.pointwise", 16.0F); });
  check_found(folder, found, "block1.pointwise", "saturation");
}

TEST_CASE("a range far wider than the values is found and repaired") {
  const Folder folder;
  make_pair(folder, classifier());
  const Json found = broken(folder, [](ir::Model& model) {
    pare::test::narrow_range(model, "block1.pointwise", 1.0F / 64);
  });
  check_found(folder, found, "block1.pointwise", "dead_range");
}

TEST_CASE("swapped preprocessing is found and repaired without quantizing again") {
  const Folder folder;
  make_pair(folder, classifier());
  const Json found = broken(folder, [](ir::Model& model) {
    model.metadata.preprocessing.mean = {0.9F};
    model.metadata.preprocessing.std = {0.1F};
  });
  check_found(folder, found, "preprocessing", "preprocessing");
  const std::string command = found["findings"][0]["repair"]["commands"][0];
  CHECK(command == "pare convert broken.int8.pare -o broken.int8.repaired.pare --like m.pare");
}

TEST_CASE("per-tensor depthwise weights are found and repaired") {
  const Folder folder;
  make_pair(folder,
            pare::test::with_uneven_channels(classifier(), "stem", "block1.depthwise", 16.0F));
  must_run(folder, {"quantize", "m.pare", "--scheme", "w8a8", "--granularity", "tensor",
                    "--calibration-data", kData, "-o", "broken.int8.pare", "-q"});
  const Json found = diagnosis_of(folder, "broken.int8.pare");
  // Half a point is lost: 400 items do not tell what is won back from chance.
  check_found(folder, found, "block1.depthwise", "per_tensor", /*helps=*/false);
  const std::string command = found["findings"][0]["tried"]["commands"][0];
  CHECK(command.find("--granularity channel") != std::string::npos);
}

TEST_CASE("a layer that was pruned away is found, and its command prunes the others") {
  const Folder folder;
  pare::formats::write(classifier(), folder.at("m.pare"));
  must_run(folder, {"prune", "m.pare", "--sparsity", "0.2", "--layer",
                    "block2.pointwise=sparsity:0.97", "-o", "broken.int8.pare", "-q"});
  const Json found = diagnosis_of(folder, "broken.int8.pare");
  check_found(folder, found, "block2.pointwise", "pruned_channel");
  const std::string command = found["findings"][0]["repair"]["commands"][0];
  CHECK(command.find("--exclude block2.pointwise") != std::string::npos);
  // Its own rule would match nothing any more, which prune refuses.
  CHECK(command.find("--layer") == std::string::npos);
}

TEST_CASE("what does not raise accuracy beyond chance is listed as tried, not as a repair") {
  const Folder folder;
  make_pair(folder, classifier());
  must_run(folder, {"quantize", "m.pare", "--scheme", "w4a16", "-o", "m.int4.pare", "-q"});
  const Json diagnosis = diagnosis_of(folder, "m.int4.pare");
  CAPTURE(diagnosis["findings"].dump(1));
  for (const Json& finding : diagnosis["findings"]) {
    const Json& made = finding["repair"].is_object() ? finding["repair"] : finding["tried"];
    if (!made.is_object()) continue;
    const bool helps = made["difference_interval"][0].get<double>() > 0;
    CHECK(helps == finding["repair"].is_object());
    if (!helps)
      CHECK(finding["no_repair"].get<std::string>().find("beyond chance") != std::string::npos);
  }
}

TEST_CASE("models that are not of one family are refused in one line") {
  const Folder folder;
  make_pair(folder, classifier());
  pare::formats::write(pare::test::small_model("mlp:784-24-10"), folder.at("mlp.pare"));
  pare::formats::write(pare::test::small_model("dscnn:width=12"), folder.at("wide.pare"));
  ir::Model renamed = pare::formats::read(folder.at("m.int8.pare"));
  renamed.metadata.labels[0] = "zero";
  pare::formats::write(renamed, folder.at("renamed.pare"));
  pare::test::write_idx(folder.at("three"), 30, 30, [](int i) { return i % 3; });
  const auto refused = [&](const std::string& candidate, const std::string& data) {
    const Finished finished = run(folder, {"diagnose", "m.pare", candidate, "--data", data});
    CAPTURE(finished.err);
    CHECK(finished.code == 1);
    CHECK(std::ranges::count(finished.err, '\n') == 1);
    CHECK(finished.err.starts_with("pare: error: "));
    CHECK(finished.out.empty());
  };
  refused("mlp.pare", kData);
  refused("wide.pare", kData);
  refused("renamed.pare", kData);
  refused("absent.pare", kData);
  const Finished nowhere = run(folder, {"diagnose", "m.pare", "m.int8.pare", "--data", kData,
                                        "--calibration-data", "nowhere"});
  CHECK(nowhere.code == 1);
  CHECK(nowhere.err == "pare: error: nowhere: does not exist\n");
  CHECK(run(folder, {"diagnose", "m.pare", "--data", kData}).code == 2);
  CHECK(run(folder, {"diagnose", "m.pare", "m.int8.pare"}).code == 2);
}

TEST_CASE("the page and the terminal show the findings and escape names") {
  const Folder folder;
  make_pair(folder, classifier());
  ir::Model model = pare::formats::read(folder.at("m.int8.pare"));
  pare::test::narrow_range(model, "block1.pointwise", 16.0F);
  pare::formats::write(model, folder.at("it's <b>.pare"));
  const Finished finished =
      run(folder, {"diagnose", "m.pare", "it's <b>.pare", "--data", kData, "--samples", "100",
                   "--html", "page.html", "--top", "3", "-q"});
  REQUIRE(finished.code == 0);
  CHECK(finished.out.find("block1.pointwise: saturation") != std::string::npos);
  CHECK(finished.out.find("-o 'it'\\''s <b>.repaired.pare'") != std::string::npos);
  const std::string page = pare::test::read_file(folder.at("page.html"));
  CHECK(page.find("<b>") == std::string::npos);
  CHECK(page.find("<svg") != std::string::npos);
  CHECK(page.find("://") == std::string::npos);
  CHECK(page.find("saturation") != std::string::npos);
}
