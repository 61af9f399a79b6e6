// SPDX-License-Identifier: Apache-2.0
// Products of one row against the limit of the machine: gigabytes of stored weights a second beside
// the rate at which memory can be read, in turns in one process. Everything is read from memory: a
// product takes turns among so many copies of its layer that together they exceed the caches
// several times, as the layers of a big network do, and the plain reader's array does too.
//
// usage: bench_kernels [threads [cpu]]
// cpu: one thread's processor time instead of the clock's, on a machine that others use too.
#include <algorithm>
#include <cstdio>
#include <ctime>
#include <memory>

#include "bench/networks.hpp"
#include <omp.h>

#include "lib/core/rng.hpp"
#include "lib/eval/latency.hpp"
#include "lib/runtime/kernels/own/packed_memory.hpp"
#include "lib/runtime/session.hpp"

namespace pare::bench {

namespace {

// Four times the last-level cache of most machines.
constexpr int64_t kColdBytes = int64_t{160} << 20;
constexpr int64_t kReadAtOnce = kColdBytes / 8;

struct Settings {
  int threads = 1;
  bool cpu_time = false;
};

// Sums 64-bit words, a part of the array a run and a piece of that a thread: what reading costs.
class Reader {
 public:
  explicit Reader(int threads) : words_(kColdBytes / 8, 1), threads_(threads) {}
  void run() {
    constexpr int64_t kCount = kReadAtOnce / 8;
    const uint64_t* part = words_.data() + next_;
    uint64_t total = 0;
#pragma omp parallel for reduction(+ : total) num_threads(threads_) schedule(static)
    for (int t = 0; t < threads_; ++t) {
      total += sum_of(part + kCount * t / threads_, kCount / threads_);
    }
    sum_ = total;
    next_ = (next_ + kCount) % static_cast<int64_t>(words_.size());
  }
  uint64_t sum() const { return sum_; }

 private:
  __attribute__((target_clones("avx512f", "avx2", "default"), optimize("O3"))) static uint64_t
  sum_of(const uint64_t* words, int64_t count) {
    uint64_t total = 0;
    for (int64_t i = 0; i < count; ++i) total += words[i];
    return total;
  }

  runtime::own::PackedVector<uint64_t> words_;  // in the kind of pages that weights are in
  int threads_;
  int64_t next_ = 0;
  uint64_t sum_ = 0;
};

int64_t thread_nanoseconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// What a row of the table is about.
struct Weights {
  std::string name;
  ir::Model model;
  int64_t code_bytes = 0;  // without scales, where that is a goal's measure
};

struct Subject {
  std::string name;
  int64_t code_bytes = 0;
  std::vector<runtime::Session> copies;
  size_t next = 0;
  int64_t bytes = 0;  // of one copy's weights as they are packed
  double p50 = 0;     // microseconds

  // Of one row: so many copies that all their weights exceed the caches.
  Subject(const Weights& weights, int threads, int64_t batch = 1);
  void run() {
    copies[next].run();
    next = (next + 1) % copies.size();
  }
  double rate(int64_t count) const { return static_cast<double>(count) / 1e3 / p50; }  // GB/s
};

Subject::Subject(const Weights& weights, int threads, int64_t batch)
    : name(weights.name), code_bytes(weights.code_bytes) {
  do {
    copies.emplace_back(weights.model, runtime::SessionOptions{.batch = batch, .threads = threads});
    Rng rng(0, stream_of("bench input"), 0);
    for (float& x : copies.back().input()) x = rng.normal();
    bytes = copies.back().packed_weight_bytes();
  } while (batch == 1 && static_cast<int64_t>(copies.size()) * bytes < kColdBytes);
}

// Sets each subject's p50; returns the gigabytes a second that the reader reads.
double measure(std::vector<Subject>& subjects, const Settings& settings) {
  Reader reader(settings.threads);
  std::vector<eval::MakeRun> runs;
  for (Subject& s : subjects) {
    runs.emplace_back([&s] { return [&s] { s.run(); }; });
  }
  runs.emplace_back([&reader] { return [&reader] { reader.run(); }; });
  eval::LatencyOptions options{.blocks = 15, .max_blocks = 15, .threads = settings.threads};
  if (settings.cpu_time) options.clock = thread_nanoseconds;
  const auto samples = eval::measure_latency(runs, options).models;
  const auto p50 = [&](size_t i) { return eval::summarise(samples[i], nullptr, 0).p50; };
  for (size_t i = 0; i < subjects.size(); ++i) subjects[i].p50 = p50(i);
  return static_cast<double>(kReadAtOnce) / 1e3 / p50(subjects.size());
}

// Of the product: conversions come before and after it.
std::string kernel_of(const runtime::Session& session) {
  for (const runtime::StepInfo& step : session.steps()) {
    if (step.op == "Gemm") return step.kernel;
  }
  return {};
}

void print(const std::vector<Subject>& subjects, double reading) {
  std::printf(
      "| weights | kernel | MB | p50 us | GB/s | of reading | times f32 |\n"
      "|---|---|---|---|---|---|---|\n");
  for (const Subject& s : subjects) {
    std::printf("| %s | %s | %.2f | %.1f | %.1f | %.2f | %.2f |\n", s.name.c_str(),
                kernel_of(s.copies.front()).c_str(), static_cast<double>(s.bytes) / 1e6, s.p50,
                s.rate(s.bytes), s.rate(s.bytes) / reading, subjects.front().p50 / s.p50);
  }
  std::printf("| reading alone | | %.2f | | %.1f | 1.00 | |\n\n",
              static_cast<double>(kColdBytes) / 1e6, reading);
}

void print_goal(const std::string& what, double value, double goal) {
  std::printf("- %s: %.2f (goal: at least %.2f%s)\n", what.c_str(), value, goal,
              value < goal ? ", MISSED" : "");
}

void print_goals(const std::vector<Subject>& subjects, double reading) {
  const auto named = [&](const std::string& name) -> const Subject& {
    return *std::ranges::find(subjects, name, &Subject::name);
  };
  const Subject& w4 = named("w4a16");
  print_goal("4-bit codes read, of what can be read", w4.rate(w4.code_bytes) / reading, 0.8);
  const double int8 = named("w8a8").p50;
  print_goal("80 % pruned, times dense int8", int8 / named("80 % pruned").p50, 1.0);
  print_goal("80 % pruned in 8 bits, times dense int8", int8 / named("80 % pruned, w8a16").p50,
             1.0);
  print_goal("2:4, times dense f32", subjects.front().p50 / named("2:4").p50, 1.4);
  std::printf("\n");
}

void compare(int64_t depth, int64_t columns, const Settings& settings) {
  const Network network{
      "", "mlp:" + std::to_string(depth) + "-" + std::to_string(columns), {depth}, columns};
  const ir::Model dense = float_model(network);
  const ir::Model pruned = pruned_model(dense, {{"sparsity", 0.8}});
  const Weights rows[] = {
      {"f32", dense},
      {"w8a8", quantized_model(dense, network, "w8a8")},
      {"w8a16", quantized_model(dense, network, "w8a16")},
      {"w4a16", quantized_model(dense, network, "w4a16"), depth * columns / 2},
      {"w4a8", quantized_model(dense, network, "w4a8")},
      {"2:4", pruned_model(dense, {{"pattern", "2:4"}})},
      {"80 % pruned", pruned},
      {"80 % pruned, w8a16", quantized_model(pruned, network, "w8a16")},
  };
  std::vector<Subject> subjects;
  for (const Weights& row : rows) subjects.emplace_back(row, settings.threads);
  const double reading = measure(subjects, settings);
  std::printf("%lld × %lld, %d thread%s%s\n\n", static_cast<long long>(depth),
              static_cast<long long>(columns), settings.threads, settings.threads == 1 ? "" : "s",
              settings.cpu_time ? ", processor time" : "");
  print(subjects, reading);
  print_goals(subjects, reading);
}

// Products of many rows, which are bound by arithmetic: packed weights beside f32 ones.
void compare_batches(int64_t depth, int64_t columns, const Settings& settings) {
  const Network network{
      "", "mlp:" + std::to_string(depth) + "-" + std::to_string(columns), {depth}, columns};
  const ir::Model dense = float_model(network);
  const ir::Model pruned = pruned_model(dense, {{"sparsity", 0.8}});
  const Weights rows[] = {{"f32", dense},
                          {"w8a16", quantized_model(dense, network, "w8a16")},
                          {"w4a16", quantized_model(dense, network, "w4a16")},
                          {"2:4", pruned_model(dense, {{"pattern", "2:4"}})},
                          {"80 % pruned", pruned},
                          {"80 % pruned, w8a16", quantized_model(pruned, network, "w8a16")}};
  std::printf(
      "| rows | weights | kernel | MB | p50 ms | GMAC/s | times f32 |\n"
      "|---|---|---|---|---|---|---|\n");
  for (const int64_t batch : {4, 32, 128}) {
    std::vector<Subject> subjects;
    for (const Weights& row : rows) subjects.emplace_back(row, settings.threads, batch);
    measure(subjects, settings);
    const double macs = static_cast<double>(batch * depth * columns);
    for (const Subject& s : subjects) {
      std::printf("| %lld | %s | %s | %.2f | %.2f | %.1f | %.2f |\n", static_cast<long long>(batch),
                  s.name.c_str(), kernel_of(s.copies.front()).c_str(),
                  static_cast<double>(s.bytes) / 1e6, s.p50 / 1e3, macs / 1e3 / s.p50,
                  subjects.front().p50 / s.p50);
    }
  }
  std::printf("\n");
}

}  // namespace

}  // namespace pare::bench

int main(int argc, char** argv) {
  try {
    const pare::bench::Settings settings{.threads = argc > 1 ? std::stoi(argv[1]) : 1,
                                         .cpu_time = argc > 2};
    std::setvbuf(stdout, nullptr, _IOLBF, 0);  // a table is seen when it is there, in a file too
    pare::bench::compare(4096, 4096, settings);
    pare::bench::compare(4096, 11008, settings);
    pare::bench::compare_batches(4096, 4096, settings);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_kernels: %s\n", e.what());
    return 1;
  }
  return 0;
}
