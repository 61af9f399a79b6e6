// SPDX-License-Identifier: Apache-2.0
// Signals in the middle of work: the final name holds the old bytes or the whole new file, never a
// part; a caught signal leaves no sibling, and what kill -9 leaves the next run removes.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::has_executable;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;
using pare::test::write_idx;
using pare::test::write_model;

namespace {

constexpr const char* kOld = "bytes of an earlier run";

const std::vector<std::string> kWork{"quantize", "m.pare", "--scheme", "w8a8", "--calibration-data",
                                     "data",     "-o",     "out.pare", "-q"};

std::vector<std::string> siblings(const Folder& folder) {
  std::vector<std::string> names = folder.names();
  std::erase_if(names,
                [](const std::string& name) { return name.rfind(".out.pare.pare-", 0) != 0; });
  return names;
}

void prepare(const Folder& folder) {
  write_model(folder.at("m.pare"));
  write_idx(folder.at("data"), 600, 20);
}

// Where in the work a signal arrives differs from machine to machine; these delays cover start,
// work and end on fast and slow ones.
constexpr int kDelays[] = {0, 2, 5, 9, 14, 20, 27, 35, 45, 60, 90, 150};

}  // namespace

TEST_CASE("SIGINT and SIGTERM leave the old file or the whole new one, and no sibling") {
  const Folder folder;
  prepare(folder);
  REQUIRE(run(folder, kWork).code == 0);
  const std::string whole = read_file(folder.at("out.pare"));
  for (const int signal : {SIGINT, SIGTERM}) {
    for (const int delay : kDelays) {
      CAPTURE(signal);
      CAPTURE(delay);
      write_file(folder.at("out.pare"), kOld);
      const Finished finished =
          run(folder, {.arguments = kWork, .signal = signal, .signal_after_ms = delay});
      CHECK((finished.code == 0 || finished.code == 128 + signal));
      const std::string bytes = read_file(folder.at("out.pare"));
      const bool old = bytes == kOld;
      CHECK((old || bytes == whole));
      if (finished.code == 0) CHECK_FALSE(old);
      CHECK(siblings(folder).empty());
    }
  }
}

TEST_CASE("after kill -9 the final name is whole, and the next run removes the sibling") {
  const Folder folder;
  prepare(folder);
  REQUIRE(run(folder, kWork).code == 0);
  const std::string whole = read_file(folder.at("out.pare"));
  for (const int delay : kDelays) {
    CAPTURE(delay);
    write_file(folder.at("out.pare"), kOld);
    run(folder, {.arguments = kWork, .signal = SIGKILL, .signal_after_ms = delay});
    const std::string bytes = read_file(folder.at("out.pare"));
    CHECK((bytes == kOld || bytes == whole));
  }
  write_file(folder.at(".out.pare.pare-1"), "left by a run that was killed");
  CHECK(run(folder, kWork).code == 0);
  CHECK(siblings(folder).empty());
  CHECK(read_file(folder.at("out.pare")) == whole);
}

TEST_CASE("a signal to a recipe's run ends its step too, and the next run goes on") {
  const Folder folder;
  prepare(folder);
  write_file(folder.at("r.json"), R"({"schema_version": 1, "output_dir": ".", "steps": [
    {"name": "int8", "command": "quantize", "inputs": ["m.pare"], "output": "out.pare",
     "options": {"scheme": "w8a8", "calibration_data": "data"}}]})");
  for (const int delay : {5, 20, 45}) {
    CAPTURE(delay);
    const Finished finished =
        run(folder,
            {.arguments = {"run", "r.json", "-q"}, .signal = SIGTERM, .signal_after_ms = delay});
    CHECK((finished.code == 0 || finished.code == 128 + SIGTERM));
  }
  CHECK(run(folder, {"run", "r.json", "-q"}).code == 0);
  CHECK(siblings(folder).empty());
}

TEST_CASE("a reader that goes away ends the command without a word") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const std::string bin = std::getenv("PARE_BIN") ? std::getenv("PARE_BIN") : "build/bin";
  // `true` closes its end of the pipe at once.
  const Finished finished =
      run(folder,
          {.arguments = {"-c", "for i in 1 2 3; do '" + bin + "/pare' inspect m.pare; done | true"},
           .program = "/bin/sh"});
  CHECK(finished.code == 0);
  CHECK(finished.err.empty());
}

TEST_CASE("training that was killed and started again ends with the bytes of one that was not") {
  if (!has_executable("pare-train")) {
    MESSAGE("skipped: this build has no pare-train");
    return;
  }
  const Folder folder;
  const std::vector<std::string> train{
      "train",    "--arch", "mlp:784-32-10", "--data", "synthetic:glyphs?train=2000&test=100",
      "--epochs", "6",      "--threads",     "1",      "-o",
      "out.pare"};
  REQUIRE(run(folder, train).code == 0);
  const std::string whole = read_file(folder.at("out.pare"));
  CHECK(folder.names() == std::vector<std::string>{"out.pare"});
  write_file(folder.at("out.pare"), kOld);
  for (const int delay : {700, 900, 1200}) {
    run(folder, {.arguments = train, .signal = SIGKILL, .signal_after_ms = delay});
  }
  REQUIRE(run(folder, train).code == 0);
  CHECK(read_file(folder.at("out.pare")) == whole);
  CHECK(folder.names() == std::vector<std::string>{"out.pare"});
}

TEST_CASE("a build without libtorch says so in one line") {
  if (has_executable("pare-train")) {
    MESSAGE("skipped: this build has pare-train");
    return;
  }
  const Folder folder;
  const Finished finished = run(
      folder, {"train", "--arch", "mlp:784-32-10", "--data", "synthetic:glyphs", "-o", "out.pare"});
  CHECK(finished.code == 1);
  CHECK(finished.err ==
        "pare: error: pare train: this build has no libtorch: training needs the executable "
        "pare-train "
        "beside pare (install libtorch-dev and build again)\n");
  CHECK(folder.names().empty());
}
