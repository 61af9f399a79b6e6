// SPDX-License-Identifier: Apache-2.0
// One weight, seen as the groups that share a scale: their extents, their parameters and the codes
// of all elements. The weight is read in stretches that fit a cache, by all threads, so that beside
// the result next to nothing is held; only groups that have to be seen whole (a search, a balance)
// and are longer than that are decoded at once. The same bytes for any number of threads.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "lib/ir/tensor.hpp"
#include "lib/pass/float_values.hpp"
#include "quantize/short_groups.hpp"
#include "quantize/weight_codes.hpp"

namespace pare::quantize {

// One entry a group. zero_points is empty when all are 0.
struct Groups {
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
  GroupParameters at(int64_t group) const {
    const auto i = static_cast<size_t>(group);
    return {scales[i], zero_points.empty() ? 0 : zero_points[i]};
  }
  void set(int64_t group, const GroupParameters& parameters) {
    const auto i = static_cast<size_t>(group);
    scales[i] = parameters.scale;
    if (!zero_points.empty()) zero_points[i] = parameters.zero_point;
  }
  GroupSpans spans(int64_t first, int64_t count) {
    const auto at = static_cast<size_t>(first), n = static_cast<size_t>(count);
    return {std::span(scales).subspan(at, n),
            zero_points.empty() ? std::span<int32_t>() : std::span(zero_points).subspan(at, n)};
  }
};

// How groups_and_codes() goes about it.
struct Encoding {
  bool search = false;       // parameters of least squared error, instead of covering the range
  bool balanced = false;     // codes as in balance()
  bool half_scales = false;  // scales rounded to f16 before codes are chosen
  bool packed = false;       // two codes a byte; only where pairs_stay_together()
};

class WeightGroups {
 public:
  // `weight`'s elements in groups of `geometry`, quantized to `range`.
  WeightGroups(const ir::Tensor& weight, const ir::GroupGeometry& geometry, const CodeRange& range,
               int threads);

  int64_t group_count() const { return g_.rows * g_.groups_per_row; }
  std::vector<Extent> extents() const;
  Groups covering_extents(std::span<const Extent> extents) const;
  // Parameters of least squared error. `wanted` (empty: all) says which groups; the others keep
  // scale 1.
  Groups searched(std::span<const uint8_t> wanted = {}) const;
  // Whether the next two may be called: groups follow one another and are short.
  bool short_groups() const;
  ScaleRange covering_scales() const;
  // Parameters, and the codes that go with them, in one pass over the weight.
  Groups groups_and_codes(const Encoding& encoding, ir::Bytes& codes) const;
  // Every group begins at an even element, so that no byte of packed codes is in two.
  bool pairs_stay_together() const;
  // One code a byte, for every element; `balanced` as in balance().
  ir::Bytes codes(const Groups& groups, bool balanced) const;

 private:
  bool contiguous() const;
  Groups unit_scales() const;
  int64_t first_of(int64_t group) const;
  template <class Run>
  void for_runs(const Run& run) const;
  template <class Own, class Visit>
  void for_whole_groups(const Visit& visit) const;
  template <class Visit>
  void for_lines(const Visit& visit) const;
  void short_extents(std::span<Extent> out) const;
  std::vector<Extent> column_extents() const;
  Groups searched_columns() const;
  void encode_columns(const Groups& groups, bool balanced, std::span<int8_t> codes) const;
  template <class Values>
  bool cover(int64_t first, int64_t size, const Values& values, const GroupSpans& out) const;

  pass::FloatRanges values_;
  std::optional<ir::BufferView> halves_;  // the values where they are stored as f16
  ir::GroupGeometry g_;
  CodeRange range_;
  int threads_;
};

}  // namespace pare::quantize
