// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_groups.hpp"

#include <algorithm>
#include <mutex>

#include "lib/core/parallel.hpp"
#include "lib/ir/narrow.hpp"
#include "quantize/balance.hpp"
#include "quantize/scale_search.hpp"

namespace pare::quantize {

namespace {

// Elements that a thread converts and works on before it goes on: 16 KB as f32, which stay in its
// first-level cache.
constexpr int64_t kStretch = 4096;

using Scratch = pass::FloatRanges::Scratch;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

std::span<int8_t> part(std::span<int8_t> codes, int64_t first, int64_t n) {
  return codes.subspan(static_cast<size_t>(first), static_cast<size_t>(n));
}

// Groups that follow one another.
struct SameSize {
  int64_t first = 0, count = 0, size = 0;
  std::vector<GroupParameters> of(const Groups& groups) const {
    std::vector<GroupParameters> out;
    for (int64_t i = first; i < first + count; ++i) out.push_back(groups.at(i));
    return out;
  }
};

// What a thread works with, beside the values: a few groups' worth.
struct Few {
  Scratch values;
  std::vector<GroupParameters> parameters;
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  std::vector<int8_t> codes;
  operator Scratch&() { return values; }
};

void encode_all(bool balanced, std::span<const float> values, const SameSize& groups,
                const Groups& all, const CodeRange& range, std::span<int8_t> codes) {
  const auto size = static_cast<size_t>(groups.size), count = static_cast<size_t>(groups.count);
  if (balanced) return encode_balanced(values, size, groups.of(all), range, codes);
  const auto first = static_cast<size_t>(groups.first);
  const std::span<const int32_t> zero_points = all.zero_points;
  encode_groups(values, size, std::span(all.scales).subspan(first, count),
                zero_points.empty() ? zero_points : zero_points.subspan(first, count), range,
                codes);
}

}  // namespace

WeightGroups::WeightGroups(const ir::Tensor& weight, const ir::GroupGeometry& geometry,
                           const CodeRange& range, int threads)
    : values_(weight), g_(geometry), range_(range), threads_(threads) {
  if (weight.is_plain() && weight.dtype() == ir::DType::kF16) halves_ = weight.view();
}

// Groups follow one another in memory.
bool WeightGroups::contiguous() const { return g_.stride_outer == values_.count(); }

// First element of a group; of the one past the last, the number of elements.
int64_t WeightGroups::first_of(int64_t group) const {
  return group / g_.groups_per_row * g_.columns + group % g_.groups_per_row * g_.group_size;
}

// Calls run(group, whole, first, values) for stretches of contiguous groups: parts of long groups,
// or whole ones.
template <class Run>
void WeightGroups::for_runs(const Run& run) const {
  const int64_t count = values_.count();
  parallel_for_with<Scratch>(
      ceil_div(count, kStretch), threads_, [&](int64_t stretch, Scratch& scratch) {
        const int64_t begin = stretch * kStretch, end = std::min(count, begin + kStretch);
        const std::span<const float> all = values_.read(begin, end - begin, scratch);
        // Divisions once a stretch: there are many short groups.
        int64_t group = begin / g_.columns * g_.groups_per_row + begin % g_.columns / g_.group_size;
        int64_t group_first = first_of(group), row_end = (begin / g_.columns + 1) * g_.columns;
        for (int64_t first = begin; first < end; ++group) {
          const int64_t group_end = std::min(group_first + g_.group_size, row_end);
          const int64_t stop = std::min(end, group_end);
          run(group, first == group_first && stop == group_end, first,
              all.subspan(static_cast<size_t>(first - begin), static_cast<size_t>(stop - first)));
          if (stop == row_end) row_end += g_.columns;
          first = group_first = stop;
        }
      });
}

// Calls visit(groups, first, values, own) for contiguous groups of one size, as many as fit a
// cache.
template <class Own, class Visit>
void WeightGroups::for_whole_groups(const Visit& visit) const {
  const int64_t together = std::max<int64_t>(1, kStretch / std::max<int64_t>(1, g_.group_size));
  // Every row may end with a shorter group.
  const int64_t in_row = g_.group_size > 0 ? g_.columns / g_.group_size : 0;
  const bool tails = in_row != g_.groups_per_row;
  parallel_for_with<Own>(ceil_div(group_count(), together), threads_, [&](int64_t batch, Own& own) {
    const int64_t last = std::min(group_count(), (batch + 1) * together);
    const int64_t begin = first_of(batch * together);
    std::span<const float> all;
    for (int64_t group = batch * together; group < last;) {
      const int64_t left_in_row = in_row - group % g_.groups_per_row;
      const int64_t count =
          tails ? std::clamp<int64_t>(left_in_row, 1, last - group) : last - group;
      const int64_t first = first_of(group), size = first_of(group + 1) - first;
      const auto values = [&] {
        if (all.empty()) all = values_.read(begin, first_of(last) - begin, own);
        return all.subspan(static_cast<size_t>(first - begin), static_cast<size_t>(count * size));
      };
      visit(SameSize{group, count, size}, first, values, own);
      group += count;
    }
  });
}

// Calls visit(first, values) for the lines of `rows * inner` elements in which groups that are not
// contiguous take turns.
template <class Visit>
void WeightGroups::for_lines(const Visit& visit) const {
  if (g_.stride_outer == 0) return;
  parallel_for_with<Scratch>(values_.count() / g_.stride_outer, threads_,
                             [&](int64_t line, Scratch& scratch) {
                               const int64_t first = line * g_.stride_outer;
                               visit(first, values_.read(first, g_.stride_outer, scratch));
                             });
}

std::vector<Extent> WeightGroups::extents() const {
  if (!contiguous()) return column_extents();
  std::vector<Extent> out(static_cast<size_t>(group_count()));
  if (g_.group_size > 0 && g_.columns % g_.group_size == 0 && g_.group_size <= kStretch) {
    short_extents(out);
    return out;
  }
  std::mutex joining;  // of groups that two threads see parts of
  for_runs([&](int64_t group, bool whole, int64_t, std::span<const float> values) {
    const Extent extent = extent_of(values);
    Extent& known = out[static_cast<size_t>(group)];
    if (whole) {
      known = extent;
      return;
    }
    const std::lock_guard lock(joining);
    known = joined(known, extent);
  });
  return out;
}

// Of groups that all have the same size.
void WeightGroups::short_extents(std::span<Extent> out) const {
  const int64_t together = kStretch / g_.group_size;
  parallel_for_with<Scratch>(
      ceil_div(group_count(), together), threads_, [&](int64_t batch, Scratch& scratch) {
        const int64_t first = batch * together, n = std::min(together, group_count() - first);
        extents_of(values_.read(first * g_.group_size, n * g_.group_size, scratch),
                   static_cast<size_t>(g_.group_size),
                   out.subspan(static_cast<size_t>(first), static_cast<size_t>(n)));
      });
}

std::vector<Extent> WeightGroups::column_extents() const {
  const auto rows = static_cast<size_t>(g_.rows), inner = static_cast<size_t>(g_.inner);
  std::vector<Extent> out(rows);
  std::mutex joining;
  const int64_t lines = g_.stride_outer > 0 ? values_.count() / g_.stride_outer : 0;
  const int64_t parts = std::min<int64_t>(lines, threads_);
  parallel_for_with<Scratch>(parts, threads_, [&](int64_t part, Scratch& scratch) {
    ColumnExtents columns(rows * inner);
    for (int64_t line = lines * part / parts; line < lines * (part + 1) / parts; ++line) {
      columns.add(values_.read(line * g_.stride_outer, g_.stride_outer, scratch));
    }
    const std::lock_guard lock(joining);
    for (size_t i = 0; i < rows * inner; ++i)
      out[i / inner] = joined(out[i / inner], columns.at(i));
  });
  return out;
}

Groups WeightGroups::covering_extents(std::span<const Extent> extents) const {
  Groups out;
  out.scales.reserve(extents.size());
  if (!range_.symmetric) out.zero_points.reserve(extents.size());
  for (const Extent& extent : extents) {
    const GroupParameters parameters = covering(extent, range_);
    out.scales.push_back(parameters.scale);
    if (!range_.symmetric) out.zero_points.push_back(parameters.zero_point);
  }
  return out;
}

Groups WeightGroups::unit_scales() const {
  const auto count = static_cast<size_t>(group_count());
  return {std::vector<float>(count, 1.0F), std::vector<int32_t>(range_.symmetric ? 0 : count)};
}

Groups WeightGroups::searched(std::span<const uint8_t> wanted) const {
  if (!contiguous()) return searched_columns();
  Groups out = unit_scales();
  const auto search = [&](const SameSize& groups, int64_t, const auto& values, Few& few) {
    const auto first = static_cast<size_t>(groups.first), count = static_cast<size_t>(groups.count);
    if (!wanted.empty() && std::ranges::count(wanted.subspan(first, count), 0) == groups.count) {
      return;
    }
    few.parameters.resize(count);
    least_squares(values(), static_cast<size_t>(groups.size), range_, few.parameters);
    for (size_t i = 0; i < count; ++i) {
      if (wanted.empty() || wanted[first + i])
        out.set(groups.first + static_cast<int64_t>(i), few.parameters[i]);
    }
  };
  for_whole_groups<Few>(search);
  return out;
}

// Each group is gathered from all over the tensor, which is decoded as a whole for that.
Groups WeightGroups::searched_columns() const {
  Groups out = unit_scales();
  Scratch scratch;
  const std::span<const float> all = values_.read(0, values_.count(), scratch);
  parallel_for(g_.rows, threads_, [&](int64_t row) {
    std::vector<float> members;
    members.reserve(static_cast<size_t>(g_.columns));
    for (int64_t first = row * g_.inner; first < values_.count(); first += g_.stride_outer) {
      const auto run = all.subspan(static_cast<size_t>(first), static_cast<size_t>(g_.inner));
      members.insert(members.end(), run.begin(), run.end());
    }
    out.set(row, least_squares(members, range_));
  });
  return out;
}

bool WeightGroups::short_groups() const { return contiguous() && g_.group_size <= kStretch; }

bool WeightGroups::pairs_stay_together() const {
  return g_.columns % 2 == 0 && g_.group_size % 2 == 0;
}

// cover_groups() of the groups of `size` values that begin at element `first`.
// cover_groups() of the groups of `size` values that begin at element `first`.
template <class Values>
bool WeightGroups::cover(int64_t first, int64_t size, const Values& values,
                         const GroupSpans& out) const {
  const auto n = static_cast<size_t>(size), begin = static_cast<size_t>(first);
  if (!halves_ || !range_.symmetric || n == 0 || n > kLongestHalfGroup) {
    return cover_groups(values(), n, range_, out);
  }
  constexpr size_t kWidth = sizeof(uint16_t);
  const auto stored = halves_->bytes().subspan(kWidth * begin, kWidth * n * out.scales.size());
  return cover_half_groups(stored, n, range_, out.scales);
}

ScaleRange WeightGroups::covering_scales() const {
  ScaleRange out;
  std::mutex joining;
  const auto look = [&](const SameSize& groups, int64_t first, const auto& values, Few& few) {
    few.scales.resize(static_cast<size_t>(groups.count));
    few.zero_points.resize(range_.symmetric ? 0 : few.scales.size());
    const bool finite = cover(first, groups.size, values, {few.scales, few.zero_points});
    ScaleRange here = range_of(few.scales);
    here.finite = finite;
    const std::lock_guard lock(joining);
    out = joined(out, here);
  };
  for_whole_groups<Few>(look);
  return out;
}

Groups WeightGroups::groups_and_codes(const Encoding& encoding, ir::Bytes& codes) const {
  codes.resize(static_cast<size_t>(encoding.packed ? values_.count() / 2 : values_.count()));
  const std::span<int8_t> bytes(reinterpret_cast<int8_t*>(codes.data()), codes.size());
  Groups out = unit_scales();
  for_whole_groups<Few>([&](const SameSize& groups, int64_t first, const auto& decode, Few& few) {
    const std::span<const float> values = decode();
    const GroupSpans parameters = out.spans(groups.first, groups.count);
    if (encoding.search) {
      few.parameters.resize(parameters.scales.size());
      least_squares(values, static_cast<size_t>(groups.size), range_, few.parameters);
      for (int64_t i = 0; i < groups.count; ++i) {
        out.set(groups.first + i, few.parameters[static_cast<size_t>(i)]);
      }
    } else {
      cover(first, groups.size, decode, parameters);
    }
    if (encoding.half_scales) ir::round_to_f16(parameters.scales);
    const auto at = static_cast<size_t>(first);
    if (!encoding.packed) {
      encode_all(encoding.balanced, values, groups, out, range_, bytes.subspan(at, values.size()));
      return;
    }
    few.codes.resize(values.size());
    encode_all(encoding.balanced, values, groups, out, range_, few.codes);
    pack_pairs(few.codes, std::span(codes).subspan(at / 2, values.size() / 2));
  });
  return out;
}

ir::Bytes WeightGroups::codes(const Groups& groups, bool balanced) const {
  ir::Bytes bytes(static_cast<size_t>(values_.count()));
  const std::span<int8_t> all(reinterpret_cast<int8_t*>(bytes.data()), bytes.size());
  if (!contiguous()) {
    encode_columns(groups, balanced, all);
  } else if (balanced) {
    for_whole_groups<Scratch>([&](const SameSize& same, int64_t first, const auto& values,
                                  Scratch&) {
      encode_all(true, values(), same, groups, range_, part(all, first, same.count * same.size));
    });
  } else {
    for_runs([&](int64_t group, bool, int64_t first, std::span<const float> values) {
      encode(values, groups.at(group), range_,
             part(all, first, static_cast<int64_t>(values.size())));
    });
  }
  return bytes;
}

void WeightGroups::encode_columns(const Groups& groups, bool balanced,
                                  std::span<int8_t> codes) const {
  const std::vector<int32_t> zeros =
      groups.zero_points.empty() ? std::vector<int32_t>(groups.scales.size()) : groups.zero_points;
  for_lines([&](int64_t first, std::span<const float> values) {
    if (g_.inner == 1) {  // groups side by side: every element has the next one's scale
      encode(values, groups.scales, zeros, range_, part(codes, first, g_.rows));
      return;
    }
    for (int64_t row = 0; row < g_.rows; ++row) {
      const auto run =
          values.subspan(static_cast<size_t>(row * g_.inner), static_cast<size_t>(g_.inner));
      const auto out = part(codes, first + row * g_.inner, g_.inner);
      const GroupParameters parameters = groups.at(row);
      if (balanced) {
        encode_balanced(run, run.size(), {&parameters, 1}, range_, out);
      } else {
        encode(run, parameters, range_, out);
      }
    }
  });
}

}  // namespace pare::quantize
