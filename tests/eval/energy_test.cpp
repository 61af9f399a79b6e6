// SPDX-License-Identifier: Apache-2.0
// RAPL counters in a folder of our own, in the layout of the kernel's powercap documentation.
#include "lib/eval/energy.hpp"

#include <fstream>

#include <doctest/doctest.h>

#include "tests/eval/scratch.hpp"

namespace pare::eval {
namespace {

namespace fs = std::filesystem;

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text << "\n";
}

void add_domain(const fs::path& folder, const std::string& name, int64_t energy_uj) {
  write(folder / "name", name);
  write(folder / "energy_uj", std::to_string(energy_uj));
  write(folder / "max_energy_range_uj", "1000000");
}

TEST_CASE("packages and memory are added up, their parts and the platform are not") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  add_domain(folder / "intel-rapl:0", "package-0", 100);
  add_domain(folder / "intel-rapl:0:0", "core", 100);
  add_domain(folder / "intel-rapl:0:1", "dram", 100);
  add_domain(folder / "intel-rapl:1", "package-1", 100);
  add_domain(folder / "intel-rapl:2", "psys", 100);
  EnergyCounter counter(folder.string());
  CHECK(counter.reason().empty());
  for (const char* domain :
       {"intel-rapl:0", "intel-rapl:0:0", "intel-rapl:0:1", "intel-rapl:1", "intel-rapl:2"}) {
    write(folder / domain / "energy_uj", "500100");
  }
  CHECK(*counter.joules() == doctest::Approx(1.5));
  CHECK(*counter.joules() == 0.0);
}

TEST_CASE("a counter that wrapped is read across its end") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  add_domain(folder / "intel-rapl:0", "package-0", 999'000);
  EnergyCounter counter(folder.string());
  write(folder / "intel-rapl:0/energy_uj", "2000");
  CHECK(*counter.joules() == doctest::Approx(0.003));
}

TEST_CASE("a machine without counters says why, and measures nothing") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  EnergyCounter none((folder / "none").string());
  CHECK(none.reason() == "this machine shows no RAPL counters");
  CHECK_FALSE(none.joules().has_value());
  // The file is there and cannot be read: what a user who is not root sees.
  add_domain(folder / "intel-rapl:0", "package-0", 100);
  fs::remove(folder / "intel-rapl:0/energy_uj");
  EnergyCounter unreadable(folder.string());
  CHECK(unreadable.reason().find("only root") != std::string::npos);
  CHECK_FALSE(unreadable.joules().has_value());
}

TEST_CASE("a counter that fails on the way gives no energy rather than part of it") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  add_domain(folder / "intel-rapl:0", "package-0", 100);
  add_domain(folder / "intel-rapl:1", "package-1", 100);
  EnergyCounter counter(folder.string());
  fs::remove(folder / "intel-rapl:1/energy_uj");
  CHECK_FALSE(counter.joules().has_value());
}

TEST_CASE("energy is that of a turn over its runs") {
  const Scratch scratch;
  const fs::path folder = scratch.file("root");
  add_domain(folder / "intel-rapl:0", "package-0", 0);
  EnergyCounter counter(folder.string());
  int64_t total = 0;
  const auto model = [&](int64_t cost_uj) -> MakeRun {
    return [&, cost_uj] {
      return [&, cost_uj] {
        total += cost_uj;
        write(folder / "intel-rapl:0/energy_uj", std::to_string(total % 1'000'000));
      };
    };
  };
  const MakeRun models[] = {model(1500), model(250)};
  const auto joules = measure_energy(models, counter, {}, {.turns = 3, .turn_seconds = 1e-4});
  CHECK(*joules[0] == doctest::Approx(1500e-6));
  CHECK(*joules[1] == doctest::Approx(250e-6));
}

}  // namespace
}  // namespace pare::eval
