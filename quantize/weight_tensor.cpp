// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_tensor.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/pass/float_values.hpp"
#include "quantize/weight_codes.hpp"

namespace pare::quantize {

namespace {

struct Groups {
  std::vector<float> scales;
  std::vector<int32_t> zero_points;
};

ir::QuantScheme ir_scheme(const WeightScheme& scheme) {
  const bool wide = scheme.bits == 8;
  ir::QuantScheme out;
  out.code = scheme.symmetric ? (wide ? ir::DType::kI8 : ir::DType::kI4)
                              : (wide ? ir::DType::kU8 : ir::DType::kU4);
  out.symmetric = scheme.symmetric;
  out.axis = scheme.granularity == Granularity::kTensor ? -1 : scheme.axis;
  out.group_size = scheme.granularity == Granularity::kGroup ? scheme.group_size : 0;
  return out;
}

// Calls run(group, first, last) for the runs of consecutive elements of groups of rows [row, row +
// 1) in a tensor whose rows are contiguous.
template <class Run>
void for_groups_of_row(const ir::GroupGeometry& g, int64_t row, const Run& run) {
  for (int64_t k = 0; k < g.groups_per_row; ++k) {
    const int64_t first = row * g.columns + k * g.group_size;
    run(row * g.groups_per_row + k, first, std::min(first + g.group_size, (row + 1) * g.columns));
  }
}

// One output channel of a tensor whose channels are not its first axis, copied together.
std::vector<float> channel(std::span<const float> values, const ir::GroupGeometry& g, int64_t row) {
  std::vector<float> out;
  out.reserve(static_cast<size_t>(g.columns));
  const auto count = static_cast<int64_t>(values.size());
  for (int64_t first = row * g.inner; first < count; first += g.stride_outer) {
    const auto run = values.subspan(static_cast<size_t>(first), static_cast<size_t>(g.inner));
    out.insert(out.end(), run.begin(), run.end());
  }
  return out;
}

bool rows_contiguous(const ir::GroupGeometry& g, size_t count) {
  return g.stride_outer == static_cast<int64_t>(count);
}

Groups parameters_of(const std::string& name, std::span<const float> values,
                     const ir::GroupGeometry& g, const WeightScheme& scheme, int threads) {
  const CodeRange range = code_range(scheme.bits, scheme.symmetric);
  const auto groups = static_cast<size_t>(g.rows * g.groups_per_row);
  Groups out{std::vector<float>(groups), std::vector<int32_t>(groups)};
  std::atomic<bool> finite = true;
  const auto put = [&](int64_t group, std::span<const float> members) {
    const Extent extent = extent_of(members);
    if (!extent.finite) finite = false;
    const bool search = scheme.search && extent.finite;
    const GroupParameters p = search ? least_squares(members, range) : covering(extent, range);
    out.scales[static_cast<size_t>(group)] = p.scale;
    out.zero_points[static_cast<size_t>(group)] = p.zero_point;
  };
  parallel_for(g.rows, threads, [&](int64_t row) {
    if (!rows_contiguous(g, values.size())) return put(row, channel(values, g, row));
    for_groups_of_row(g, row, [&](int64_t group, int64_t first, int64_t last) {
      put(group, values.subspan(static_cast<size_t>(first), static_cast<size_t>(last - first)));
    });
  });
  if (!finite) throw Error(escaped(name), "holds NaN or Inf");
  return out;
}

// One code a byte, for every element.
std::vector<int8_t> codes_of(std::span<const float> values, const ir::GroupGeometry& g,
                             const Groups& groups, const CodeRange& range, int threads) {
  std::vector<int8_t> codes(values.size());
  const std::span<int8_t> all(codes);
  const auto put = [&](int64_t group, int64_t first, int64_t last) {
    const auto from = static_cast<size_t>(first), n = static_cast<size_t>(last - first);
    const GroupParameters p{groups.scales[static_cast<size_t>(group)],
                            groups.zero_points[static_cast<size_t>(group)]};
    encode(values.subspan(from, n), p, range, all.subspan(from, n));
    if (range.high - range.low < 16)
      balance(values.subspan(from, n), p, range, all.subspan(from, n));
  };
  if (rows_contiguous(g, values.size())) {
    parallel_for(g.rows, threads, [&](int64_t row) { for_groups_of_row(g, row, put); });
    return codes;
  }
  const int64_t outer =
      g.stride_outer > 0 ? static_cast<int64_t>(values.size()) / g.stride_outer : 0;
  parallel_for(outer, threads, [&](int64_t o) {
    if (g.inner == 1) {  // channels side by side: every element has the next channel's scale
      const auto from = static_cast<size_t>(o * g.rows), n = static_cast<size_t>(g.rows);
      encode(values.subspan(from, n), groups.scales, groups.zero_points, range,
             all.subspan(from, n));
      return;
    }
    for (int64_t row = 0; row < g.rows; ++row) {
      const int64_t first = o * g.stride_outer + row * g.inner;
      put(row, first, first + g.inner);
    }
  });
  return codes;
}

ir::Bytes packed(std::span<const int8_t> codes, int bits) {
  if (bits == 8) {
    const auto raw = std::as_bytes(codes);
    return {raw.begin(), raw.end()};
  }
  ir::Bytes out((codes.size() + 1) / 2);
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto nibble = static_cast<unsigned>(codes[i]) & 15U;
    out[i / 2] |= static_cast<std::byte>(i % 2 == 0 ? nibble : nibble << 4);
  }
  return out;
}

// The mask's elements of `codes`, in order.
std::vector<int8_t> stored_codes(std::vector<int8_t> codes, const ir::Tensor& weight) {
  const ir::BufferView mask = weight.part(ir::Part::kMask)->view();
  const auto kept = ir::expand_mask(mask.bytes(), weight.dims(), weight.layout());
  size_t stored = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (kept[i]) codes[stored++] = codes[i];
  }
  codes.resize(stored);
  return codes;
}

// f16 scales hold 4-bit codes' precision several times over and cost half; only normal f16 numbers.
bool fit_f16(std::span<const float> scales) {
  return std::ranges::all_of(scales, [](float s) { return s >= 0x1p-14F && s <= 65504.0F; });
}

ir::Tensor scale_part(std::span<const float> scales, ir::DType dtype) {
  const auto count = static_cast<int64_t>(scales.size());
  if (dtype == ir::DType::kF32) return ir::Tensor::f32({count}, scales);
  std::vector<uint16_t> halves;
  for (const float scale : scales) halves.push_back(ir::f32_to_f16(scale));
  return ir::Tensor::of<uint16_t>(ir::DType::kF16, {count}, halves);
}

ir::Tensor assembled(const ir::Tensor& weight, const ir::QuantScheme& scheme, int bits,
                     Groups groups, int threads) {
  const CodeRange range = code_range(bits, scheme.symmetric);
  const int64_t stored = weight.stored_elements();
  const ir::Tensor* mask = weight.part(ir::Part::kMask);
  const int64_t sparse_bytes =
      mask ? mask->count() + ir::byte_size(scheme.code, std::array{stored}) : 0;
  const bool sparse = mask != nullptr && sparse_bytes <= ir::byte_size(scheme.code, weight.dims());
  ir::Tensor::Parts parts;
  const auto group_count = static_cast<int64_t>(groups.scales.size());
  parts.set(ir::Part::kScales, scale_part(groups.scales, scheme.scale));
  if (!scheme.symmetric) {
    parts.set(ir::Part::kZeroPoints,
              ir::Tensor::of<int32_t>(ir::DType::kI32, {group_count}, groups.zero_points));
  }
  if (sparse) parts.set(ir::Part::kMask, *mask);
  const auto shared = std::make_shared<const Groups>(std::move(groups));
  const auto make = [weight, scheme, shared, range, bits, sparse, threads] {
    const pass::FloatValues values(weight);
    const ir::GroupGeometry g = ir::groups_of(weight.dims(), scheme);
    std::vector<int8_t> codes = codes_of(values.span(), g, *shared, range, threads);
    return packed(sparse ? stored_codes(std::move(codes), weight) : std::move(codes), bits);
  };
  const ir::Dims code_dims = sparse ? ir::Dims{stored} : weight.dims();
  const int64_t bytes = ir::byte_size(scheme.code, code_dims);
  parts.set(ir::Part::kCodes,
            ir::Tensor(scheme.code, code_dims, ir::Buffer::deferred(bytes, make)));
  return ir::Tensor::composite(weight.dims(), scheme, sparse ? weight.layout() : ir::SparseLayout{},
                               std::move(parts));
}

}  // namespace

ir::Tensor quantized_weight(const std::string& name, const ir::Tensor& weight,
                            const WeightScheme& scheme, int threads) {
  ir::QuantScheme quant = ir_scheme(scheme);
  const ir::GroupGeometry g = ir::groups_of(weight.dims(), quant);
  Groups groups = parameters_of(name, pass::FloatValues(weight).span(), g, scheme, threads);
  if (scheme.bits == 4 && fit_f16(groups.scales)) {
    quant.scale = ir::DType::kF16;
    // Codes are chosen for the scale that is stored.
    for (float& scale : groups.scales) scale = ir::f16_to_f32(ir::f32_to_f16(scale));
  }
  return assembled(weight, quant, scheme.bits, std::move(groups), threads);
}

ir::Tensor quantized_weight(const ir::Tensor& weight, std::vector<float> scales, int axis,
                            int threads) {
  const ir::QuantScheme quant = ir_scheme({.axis = axis});
  Groups groups{std::move(scales), {}};
  groups.zero_points.resize(groups.scales.size());
  return assembled(weight, quant, 8, std::move(groups), threads);
}

std::vector<float> channel_scales(const std::string& name, const ir::Tensor& weight,
                                  const WeightScheme& scheme, int threads) {
  const ir::GroupGeometry g = ir::groups_of(weight.dims(), ir_scheme(scheme));
  return parameters_of(name, pass::FloatValues(weight).span(), g, scheme, threads).scales;
}

}  // namespace pare::quantize
