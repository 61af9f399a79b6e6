// SPDX-License-Identifier: Apache-2.0
// What the kernel counts, from files of our own in /proc's layout (proc(5)).
#include "lib/eval/machine_noise.hpp"

#include <chrono>
#include <fstream>
#include <thread>

#include <doctest/doctest.h>

#include "tests/eval/scratch.hpp"

namespace pare::eval {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

TEST_CASE("waiting, stolen time and other processes are told apart") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  write(folder / "stat", "cpu 100 0 50 1000 10 0 0 5 0 0\ncpu0 50 0 25 500\ncpu1 50 0 25 500\n");
  write(folder / "thread-self/schedstat", "1000 2000 3\n");
  const NoiseWatch watch(folder.string());
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  // 60 ticks: 30 of other processes (this one sleeps), 20 idle, 10 stolen; 200 ms waited.
  write(folder / "stat", "cpu 120 0 60 1020 10 0 0 15 0 0\ncpu0 50 0 25 500\ncpu1 50 0 25 500\n");
  write(folder / "thread-self/schedstat", "1000 200002000 3\n");
  MachineNoise noise = watch.stop();
  CHECK(noise.cpus == 2);
  CHECK(noise.seconds >= 0.25);
  CHECK(*noise.waiting_share == doctest::Approx(0.2 / noise.seconds));
  CHECK(*noise.stolen_share == doctest::Approx(10.0 / 60.0));
  CHECK(noise.involuntary_switches.has_value());
  CHECK(*noise.other_cpus > 0);
  CHECK(noise.noisy());
  const std::string evidence = noise.evidence();
  CHECK(evidence.find("waited for a CPU") != std::string::npos);
  CHECK(evidence.find("the hypervisor took 17 %") != std::string::npos);
  CHECK(evidence.find("of 2 CPUs busy") != std::string::npos);
}

TEST_CASE("what the kernel does not say is absent, and absence is not noise") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  const NoiseWatch watch((folder / "none").string());
  const MachineNoise noise = watch.stop();
  CHECK_FALSE(noise.waiting_share.has_value());
  CHECK_FALSE(noise.stolen_share.has_value());
  CHECK_FALSE(noise.other_cpus.has_value());
  CHECK_FALSE(noise.noisy());
  CHECK(noise.evidence().find("hypervisor") == std::string::npos);
}

TEST_CASE("counters that go back, or a damaged file, measure nothing") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  write(folder / "stat", "cpu 100 0 50 1000 10 0 0 5\n");
  write(folder / "thread-self/schedstat", "1000 2000 3\n");
  const NoiseWatch watch(folder.string());
  write(folder / "stat", "cpu 90 0 50 900 10 0 0 4\n");
  write(folder / "thread-self/schedstat", "x\n");
  const MachineNoise noise = watch.stop();
  CHECK_FALSE(noise.waiting_share.has_value());
  CHECK_FALSE(noise.stolen_share.has_value());
  CHECK_FALSE(noise.other_cpus.has_value());
}

TEST_CASE("each sign of noise alone is enough") {
  CHECK_FALSE(MachineNoise{.waiting_share = 0.001, .stolen_share = 0.0, .spread = 0.03}.noisy());
  CHECK(MachineNoise{.waiting_share = 0.3}.noisy());
  CHECK(MachineNoise{.stolen_share = 0.1}.noisy());
  CHECK(MachineNoise{.spread = 0.4}.noisy());
}

}  // namespace
}  // namespace pare::eval
