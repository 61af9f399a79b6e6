// SPDX-License-Identifier: Apache-2.0
// Three steps over a range: widen the stored elements, spread them over those that the mask keeps,
// apply scale and zero point group by group.
#include "lib/ir/element_reader.hpp"

#include <algorithm>
#include <array>

#include "lib/core/error.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/ir/widen.hpp"

namespace pare::ir {

namespace {

// Elements between two known positions in a sparse tensor, and those converted together.
constexpr int64_t kStretch = 2048;

std::vector<float> group_scales(const Tensor& tensor) {
  std::vector<float> scales = to_f32(*tensor.part(Part::kScales));
  const int64_t super_group = tensor.scheme()->super_group;
  if (super_group == 0) return scales;
  const std::vector<float> super = to_f32(*tensor.part(Part::kSuperScales));
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] *= super[i / static_cast<size_t>(super_group)];
  return scales;
}

// Calls run(group, first, last) for the runs of consecutive elements of [first, end) that share a
// group.
template <class Run>
void for_runs(int64_t count, const GroupGeometry& g, int64_t first, int64_t end, const Run& run) {
  const bool rows_contiguous = g.rows * g.inner == count;
  while (first < end) {
    const int64_t line = first / g.inner;  // rows of elements that lie together
    int64_t group = line % g.rows, stop = (line + 1) * g.inner;
    if (rows_contiguous) {
      const int64_t begin = line * g.columns, in_row = (first - begin) / g.group_size;
      group = line * g.groups_per_row + in_row;
      stop = std::min(begin + g.columns, begin + (in_row + 1) * g.group_size);
    }
    stop = std::min(stop, end);
    run(group, first, stop);
    first = stop;
  }
}

// Stored values, in order, to the places that are kept; 0 elsewhere.
template <class T>
void spread(std::span<const T> stored, std::span<const uint8_t> kept, std::span<T> out) {
  size_t next = 0;
  for (size_t i = 0; i < out.size(); ++i) out[i] = kept[i] ? stored[next++] : T{0};
}

}  // namespace

ElementReader::ElementReader(const Tensor& tensor) : tensor_(tensor), count_(tensor.count()) {
  const Tensor& values = tensor.is_plain() ? tensor : *tensor.part(Part::kCodes);
  stored_dtype_ = values.dtype();
  stored_ = values.view();
  if (const QuantScheme* scheme = tensor.scheme()) {
    groups_ = groups_of(tensor.dims(), *scheme);
    scales_ = group_scales(tensor);
    if (!scheme->symmetric) {
      const Tensor& zeros = *tensor.part(Part::kZeroPoints);
      zero_points_.resize(static_cast<size_t>(zeros.count()));
      widen(zeros.dtype(), zeros.view().bytes(), 0, std::span(zero_points_));
    }
    if (scheme->codebook) codebook_ = to_f32(*tensor.part(Part::kCodebook));
  }
  if (!tensor.is_sparse()) return;
  mask_ = tensor.part(Part::kMask)->view();
  const int64_t stored = stored_in_mask(mask_.bytes(), tensor.dims(), tensor.layout());
  if (stored != values.count()) {
    throw Error("tensor", "mask stores " + std::to_string(stored) + " elements, codes hold " +
                              std::to_string(values.count()));
  }
  index_stretches();
}

void ElementReader::index_stretches() {
  std::array<uint8_t, kStretch> flags;
  int64_t before = 0;
  for (int64_t first = 0; first < count_; first += kStretch) {
    stored_before_.push_back(before);
    const std::span<uint8_t> kept(flags.data(),
                                  static_cast<size_t>(std::min(kStretch, count_ - first)));
    expand_mask(mask_.bytes(), tensor_.dims(), tensor_.layout(), first, kept);
    before += std::ranges::count(kept, uint8_t{1});
  }
}

void ElementReader::read(int64_t first, std::span<float> out) const {
  require(first >= 0 && first + static_cast<int64_t>(out.size()) <= count_,
          "elements that are asked for exist");
  if (tensor_.is_sparse()) return read_sparse(first, out);
  read_stored(first, out);
}

void ElementReader::read_stored(int64_t first, std::span<float> out) const {
  if (!tensor_.is_quantized()) return widen(stored_dtype_, stored_.bytes(), first, out);
  std::array<int32_t, kStretch> codes;
  for (size_t at = 0; at < out.size(); at += kStretch) {
    const size_t n = std::min<size_t>(kStretch, out.size() - at);
    const std::span<int32_t> part(codes.data(), n);
    widen(stored_dtype_, stored_.bytes(), first + static_cast<int64_t>(at), part);
    scale(first + static_cast<int64_t>(at), part, out.subspan(at, n));
  }
}

void ElementReader::read_sparse(int64_t first, std::span<float> out) const {
  std::array<float, kStretch> values;
  const int64_t end = first + static_cast<int64_t>(out.size());
  for (int64_t stretch = first / kStretch * kStretch; stretch < end; stretch += kStretch) {
    const int64_t stop = std::min(stretch + kStretch, count_);
    read_stretch(stretch, std::span(values.data(), static_cast<size_t>(stop - stretch)));
    const int64_t from = std::max(first, stretch);
    std::copy_n(values.data() + (from - stretch), std::min(end, stop) - from,
                out.data() + (from - first));
  }
}

void ElementReader::read_stretch(int64_t first, std::span<float> out) const {
  std::array<uint8_t, kStretch> flags;
  const std::span<uint8_t> kept(flags.data(), out.size());
  expand_mask(mask_.bytes(), tensor_.dims(), tensor_.layout(), first, kept);
  const int64_t stored = stored_before_[static_cast<size_t>(first / kStretch)];
  const auto n = static_cast<size_t>(std::ranges::count(kept, uint8_t{1}));
  if (!tensor_.is_quantized()) {
    std::array<float, kStretch> values;
    widen(stored_dtype_, stored_.bytes(), stored, std::span(values.data(), n));
    return spread<float>(values, kept, out);
  }
  std::array<int32_t, kStretch> codes, spread_codes;
  widen(stored_dtype_, stored_.bytes(), stored, std::span(codes.data(), n));
  const std::span<int32_t> all(spread_codes.data(), out.size());
  spread<int32_t>(codes, kept, all);
  scale(first, all, out);
  for (size_t i = 0; i < out.size(); ++i) out[i] = kept[i] ? out[i] : 0.0F;
}

void ElementReader::scale(int64_t first, std::span<const int32_t> codes,
                          std::span<float> out) const {
  const bool codebook = tensor_.scheme()->codebook;
  if (codebook) look_up(codes, out);
  const auto end = first + static_cast<int64_t>(codes.size());
  for_runs(count_, groups_, first, end, [&](int64_t group, int64_t begin, int64_t stop) {
    const float by = scales_[static_cast<size_t>(group)];
    // The difference is exact in i64 for any zero point a file may hold.
    const int64_t zero = zero_points_.empty() ? 0 : zero_points_[static_cast<size_t>(group)];
    for (auto i = static_cast<size_t>(begin - first); i < static_cast<size_t>(stop - first); ++i) {
      out[i] = codebook ? by * out[i] : by * static_cast<float>(codes[i] - zero);
    }
  });
}

// The table is from a file, so every code is checked against it.
void ElementReader::look_up(std::span<const int32_t> codes, std::span<float> out) const {
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<size_t>(codes[i]);
    if (code >= codebook_.size()) {
      throw Error("tensor", "code " + std::to_string(code) + " is outside a codebook of " +
                                std::to_string(codebook_.size()) + " entries");
    }
    out[i] = codebook_[code];
  }
}

}  // namespace pare::ir
