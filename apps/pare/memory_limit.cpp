// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/memory_limit.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

namespace pare::cli {

namespace {

constexpr int64_t kThreads = 16'000'000;     // stacks and buffers of threads still to come
constexpr int64_t kEvaluated = 200'000'000;  // parts under way in a writer, beside the largest
constexpr int64_t kF32 = 4;

// What this process holds by now: itself, and what a reader put on the heap.
int64_t private_bytes() {
  long all = 0, resident = 0, shared = 0;
  if (FILE* statm = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(statm, "%ld %ld %ld", &all, &resident, &shared) != 3) resident = shared = 0;
    std::fclose(statm);
  }
  return int64_t{resident - shared} * sysconf(_SC_PAGESIZE);
}

// Values and packed weights of a session.
int64_t session_bytes(const ir::Model& model, int64_t items) {
  int64_t bytes = 0;
  for (const ir::Value& value : model.main().values()) {
    if (!value.parameter.empty()) continue;
    int64_t count = 1;
    for (const ir::Dim& dim : value.shape)
      count *= dim.known() ? std::max<int64_t>(dim.size, 1) : 1;
    const bool fixed = !value.shape.empty() && value.shape.front().known();
    bytes += count * kF32 * (fixed ? 1 : items);
  }
  for (const auto& [name, tensor] : model.parameters.entries()) bytes += tensor.count() * kF32;
  return bytes;
}

std::string megabytes(int64_t bytes) {
  return std::to_string((bytes + 999'999) / 1'000'000) + " MB";
}

}  // namespace

pass::Option max_memory_option() {
  return {.name = "max_memory",
          .help = "Refuse work that would take more private memory than this, e.g. 512M or 2G",
          .changes_result = false,
          .metavar = "SIZE"};
}

std::optional<int64_t> parse_size(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || !std::isfinite(number) || number <= 0) return {};
  double unit = 1;
  const std::string suffix(end);
  if (suffix == "K") unit = 1e3;
  if (suffix == "M") unit = 1e6;
  if (suffix == "G") unit = 1e9;
  if (unit == 1 && !suffix.empty()) return {};
  const double bytes = number * unit;
  if (bytes > 9e18) return {};
  return static_cast<int64_t>(bytes);
}

void check_memory_flag(const pass::Options& options, const pass::Schema& schema) {
  if (!pass::find(schema, "max_memory") || !options.given("max_memory")) return;
  const std::string text = options.text("max_memory");
  if (!parse_size(text)) {
    throw UsageError("--max-memory", "a size such as 512M or 2G is expected, got \"" + text + "\"");
  }
}

int64_t memory_needed(const ir::Model& model, int64_t items) {
  int64_t stored = 0, largest = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    // Dense values of 16 bits, where what is stored is less.
    const int64_t bytes = std::max(tensor.stored_bytes(), 2 * tensor.count());
    stored += bytes;
    largest = std::max(largest, bytes);
  }
  // A model smaller than what is evaluated together does not need all of it.
  const int64_t streamed = std::min(2 * stored, kEvaluated + 2 * largest);
  return private_bytes() + kThreads + streamed + (items > 0 ? session_bytes(model, items) : 0);
}

void check_memory(const Invocation& invocation, const std::string& path, const ir::Model& model,
                  int64_t items) {
  if (!invocation.options.given("max_memory")) return;
  const int64_t limit = *parse_size(invocation.text("max_memory"));
  const int64_t needed = memory_needed(model, items);
  if (needed <= limit) return;
  throw Error(path, "needs about " + megabytes(needed) + " of memory, --max-memory allows " +
                        megabytes(limit));
}

}  // namespace pare::cli
