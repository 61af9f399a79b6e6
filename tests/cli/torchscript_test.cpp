// SPDX-License-Identifier: Apache-2.0
// TorchScript modules through the real executables. The modules and what PyTorch 1.13 makes of
// their inputs were written by tests/formats/torchscript/make_fixtures.py.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/runtime/session.hpp"
#include "tests/cli/child_process.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;

namespace {

const std::string kFixtures = "tests/formats/torchscript/";

std::string fixture(const std::string& name) {
  return std::filesystem::absolute(kFixtures + name).string();
}

bool lacks_libtorch() {
  if (pare::test::has_executable("pare-train")) return false;
  MESSAGE("skipped: this build has no pare-train, which reads TorchScript");
  return true;
}

// The module as `pare convert` reads it.
pare::ir::Model converted(const Folder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), "convert");
  arguments.insert(arguments.end(), {"-o", "m.pare", "-q"});
  const Finished finished = run(folder, arguments);
  CAPTURE(finished.err);
  REQUIRE(finished.code == 0);
  return pare::formats::read(folder.at("m.pare"));
}

std::vector<float> array(const std::string& name) {
  return pare::numpy::to_f32(pare::numpy::read_npy(kFixtures + name), name);
}

// Both sum at most a hundred products of a magnitude near 1 in f32, in different orders: 100 *
// 2^-24 is 6e-6 of the largest.
void check_close(std::span<const float> ours, std::span<const float> theirs) {
  REQUIRE(ours.size() == theirs.size());
  float largest = 0;
  for (const float value : theirs) largest = std::max(largest, std::abs(value));
  for (size_t i = 0; i < ours.size(); ++i) {
    CHECK(std::abs(ours[i] - theirs[i]) <= 6e-6F * largest);
  }
}

// Exit code 1 and one line, which is returned without what precedes the fact; nothing is left.
std::string refusal(const std::string& path, std::vector<std::string> flags, int code = 1) {
  const Folder folder;
  std::vector<std::string> arguments{"convert", path, "-o", "m.pare", "-q"};
  arguments.insert(arguments.end(), flags.begin(), flags.end());
  const Folder temporary;
  const Finished finished =
      run(folder, {.arguments = arguments, .environment = {{"TMPDIR", temporary.path()}}});
  CHECK(finished.code == code);
  CHECK(std::ranges::count(finished.err, '\n') == 1);
  CHECK(folder.names().empty());
  CHECK(temporary.names().empty());
  const std::string prefix = "pare: error: " + (code == 2 ? "" : path + ": ");
  CHECK(finished.err.starts_with(prefix));
  return finished.err.substr(std::min(prefix.size(), finished.err.size()));
}

}  // namespace

TEST_CASE(
    "a scripted and a traced module give PyTorch's outputs under the names of their weights") {
  if (lacks_libtorch()) return;
  for (const char* name : {"residual.pt", "traced.pt"}) {
    CAPTURE(name);
    const Folder folder;
    // The traced one has the size of its example's batch written into its code.
    const bool traced = std::string_view(name) == "traced.pt";
    const pare::ir::Model model =
        converted(folder, {fixture(name), "--input-shape", traced ? "2,3,8,8" : "batch,3,8,8"});
    for (const char* weight : {"stem.weight", "norm.running_var", "conv.bias", "fc.weight"}) {
      CHECK(model.parameters.contains(weight));
    }
    CHECK(model.metadata.history.front().inputs.contains(name));
    pare::runtime::Session session(model, {.batch = 2});
    std::ranges::copy(array("residual.input.npy"), session.input().begin());
    session.run();
    check_close(session.output(), array("residual.output.npy"));
  }
}

TEST_CASE("every command takes a TorchScript module") {
  if (lacks_libtorch()) return;
  const Folder folder;
  const Finished shown = run(folder, {"inspect", fixture("residual.pt"), "--input-shape=1,3,8,8"});
  CHECK(shown.code == 0);
  CHECK(shown.out.find("format         torchscript") != std::string::npos);
  const Finished quantized =
      run(folder, {"quantize", fixture("residual.pt"), "--input-shape=batch,3,8,8", "--scheme",
                   "w4a16", "-o", "q.pare", "-q"});
  CAPTURE(quantized.err);
  CHECK(quantized.code == 0);
}

TEST_CASE("attributes that carry data are states of the graph, frame after frame") {
  if (lacks_libtorch()) return;
  const Folder folder;
  const pare::ir::Model model =
      converted(folder, {fixture("stream.pt"), "--input-shape", "x=1,4", "--bind", "rate=16000"});
  const pare::ir::Graph& graph = model.main();
  REQUIRE(graph.states.size() == 2);
  REQUIRE(graph.inputs.size() == 3);
  REQUIRE(graph.outputs.size() == 3);
  CHECK(graph.value(graph.inputs[1]).name == "context");
  CHECK(graph.value(graph.outputs[1]).name == "contextN");
  CHECK(graph.value(graph.inputs[2]).name == "state");
  pare::runtime::Session session(model, {});
  const std::vector<float> frames = array("stream.frames.npy");
  std::vector<float> outputs;
  for (size_t frame = 0; frame < 3; ++frame) {
    std::copy_n(frames.begin() + static_cast<std::ptrdiff_t>(4 * frame), 4,
                session.input(0).begin());
    session.run();
    outputs.insert(outputs.end(), session.output(0).begin(), session.output(0).end());
    for (const int state : {1, 2}) {
      std::ranges::copy(session.output(state), session.input(state).begin());
    }
  }
  check_close(outputs, array("stream.outputs.npy"));
}

TEST_CASE("a buffer that is written into is a state") {
  if (lacks_libtorch()) return;
  const Folder folder;
  const pare::ir::Model model = converted(folder, {fixture("buffer.pt"), "--input-shape", "2,3"});
  REQUIRE(model.main().states.size() == 1);
  pare::runtime::Session session(model, {});
  std::ranges::fill(session.input(0), 1.0F);
  std::ranges::fill(session.input(1), 4.0F);
  session.run();
  CHECK(session.output(0)[0] == 6.0F);
  CHECK(session.output(1)[0] == 3.0F);
}

TEST_CASE("a module that no graph can stand for is refused with its place in the code") {
  if (lacks_libtorch()) return;
  const std::vector<std::string> shape{"--input-shape", "2,3"};
  CHECK(refusal(fixture("spectrum.pt"), shape) ==
        "aten::fft_rfft (__torch__.py, line 8): is not supported\n");
  CHECK(refusal(fixture("on_data.pt"), shape).find("reads data") != std::string::npos);
  CHECK(refusal(fixture("endless.pt"), shape).find("does not seem to end") != std::string::npos);
  CHECK(refusal(fixture("writes.pt"), shape).find("has effects outside the model") !=
        std::string::npos);
  CHECK(refusal(fixture("when_loaded.pt"), shape).find("code that runs when it is loaded") !=
        std::string::npos);
  CHECK(refusal(fixture("stream.pt"), {"--input-shape", "1,4"}).find("--bind rate=1") !=
        std::string::npos);
  CHECK(refusal(fixture("stream.pt"), {"--input-shape", "1,1,4", "--bind", "rate=8000"})
            .find("two dimensions are expected") != std::string::npos);
  CHECK(refusal(fixture("residual.pt"), {}).find("--input-shape x=batch,3,32,32") !=
        std::string::npos);
  CHECK(refusal(fixture("residual.pt"), {"--input-shape", "y=1,3,8,8"}, 2)
            .find("forward has no argument y") != std::string::npos);
  CHECK(refusal(fixture("residual.pt"), {"--input-shape", "1,,8"}, 2)
            .find("SIZE,SIZE,... is expected") != std::string::npos);
}

TEST_CASE(
    "a damaged TorchScript module is refused in one line or read, and leaves nothing behind") {
  if (lacks_libtorch()) return;
  const std::string whole = read_file(kFixtures + "stream.pt");
  REQUIRE(whole.size() > 4000);
  const Folder folder;
  const Folder temporary;
  const auto check = [&](const std::string& bytes) {
    write_file(folder.at("x.pt"), bytes);
    const Finished finished =
        run(folder, {.arguments = {"convert", "x.pt", "--input-shape", "x=1,4", "--bind",
                                   "rate=16000", "-o", "x.pare", "-q"},
                     .environment = {{"TMPDIR", temporary.path()}}});
    REQUIRE((finished.code == 0 || finished.code == 1));
    CHECK(temporary.names().empty());
    CHECK(folder.names().size() == (finished.code == 0 ? 2 : 1));
    if (finished.code == 1) {
      CHECK(std::ranges::count(finished.err, '\n') == 1);
      CHECK(finished.err.starts_with("pare: error: x.pt: "));
    } else {
      std::remove(folder.at("x.pare").c_str());
    }
  };
  // Each reading starts a process with libtorch: steps that meet every kind of member.
  for (size_t at = 11; at < whole.size(); at += 499) {
    CAPTURE(at);
    check(whole.substr(0, at));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    check(flipped);
  }
}

TEST_CASE("an interrupted reading of a TorchScript module leaves no folder") {
  if (lacks_libtorch()) return;
  const Folder folder;
  const Folder temporary;
  const Finished finished =
      run(folder, {.arguments = {"convert", fixture("endless.pt"), "--input-shape", "2,3", "-o",
                                 "m.pare", "-q"},
                   .environment = {{"TMPDIR", temporary.path()}},
                   .signal = SIGTERM,
                   .signal_after_ms = 150});
  // 1 when the machine was faster than the signal.
  CHECK((finished.code == 128 + SIGTERM || finished.code == 1));
  CHECK(temporary.names().empty());
  CHECK(folder.names().empty());
}
