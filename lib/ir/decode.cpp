// SPDX-License-Identifier: Apache-2.0
// From stored bytes to element values. Three steps, each a plain loop: widen the stored part,
// spread it over the elements its mask keeps, apply scale and zero point group by group.
#include <algorithm>
#include <cstring>

#include "lib/core/error.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::ir {

namespace {

template <class From, class To, class Convert>
void widen(std::span<const std::byte> bytes, std::span<To> out, Convert convert) {
  for (size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, bytes.data() + i * sizeof value, sizeof value);
    out[i] = static_cast<To>(convert(value));
  }
}

template <class To>
void unpack_nibbles_to(std::span<const std::byte> packed, std::span<To> out, bool is_signed) {
  const unsigned flip = is_signed ? 8 : 0;  // (x ^ 8) - 8 sign-extends a nibble
  const auto value = [&](unsigned nibble) {
    return static_cast<To>(static_cast<int>(nibble ^ flip) - static_cast<int>(flip));
  };
  for (size_t i = 0; i + 1 < out.size(); i += 2) {
    const auto byte = std::to_integer<unsigned>(packed[i / 2]);
    out[i] = value(byte & 15U);
    out[i + 1] = value(byte >> 4);
  }
  if (out.size() % 2 != 0)
    out.back() = value(std::to_integer<unsigned>(packed[out.size() / 2]) & 15U);
}

template <class To>
void widen_plain(const Tensor& tensor, std::span<To> out) {
  const BufferView view = tensor.view();
  const auto bytes = view.bytes();
  const auto same = [](auto x) { return x; };
  switch (tensor.dtype()) {
    case DType::kF32:
      return widen<float>(bytes, out, same);
    case DType::kF16:
      return widen<uint16_t>(bytes, out, f16_to_f32);
    case DType::kBF16:
      return widen<uint16_t>(bytes, out, bf16_to_f32);
    case DType::kI64:
      return widen<int64_t>(bytes, out, same);
    case DType::kI32:
      return widen<int32_t>(bytes, out, same);
    case DType::kI16:
      return widen<int16_t>(bytes, out, same);
    case DType::kI8:
      return widen<int8_t>(bytes, out, same);
    case DType::kU8:
    case DType::kBool:
      return widen<uint8_t>(bytes, out, same);
    case DType::kI4:
      return unpack_nibbles_to(bytes, out, true);
    case DType::kU4:
      return unpack_nibbles_to(bytes, out, false);
  }
  throw Bug("dtype");
}

template <class To>
std::vector<To> widened(const Tensor& tensor) {
  std::vector<To> out(static_cast<size_t>(tensor.count()));
  widen_plain(tensor, std::span(out));
  return out;
}

std::vector<uint8_t> checked_mask(const Tensor& tensor) {
  const BufferView mask = tensor.part(Part::kMask)->view();
  const int64_t stored = stored_in_mask(mask.bytes(), tensor.dims(), tensor.layout());
  if (stored != tensor.stored_elements()) {
    throw Error("tensor", "mask stores " + std::to_string(stored) + " elements, codes hold " +
                              std::to_string(tensor.stored_elements()));
  }
  return expand_mask(mask.bytes(), tensor.dims(), tensor.layout());
}

// Element values or codes in row-major order; places that are not stored keep `out`'s value.
template <class To>
void scatter(std::span<const To> stored, std::span<const uint8_t> kept, std::span<To> out) {
  size_t at = 0;
  for (size_t i = 0; i < out.size(); ++i) {
    if (kept[i]) out[i] = stored[at++];
  }
}

// Calls run(group, first, last) for every run of consecutive elements that share a group.
template <class Run>
void for_each_run(int64_t count, const GroupGeometry& g, const Run& run) {
  if (g.rows * g.inner == count) {  // groups lie along the last dimension
    for (int64_t row = 0; row < g.rows; ++row) {
      for (int64_t k = 0; k < g.groups_per_row; ++k) {
        const int64_t first = k * g.group_size;
        const int64_t last = std::min(g.columns, first + g.group_size);
        run(row * g.groups_per_row + k, row * g.columns + first, row * g.columns + last);
      }
    }
    return;
  }
  for (int64_t first = 0, row = 0; first < count; first += g.inner, row = (row + 1) % g.rows) {
    run(row, first, first + g.inner);
  }
}

std::vector<float> group_scales(const Tensor& tensor) {
  std::vector<float> scales = to_f32(*tensor.part(Part::kScales));
  const int64_t super_group = tensor.scheme()->super_group;
  if (super_group == 0) return scales;
  const std::vector<float> super = to_f32(*tensor.part(Part::kSuperScales));
  for (size_t i = 0; i < scales.size(); ++i)
    scales[i] *= super[i / static_cast<size_t>(super_group)];
  return scales;
}

std::vector<int32_t> group_zero_points(const Tensor& tensor) {
  if (tensor.scheme()->symmetric) return {};
  return widened<int32_t>(*tensor.part(Part::kZeroPoints));
}

// Codes through the codebook; the table is from a file, so every code is checked against it.
std::vector<float> looked_up(std::span<const int32_t> codes, const Tensor& tensor) {
  const std::vector<float> table = to_f32(*tensor.part(Part::kCodebook));
  std::vector<float> out(codes.size());
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto code = static_cast<size_t>(codes[i]);
    if (code >= table.size()) {
      throw Error("tensor", "code " + std::to_string(code) + " is outside a codebook of " +
                                std::to_string(table.size()) + " entries");
    }
    out[i] = table[code];
  }
  return out;
}

std::vector<float> dequantized(const Tensor& tensor) {
  const GroupGeometry g = groups_of(tensor.dims(), *tensor.scheme());
  const std::vector<float> scales = group_scales(tensor);
  const std::vector<int32_t> zero_points = group_zero_points(tensor);
  const std::vector<int32_t> codes = to_codes(tensor);
  std::vector<float> out(codes.size());
  for_each_run(tensor.count(), g, [&](int64_t group, int64_t first, int64_t last) {
    const float scale = scales[static_cast<size_t>(group)];
    // The difference is exact in i64 for any zero point a file may hold.
    const int64_t zero = zero_points.empty() ? 0 : zero_points[static_cast<size_t>(group)];
    for (int64_t i = first; i < last; ++i) {
      const auto at = static_cast<size_t>(i);
      out[at] = scale * static_cast<float>(codes[at] - zero);
    }
  });
  return out;
}

std::vector<float> from_codebook(const Tensor& tensor) {
  const std::vector<float> stored = looked_up(widened<int32_t>(*tensor.part(Part::kCodes)), tensor);
  std::vector<float> out = stored;
  if (tensor.is_sparse()) {
    out.assign(static_cast<size_t>(tensor.count()), 0.0F);
    scatter<float>(stored, checked_mask(tensor), out);
  }
  const std::vector<float> scales = group_scales(tensor);
  for_each_run(tensor.count(), groups_of(tensor.dims(), *tensor.scheme()),
               [&](int64_t group, int64_t first, int64_t last) {
                 const float scale = scales[static_cast<size_t>(group)];
                 for (int64_t i = first; i < last; ++i) out[static_cast<size_t>(i)] *= scale;
               });
  return out;
}

}  // namespace

std::vector<float> to_f32(const Tensor& tensor) {
  if (tensor.is_plain()) return widened<float>(tensor);
  if (tensor.is_quantized()) {
    return tensor.scheme()->codebook ? from_codebook(tensor) : dequantized(tensor);
  }
  std::vector<float> out(static_cast<size_t>(tensor.count()));
  scatter<float>(widened<float>(*tensor.part(Part::kCodes)), checked_mask(tensor), out);
  return out;
}

std::vector<int64_t> to_i64(const Tensor& tensor, std::string_view subject) {
  if (!tensor.is_plain() || info(tensor.dtype()).is_float) {
    throw Error(subject, "integers are expected, found " + std::string(name_of(tensor.dtype())));
  }
  return widened<int64_t>(tensor);
}

std::vector<int32_t> to_codes(const Tensor& tensor) {
  if (tensor.is_plain()) {
    require(!info(tensor.dtype()).is_float, "codes are asked of a quantized or integer tensor");
    return widened<int32_t>(tensor);
  }
  require(tensor.is_quantized(), "codes are asked of a quantized or integer tensor");
  std::vector<int32_t> stored = widened<int32_t>(*tensor.part(Part::kCodes));
  if (!tensor.is_sparse()) return stored;
  std::vector<int32_t> out(static_cast<size_t>(tensor.count()));
  const std::vector<int32_t> zero_points = group_zero_points(tensor);
  if (!zero_points.empty()) {
    for_each_run(tensor.count(), groups_of(tensor.dims(), *tensor.scheme()),
                 [&](int64_t group, int64_t first, int64_t last) {
                   std::fill(out.begin() + first, out.begin() + last,
                             zero_points[static_cast<size_t>(group)]);
                 });
  }
  scatter<int32_t>(stored, checked_mask(tensor), out);
  return out;
}

Bytes pack_nibbles(std::span<const int32_t> codes) {
  Bytes out(codes.size() / 2 + codes.size() % 2);
  for (size_t i = 0; i < codes.size(); ++i) {
    const auto nibble = static_cast<unsigned>(codes[i]) & 15U;
    out[i / 2] |= static_cast<std::byte>(i % 2 == 0 ? nibble : nibble << 4);
  }
  return out;
}

std::vector<int32_t> unpack_nibbles(std::span<const std::byte> packed, int64_t count,
                                    bool is_signed) {
  require(static_cast<int64_t>(packed.size()) >= count / 2 + count % 2, "nibbles are all there");
  std::vector<int32_t> out(static_cast<size_t>(count));
  unpack_nibbles_to(packed, std::span(out), is_signed);
  return out;
}

}  // namespace pare::ir
