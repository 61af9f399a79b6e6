// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/quantized_tensors.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

using ir::DType;
using ir::Tensor;

// Where the scale of an element is: element i belongs to index (i / inner) % size / block of its
// axis.
struct Layout {
  int axis = -1;         // -1: one scale for all
  bool blocked = false;  // scales of their own for each element beside the axis
  int64_t block = 1;     // elements along the axis that share a scale
  int64_t outer = 1, size = 1, inner = 1;
  int64_t scales_along = 1;

  int64_t scale_index(int64_t i) const {
    if (axis < 0) return 0;
    const int64_t along = i / inner % size / block;
    return blocked ? (i / inner / size * scales_along + along) * inner + i % inner : along;
  }
};

Layout layout_of(const ir::Dims& dims, const Tensor& scale, int64_t axis, int64_t block,
                 const std::string& subject) {
  Layout out;
  const auto rank = static_cast<int64_t>(dims.size());
  if (axis < 0) axis += rank;
  const bool one_channel =
      scale.dims().size() == 1 && axis >= 0 && axis < rank && dims[static_cast<size_t>(axis)] == 1;
  if (scale.count() == 1 && block == 0 && !one_channel) return out;
  if (axis < 0 || axis >= rank || block < 0) throw Error(subject, "has no axis for its scales");
  out.axis = static_cast<int>(axis);
  for (int64_t i = 0; i < rank; ++i) {
    const int64_t dim = dims[static_cast<size_t>(i)];
    (i < axis ? out.outer : i == axis ? out.size : out.inner) *= dim;
  }
  out.blocked = block > 0;
  out.block = std::max<int64_t>(block, 1);
  out.scales_along = (out.size + out.block - 1) / out.block;
  const int64_t expected = block == 0 ? out.size : out.outer * out.scales_along * out.inner;
  if (scale.count() != expected) {
    throw Error(subject, "has " + std::to_string(scale.count()) + " scales, " +
                             std::to_string(expected) + " are expected");
  }
  return out;
}

std::vector<int32_t> zeros_of(const Tensor* zero_point, int64_t count, const std::string& subject) {
  std::vector<int32_t> out(static_cast<size_t>(count), 0);
  if (!zero_point) return out;
  if (zero_point->count() != count) throw Error(subject, "has as many zero points as scales");
  const std::vector<int64_t> values = ir::to_i64(*zero_point, subject);
  std::transform(values.begin(), values.end(), out.begin(),
                 [](int64_t v) { return static_cast<int32_t>(v); });
  return out;
}

Tensor decoded(const Tensor& codes, const std::vector<float>& scales,
               const std::vector<int32_t>& zeros, const Layout& layout,
               const std::string& subject) {
  const std::vector<int64_t> values = ir::to_i64(codes, subject);
  std::vector<float> out(values.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<size_t>(layout.scale_index(static_cast<int64_t>(i)));
    out[i] = static_cast<float>(values[i] - zeros[at]) * scales[at];
  }
  return Tensor::f32(codes.dims(), out);
}

// Codes around 128 are signed ones in disguise.
Tensor shifted(const Tensor& codes) {
  const std::vector<int32_t> values = ir::to_codes(codes);
  std::vector<int8_t> out;
  out.reserve(values.size());
  for (const int32_t v : values) out.push_back(static_cast<int8_t>(v - 128));
  return Tensor::of<int8_t>(DType::kI8, codes.dims(), out);
}

}  // namespace

Tensor dequantized(const Tensor& codes, const Tensor& scale, const Tensor* zero_point, int64_t axis,
                   int64_t block, const std::string& subject) {
  const Layout layout = layout_of(codes.dims(), scale, axis, block, subject);
  const std::vector<float> scales = ir::to_f32(scale);
  std::vector<int32_t> zeros = zeros_of(zero_point, scale.count(), subject);
  const auto rank = static_cast<int>(codes.dims().size());
  const bool blocks_fit = block == 0 || (rank == 2 && layout.axis == 1);
  const DType code = codes.dtype();
  const bool known = code == DType::kI8 || code == DType::kU8 || code == DType::kI4 ||
                     code == DType::kU4 || code == DType::kI32;
  if (!known || !blocks_fit || codes.count() == 0) {
    return decoded(codes, scales, zeros, layout, subject);
  }
  Tensor stored = codes;
  const auto all = [&](int32_t value) {
    return std::ranges::all_of(zeros, [&](int32_t z) { return z == value; });
  };
  if (code == DType::kU8 && all(128)) {
    stored = shifted(codes);
    std::ranges::fill(zeros, 0);
  }
  ir::QuantScheme scheme{.code = stored.dtype(), .symmetric = all(0), .axis = layout.axis};
  if (block > 0) scheme.axis = 0, scheme.group_size = block;
  const ir::Dims groups{static_cast<int64_t>(scales.size())};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, stored);
  parts.set(ir::Part::kScales, Tensor::f32(groups, scales));
  if (!scheme.symmetric) {
    parts.set(ir::Part::kZeroPoints, Tensor::of<int32_t>(DType::kI32, groups, zeros));
  }
  return Tensor::composite(codes.dims(), scheme, {}, std::move(parts));
}

Tensor quantized_codes(const Tensor& values, const Tensor& scale, const Tensor* zero_point,
                       int64_t axis, const std::string& subject) {
  const Layout layout = layout_of(values.dims(), scale, axis, 0, subject);
  const std::vector<float> scales = ir::to_f32(scale);
  const std::vector<int32_t> zeros = zeros_of(zero_point, scale.count(), subject);
  const bool is_signed = zero_point && zero_point->dtype() == DType::kI8;
  const float low = is_signed ? -128.0F : 0.0F, high = is_signed ? 127.0F : 255.0F;
  const std::vector<float> floats = ir::to_f32(values);
  std::vector<uint8_t> out(floats.size());
  for (size_t i = 0; i < out.size(); ++i) {
    const auto at = static_cast<size_t>(layout.scale_index(static_cast<int64_t>(i)));
    const float code = std::nearbyint(floats[i] / scales[at]) + static_cast<float>(zeros[at]);
    out[i] = static_cast<uint8_t>(
        static_cast<int32_t>(std::isnan(code) ? 0.0F : std::clamp(code, low, high)));
  }
  return Tensor::of<uint8_t>(is_signed ? DType::kI8 : DType::kU8, values.dims(), out);
}

}  // namespace pare::formats
