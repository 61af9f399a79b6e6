// SPDX-License-Identifier: Apache-2.0
// Arena placement: greedy by size (Pisarchyk and Lee 2020, "Efficient memory management for deep
// neural net inference", algorithm 3).
#include <algorithm>

#include "lib/core/checked.hpp"
#include "lib/runtime/plan.hpp"

namespace pare::runtime {

namespace {

constexpr int64_t kAlignment = 64;

int root_of(const std::vector<PlannedBuffer>& buffers, int id) {
  while (buffers[static_cast<size_t>(id)].alias_of >= 0) {
    id = buffers[static_cast<size_t>(id)].alias_of;
  }
  return id;
}

// Lifetimes of aliases become their root's.
void merge_aliases(std::vector<PlannedBuffer>& buffers) {
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].alias_of < 0) continue;
    PlannedBuffer& root = buffers[static_cast<size_t>(root_of(buffers, static_cast<int>(i)))];
    root.first_step = std::min(root.first_step, buffers[i].first_step);
    root.last_step = std::max(root.last_step, buffers[i].last_step);
    root.permanent = root.permanent || buffers[i].permanent;
    root.bytes = std::max(root.bytes, buffers[i].bytes);
  }
}

bool alive_together(const PlannedBuffer& a, const PlannedBuffer& b) {
  if (a.permanent || b.permanent) return true;
  return a.first_step <= b.last_step && b.first_step <= a.last_step;
}

}  // namespace

int64_t place_buffers(std::vector<PlannedBuffer>& buffers) {
  merge_aliases(buffers);
  std::vector<int> order;
  for (size_t i = 0; i < buffers.size(); ++i) {
    if (buffers[i].alias_of < 0) order.push_back(static_cast<int>(i));
  }
  const auto at = [&](int id) -> PlannedBuffer& { return buffers[static_cast<size_t>(id)]; };
  std::stable_sort(order.begin(), order.end(),
                   [&](int a, int b) { return at(a).bytes > at(b).bytes; });
  std::vector<int> placed;  // by offset
  int64_t end = 0;
  for (const int id : order) {
    int64_t offset = 0;
    for (const int other : placed) {
      if (!alive_together(at(id), at(other))) continue;
      if (offset + at(id).bytes <= at(other).offset) break;
      const int64_t after = checked_add(at(other).offset, at(other).bytes, "arena");
      offset = std::max(offset, (after + kAlignment - 1) / kAlignment * kAlignment);
    }
    at(id).offset = offset;
    end = std::max(end, checked_add(offset, at(id).bytes, "arena"));
    const auto position = std::upper_bound(placed.begin(), placed.end(), id, [&](int a, int b) {
      return at(a).offset < at(b).offset;
    });
    placed.insert(position, id);
  }
  for (size_t i = 0; i < buffers.size(); ++i) {
    buffers[i].offset = at(root_of(buffers, static_cast<int>(i))).offset;
  }
  return (end + kAlignment - 1) / kAlignment * kAlignment;
}

}  // namespace pare::runtime
