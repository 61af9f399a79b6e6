// SPDX-License-Identifier: Apache-2.0
// An immutable tensor value. A plain tensor is dtype + dims + row-major bytes. A composite tensor
// is logically f32 but stored as parts, each a plain tensor:
// - kCodes: codes (scheme.code), or plain values when only sparse; dims, or [stored] when sparse
// - kMask: u8, which elements are stored; byte layouts in sparse.hpp
// - kScales: one a group, in group order
// - kZeroPoints: one a group, i32; absent when symmetric
// - kSuperScales: one for super_group consecutive groups, the last may be short
// - kCodebook: f32 table
// Elements that a sparse layout leaves out are exactly 0.
// Copying shares the bytes; nothing here mutates.
#pragma once

#include <array>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/ir/buffer.hpp"
#include "lib/ir/quant_scheme.hpp"
#include "lib/ir/shape.hpp"

namespace pare::ir {

enum class Part : uint8_t { kCodes, kMask, kScales, kZeroPoints, kSuperScales, kCodebook };
inline constexpr int kPartCount = 6;
std::string_view name_of(Part part);

// The one owner of "how many bytes": ceil(product(dims) * bits / 8); throws Error(subject) on
// overflow.
int64_t byte_size(DType dtype, std::span<const int64_t> dims, std::string_view subject = "tensor");

class Tensor {
 public:
  Tensor() = default;  // empty f32 [0]
  // Plain. Throws Error when the buffer's size is not byte_size(dtype, dims).
  Tensor(DType dtype, Dims dims, Buffer buffer);
  static Tensor f32(Dims dims, std::span<const float> values);
  static Tensor i64(Dims dims, std::span<const int64_t> values);
  template <class T>
  static Tensor of(DType dtype, Dims dims, std::span<const T> values) {
    const auto raw = std::as_bytes(values);
    return Tensor(dtype, std::move(dims), Buffer::heap(Bytes(raw.begin(), raw.end())));
  }
  // Composite, logically f32. `parts` are (Part, plain tensor). Checks every part's dtype and size
  // against scheme and layout; throws Error.
  struct Parts {
    std::array<std::shared_ptr<const Tensor>, kPartCount> at{};
    Parts& set(Part part, Tensor tensor);
  };
  static Tensor composite(Dims dims, std::optional<QuantScheme> scheme, SparseLayout layout,
                          Parts parts);

  DType dtype() const { return dtype_; }  // logical
  const Dims& dims() const { return dims_; }
  int64_t count() const { return count_; }
  bool is_plain() const { return !composite_; }
  bool is_quantized() const;
  bool is_sparse() const;
  // Null when not quantized / not there.
  const QuantScheme* scheme() const;
  SparseLayout layout() const;
  const Tensor* part(Part part) const;

  // Plain tensors only.
  const Buffer& buffer() const { return buffer_; }
  BufferView view() const { return buffer_.view(); }

  // Bytes as stored, all parts.
  int64_t stored_bytes() const;
  // Elements actually stored (count() when dense).
  int64_t stored_elements() const;

 private:
  struct Composite;
  DType dtype_ = DType::kF32;
  Dims dims_{0};
  int64_t count_ = 0;
  Buffer buffer_;
  std::shared_ptr<const Composite> composite_;
};

// The element values, decoded: plain floats converted, codes dequantized, missing elements 0.
// Integer plain tensors are converted too. Length count().
std::vector<float> to_f32(const Tensor& tensor);
// Integer values of a plain integer tensor (shapes, axes); throws Error(subject) otherwise.
std::vector<int64_t> to_i64(const Tensor& tensor, std::string_view subject = "tensor");
// Integer codes, unpacked to i32 and with missing elements as the group's zero point. Quantized
// tensors (or plain integer ones) only. Length count().
std::vector<int32_t> to_codes(const Tensor& tensor);
// Per-element group index is: row(i) * groups_per_row + column(i) / group_size, where the tensor is
// seen as [rows, columns]; see groups_of.
struct GroupGeometry {
  int64_t rows = 1;            // dims[axis], or 1 when per-tensor
  int64_t columns = 0;         // count / rows
  int64_t group_size = 0;      // columns when not grouped
  int64_t groups_per_row = 1;  // ceil(columns / group_size)
  int64_t stride_outer = 0;    // element i's row is (i / inner) % rows
  int64_t inner = 1;           // product of dims after axis
};
// Where each element's scale is. For group_size > 0 axis must be 0 (weights are [out, in...]).
GroupGeometry groups_of(const Dims& dims, const QuantScheme& scheme);

// f16/bf16 <-> f32, round to nearest even.
float f16_to_f32(uint16_t bits);
uint16_t f32_to_f16(float value);
float bf16_to_f32(uint16_t bits);
uint16_t f32_to_bf16(float value);
// Packs 4-bit codes (values already in range) two a byte, even index low; and back.
Bytes pack_nibbles(std::span<const int32_t> codes);
std::vector<int32_t> unpack_nibbles(std::span<const std::byte> packed, int64_t count,
                                    bool is_signed);

}  // namespace pare::ir
