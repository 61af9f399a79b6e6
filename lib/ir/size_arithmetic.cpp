// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/size_arithmetic.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/geometry.hpp"

namespace pare::ir {

namespace {

constexpr int64_t kMostEntries = 64;
using Inputs = std::vector<const SizeEntries*>;
using Result = std::optional<SizeEntries>;

bool known(const Inputs& inputs, size_t i) { return i < inputs.size() && inputs[i] != nullptr; }

// The value of a one-element input that is a number.
std::optional<int64_t> number(const Inputs& inputs, size_t i) {
  if (!known(inputs, i) || inputs[i]->size() != 1 || !inputs[i]->front().known()) return {};
  return inputs[i]->front().value;
}

Result shape(const Node& node, const Shape& of) {
  const auto rank = static_cast<int64_t>(of.size());
  const auto clamped = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = clamped(attr_int(node, "start", 0));
  const int64_t end = clamped(attr_int(node, "end", rank));
  SizeEntries out;
  for (int64_t i = start; i < end; ++i) {
    const Dim& dim = of[static_cast<size_t>(i)];
    out.push_back({.value = dim.size, .symbol = dim.symbol});
  }
  return out;
}

Result gather(const Inputs& inputs) {
  if (!known(inputs, 0) || !known(inputs, 1)) return {};
  const auto size = static_cast<int64_t>(inputs[0]->size());
  SizeEntries out;
  for (const SizeEntry& index : *inputs[1]) {
    const int64_t at = index.value < 0 ? index.value + size : index.value;
    if (!index.known() || at < 0 || at >= size) return {};
    out.push_back((*inputs[0])[static_cast<size_t>(at)]);
  }
  return out;
}

Result slice(const Node& node, const Inputs& inputs) {
  const auto start = number(inputs, 1);
  const auto end = number(inputs, 2);
  const auto step = inputs.size() > 4 ? number(inputs, 4) : 1;
  if (!known(inputs, 0) || !start || !end || !step) return {};
  const SliceRange range =
      slice_range(node, static_cast<int64_t>(inputs[0]->size()), *start, *end, *step);
  SizeEntries out;
  for (int64_t i = 0; i < range.count; ++i) {
    out.push_back((*inputs[0])[static_cast<size_t>(range.start + i * range.step)]);
  }
  return out;
}

Result concat(const Inputs& inputs) {
  SizeEntries out;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!known(inputs, i)) return {};
    out.insert(out.end(), inputs[i]->begin(), inputs[i]->end());
  }
  return out;
}

// One result; sums and products with a symbol become a symbol named after how they were made.
std::optional<SizeEntry> combined(const std::string& op, const SizeEntry& a, const SizeEntry& b) {
  const auto text = [](const SizeEntry& x) {
    return x.known() ? std::to_string(x.value) : x.symbol;
  };
  if (!a.known() || !b.known()) {
    const int64_t neutral = op == "Mul" || op == "Div" ? 1 : 0;
    if (b.known() && b.value == neutral) return a;
    if (a.known() && a.value == neutral && (op == "Mul" || op == "Add")) return b;
    const char* sign = op == "Mul" ? "*" : op == "Div" ? "/" : op == "Add" ? "+" : "-";
    return SizeEntry{.value = -1, .symbol = text(a) + sign + text(b)};
  }
  int64_t result = 0;
  bool fits = true;
  if (op == "Mul") fits = !__builtin_mul_overflow(a.value, b.value, &result);
  if (op == "Add") fits = !__builtin_add_overflow(a.value, b.value, &result);
  if (op == "Sub") fits = !__builtin_sub_overflow(a.value, b.value, &result);
  if (op == "Div") {
    fits = b.value > 0;
    result = fits ? a.value / b.value : 0;
  }
  if (!fits) return {};
  return SizeEntry{.value = result};
}

Result binary(const std::string& op, const Inputs& inputs) {
  if (!known(inputs, 0) || !known(inputs, 1)) return {};
  const SizeEntries& a = *inputs[0];
  const SizeEntries& b = *inputs[1];
  if (a.size() != b.size() && a.size() != 1 && b.size() != 1) return {};
  SizeEntries out;
  const size_t count = a.empty() || b.empty() ? 0 : std::max(a.size(), b.size());
  for (size_t i = 0; i < count; ++i) {
    const auto entry = combined(op, a[a.size() == 1 ? 0 : i], b[b.size() == 1 ? 0 : i]);
    if (!entry) return {};
    out.push_back(*entry);
  }
  return out;
}

}  // namespace

bool holds_sizes(DType dtype, const Shape& shape) {
  if (dtype != DType::kI64 && dtype != DType::kI32) return false;
  return shape.empty() || (shape.size() == 1 && shape[0].known() && shape[0].size <= kMostEntries);
}

SizeEntries entries_of(const std::vector<int64_t>& values) {
  SizeEntries out;
  for (const int64_t value : values) out.push_back({.value = value});
  return out;
}

Result size_arithmetic(const Node& node, const Shape* first, const Inputs& inputs) {
  const std::string& op = node.op;
  if (op == "Shape" && first) return shape(node, *first);
  if (op == "Gather") return gather(inputs);
  if (op == "Slice") return slice(node, inputs);
  if (op == "Concat") return concat(inputs);
  if (op == "Add" || op == "Sub" || op == "Mul" || op == "Div") return binary(op, inputs);
  const bool same = op == "Cast" || op == "Identity" || op == "Unsqueeze" || op == "Squeeze" ||
                    op == "Reshape" || op == "Flatten";
  if (same && known(inputs, 0)) return *inputs[0];
  return {};
}

}  // namespace pare::ir
