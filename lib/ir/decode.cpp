// SPDX-License-Identifier: Apache-2.0
// From stored bytes to all values or codes at once: widen the stored part, spread it over the
// elements its mask keeps.
#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/ir/element_reader.hpp"
#include "lib/ir/sparse.hpp"
#include "lib/ir/tensor.hpp"
#include "lib/ir/widen.hpp"

namespace pare::ir {

namespace {

template <class To>
std::vector<To> widened(const Tensor& tensor) {
  std::vector<To> out(static_cast<size_t>(tensor.count()));
  const BufferView view = tensor.view();
  widen(tensor.dtype(), view.bytes(), 0, std::span(out));
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

std::vector<int32_t> group_zero_points(const Tensor& tensor) {
  if (tensor.scheme()->symmetric) return {};
  return widened<int32_t>(*tensor.part(Part::kZeroPoints));
}

}  // namespace

std::vector<float> to_f32(const Tensor& tensor) {
  std::vector<float> out(static_cast<size_t>(tensor.count()));
  ElementReader(tensor).read(0, out);
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
  widen(is_signed ? DType::kI4 : DType::kU4, packed, 0, std::span(out));
  return out;
}

}  // namespace pare::ir
