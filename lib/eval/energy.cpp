// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/energy.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <system_error>

#include "lib/core/rng.hpp"
#include "lib/eval/pinning.hpp"

namespace pare::eval {
namespace {

namespace fs = std::filesystem;

std::optional<int64_t> integer_in(const std::string& path) {
  int64_t value = 0;
  if (std::ifstream(path) >> value) return value;
  return std::nullopt;
}

// Memory is a subdomain of some packages; cores and graphics are inside their package's figure, and
// "psys", where there is one, counts the packages again.
bool is_counted(const std::string& folder) {
  std::string name;
  std::ifstream(folder + "/name") >> name;
  return name.starts_with("package") || name == "dram";
}

}  // namespace

EnergyCounter::EnergyCounter(const std::string& root) {
  std::vector<std::string> folders;
  std::error_code error;
  for (auto entry = fs::directory_iterator(root, error); !error && entry != fs::end(entry);
       entry.increment(error)) {
    if (entry->path().filename().string().starts_with("intel-rapl:")) {
      folders.push_back(entry->path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  for (const std::string& folder : folders) {
    if (reason_.empty() && is_counted(folder)) add(folder);
  }
  if (!reason_.empty()) domains_.clear();
  if (reason_.empty() && domains_.empty()) reason_ = "this machine shows no RAPL counters";
}

void EnergyCounter::add(const std::string& folder) {
  const std::string path = folder + "/energy_uj";
  const auto now = integer_in(path);
  const auto range = integer_in(folder + "/max_energy_range_uj");
  if (!now || !range) {
    reason_ = path + " is not readable: most systems let only root read it";
    return;
  }
  domains_.push_back({path, *range, *now});
}

std::optional<double> EnergyCounter::joules() {
  if (domains_.empty()) return std::nullopt;
  int64_t sum_uj = 0;
  bool read = true;
  for (Domain& domain : domains_) {
    const auto now = integer_in(domain.path);
    read = read && now.has_value();
    if (!now) continue;
    sum_uj += *now - domain.last_uj + (*now < domain.last_uj ? domain.range_uj : 0);
    domain.last_uj = *now;
  }
  return read ? std::optional(1e-6 * static_cast<double>(sum_uj)) : std::nullopt;
}

std::vector<std::optional<double>> measure_energy(std::span<const MakeRun> models,
                                                  EnergyCounter& counter,
                                                  const LatencyOptions& protocol,
                                                  const EnergyOptions& options) {
  using SteadyClock = std::chrono::steady_clock;
  const Pinning pinning(protocol.threads);
  Rng rng(options.seed, stream_of("energy order"));
  std::vector<size_t> order(models.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::vector<std::vector<double>> per_run(models.size());
  for (int turn = 0; turn < options.turns; ++turn) {
    rng.shuffle(std::span(order));
    for (const size_t model : order) {
      const Run run = models[model]();
      run();
      counter.joules();
      const auto end = SteadyClock::now() + std::chrono::duration<double>(options.turn_seconds);
      int64_t runs = 0;
      for (; runs == 0 || SteadyClock::now() < end; ++runs) run();
      if (const auto joules = counter.joules()) {
        per_run[model].push_back(*joules / static_cast<double>(runs));
      }
    }
  }
  std::vector<std::optional<double>> out(models.size());
  for (size_t i = 0; i < models.size(); ++i) {
    if (!per_run[i].empty()) out[i] = quantile(std::move(per_run[i]), 0.5);
  }
  return out;
}

}  // namespace pare::eval
