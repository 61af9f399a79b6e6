// SPDX-License-Identifier: Apache-2.0
// What is wrong in the arguments alone: exit code 2, one exact line, nothing written.
#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::run;

namespace {

struct Refusal {
  std::vector<std::string> arguments;
  std::string message;  // after "pare: error: "
};

void check_refusals(const std::vector<Refusal>& refusals) {
  for (const Refusal& refusal : refusals) {
    const Folder folder;
    const Finished finished = run(folder, refusal.arguments);
    CAPTURE(refusal.message);
    CHECK(finished.code == 2);
    CHECK(finished.err == "pare: error: " + refusal.message + "\n");
    CHECK(finished.out.empty());
    CHECK(folder.names().empty());
  }
}

}  // namespace

TEST_CASE("version prints one line and exits 0") {
  const Folder folder;
  const Finished finished = run(folder, {"--version"});
  CHECK(finished.code == 0);
  CHECK(finished.out == "pare " PARE_VERSION "\n");
  CHECK(finished.err.empty());
}

TEST_CASE("unknown words are refused with the nearest known one") {
  std::string writable;
  for (const pare::formats::FormatRow& row : pare::formats::all_formats()) {
    if (row.write) writable += (writable.empty() ? "" : ", ") + std::string(row.name);
  }
  check_refusals({
      {{}, "pare: a command is expected; pare --help lists them"},
      {{"quantise"}, "quantise: unknown command; did you mean quantize?"},
      {{"zzzzzzzzzz"}, "zzzzzzzzzz: unknown command; pare --help lists them"},
      {{"--versoin"}, "--versoin: unknown flag; pare --help lists the commands"},
      {{"prune", "m.pare", "--sparsty", "0.5", "-o", "o.pare"},
       "--sparsty: unknown flag of pare prune; did you mean --sparsity?"},
      {{"prune", "m.pare", "--sparsty=0.5", "-o", "o.pare"},
       "--sparsty: unknown flag of pare prune; did you mean --sparsity?"},
      {{"inspect", "m.pare", "-x"}, "-x: unknown flag of pare inspect"},
      {{"quantize", "m.pare", "--scheme", "w8a9", "-o", "o.pare"},
       "--scheme: must be one of w8a8, w4a8, w8a16, w4a16, got \"w8a9\""},
      {{"prune", "m.pare", "--sparsity", "0.5", "-o", "o.tflitte"},
       "o.tflitte: has no extension of a known format; known: " + writable},
  });
}

TEST_CASE("missing and superfluous arguments are refused") {
  check_refusals({
      {{"prune", "--sparsity", "0.5", "-o", "o.pare"}, "pare prune: needs a MODEL"},
      {{"prune", "m.pare", "n.pare", "--sparsity", "0.5", "-o", "o.pare"},
       "n.pare: unexpected argument of pare prune, which takes 1"},
      {{"doctor", "now"}, "now: unexpected argument of pare doctor"},
      {{"prune", "m.pare", "--sparsity", "0.5"}, "--output: is required by pare prune"},
      {{"prune", "m.pare", "--sparsity"}, "--sparsity: needs a value"},
      {{"prune", "m.pare", "--sparsity", "", "-o", "o.pare"},
       "--sparsity: needs a value, got an empty text"},
      {{"prune", "m.pare", "--sparsity", "0.5", "--sparsity", "0.6", "-o", "o.pare"},
       "--sparsity: is given more than once"},
      {{"eval", "m.pare"}, "--data: is needed: what to evaluate on"},
      {{"predict", "m.pare", "--data", "synthetic:glyphs", "-o", "o.txt"},
       "o.txt: predictions are written as .npz or .csv"},
  });
}

TEST_CASE("values out of range are refused") {
  check_refusals({
      {{"prune", "m.pare", "--sparsity", "1", "-o", "o.pare"},
       "--sparsity: must be in [0, 1), got 1.0"},
      {{"prune", "m.pare", "--sparsity", "1.5", "-o", "o.pare"},
       "--sparsity: must be in [0, 1), got 1.5"},
      {{"prune", "m.pare", "--sparsity", "-0.1", "-o", "o.pare"},
       "--sparsity: must be in [0, 1), got -0.1"},
      {{"prune", "m.pare", "--sparsity", "nan", "-o", "o.pare"},
       "--sparsity: a number is expected, got \"nan\""},
      {{"quantize", "m.pare", "--bits", "4.5", "-o", "o.pare"},
       "--bits: an integer is expected, got \"4.5\""},
      {{"quantize", "m.pare", "--bits", "99999999999999999999", "-o", "o.pare"},
       "--bits: an integer is expected, got \"99999999999999999999\""},
      {{"prune", "m.pare", "--sparsity", "0.5", "--threads", "0", "-o", "o.pare"},
       "--threads: must be in [1, 1024], got 0"},
      {{"prune", "m.pare", "--sparsity", "0.5", "--seed", "-3", "-o", "o.pare"},
       "--seed: must be in >= 0, got -3"},
      {{"eval", "m.pare", "--data", "synthetic:glyphs", "--split", "tests"},
       "--split: must be one of train, validation, test, got \"tests\""},
  });
}

TEST_CASE("flags that contradict each other or have no effect are refused") {
  check_refusals({
      {{"quantize", "m.pare", "--bits", "8", "--scheme", "w8a16", "-o", "o.pare"},
       "--bits: cannot be combined with --scheme: --bits N means weights only"},
      {{"quantize", "m.pare", "--scheme", "w8a8", "-o", "o.pare"},
       "--calibration-data: is needed with these options: activations are measured on data, never "
       "guessed"},
      {{"quantize", "m.pare", "--bits", "8", "--calibration-data", "synthetic:glyphs", "-o",
        "o.pare"},
       "--calibration-data: has no effect here: only weights are quantized"},
      {{"quantize", "m.pare", "--bits", "8", "--label-column", "y", "-o", "o.pare"},
       "--label-column: has no effect without --calibration-data"},
      {{"prune", "m.pare", "--sparsity", "0.5", "--data", "synthetic:glyphs", "-o", "o.pare"},
       "--data: has no effect without --epochs"},
      {{"prune", "m.pare", "--sparsity", "0.5", "--no-resume", "-o", "o.pare"},
       "--no-resume: has no effect without --epochs"},
      {{"prune", "m.pare", "--sparsity", "0.5", "--teacher", "t.pare", "-o", "o.pare"},
       "--teacher: has no effect without --epochs"},
      {{"inspect", "m.pare", "--json", "--graph"}, "--graph: has no effect with --json"},
      {{"eval", "m.pare", "--data", "synthetic:glyphs", "--json", "--html", "-"},
       "-: stdout can take only one of the results asked for"},
      {{"prune", "m.pare", "--sparsity", "0.5", "-q", "-v", "-o", "o.pare"},
       "--quiet: contradicts --verbose"},
      {{"run", "r.json", "--set", "data"}, "--set: NAME=VALUE is expected, got \"data\""},
      {{"convert", "m.pth", "--arch", "resnet8", "--graph", "g.pare", "-o", "o.pare"},
       "--graph: contradicts --arch; give one of them"},
      {{"convert", "m.pare", "--bind", "sr", "-o", "o.pare"},
       "--bind: NAME=VALUE[,VALUE...] is expected, got \"sr\""},
      {{"convert", "m.pare", "--bind", "sr=1,x", "-o", "o.pare"},
       "--bind: NAME=VALUE[,VALUE...] is expected, got \"sr=1,x\""},
      {{"convert", "m.pare", "--opset", "13", "-o", "o.pare"},
       "--opset: has no effect unless the file to write is ONNX"},
      {{"convert", "m.pare", "--std", "0", "-o", "o.pare"}, "--std: must be above 0"},
      {{"quantize", "m.pare", "--bits", "8", "--like", "n.pare", "--mean", "1", "-o", "o.pare"},
       "--like: already says what --mean says; give one"},
  });
}

TEST_CASE("after -- nothing is a flag") {
  const Folder folder;
  const Finished finished = run(folder, {"inspect", "--", "-m.pare"});
  CHECK(finished.code == 1);
  CHECK(finished.err.rfind("pare: error: -m.pare: ", 0) == 0);
}

TEST_CASE("an unknown instruction set in PARE_ISA is refused") {
  const Folder folder;
  const Finished finished =
      run(folder, {.arguments = {"doctor"}, .environment = {{"PARE_ISA", "abacus"}}});
  CHECK(finished.code == 2);
  CHECK(finished.err.rfind("pare: error: PARE_ISA: ", 0) == 0);
}

TEST_CASE("print-config shows defaults and stated values without opening files") {
  const Folder folder;
  const Finished finished =
      run(folder, {"prune", "absent.pare", "--sparsity", "0.5", "-o", "o.pare", "--print-config"});
  CHECK(finished.code == 0);
  CHECK(finished.err.empty());
  const auto config = pare::parse_json(finished.out, "print-config");
  CHECK(config["schema_version"] == 1);
  CHECK(config["command"] == "prune");
  CHECK(config["options"]["sparsity"] == 0.5);
  CHECK(config["options"]["output"] == "o.pare");
  CHECK(config["options"]["seed"] == 0);
}

TEST_CASE("threads default to one under a parallel make") {
  const Folder folder;
  const Finished finished =
      run(folder,
          {.arguments = {"doctor"}, .environment = {{"MAKEFLAGS", " -j8 --jobserver-auth=3,4"}}});
  CHECK(finished.code == 0);
  CHECK(finished.out.find("1 by default") != std::string::npos);
}
