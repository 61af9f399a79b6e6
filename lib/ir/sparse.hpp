// SPDX-License-Identifier: Apache-2.0
// Masks of sparse tensors (the kMask part). Byte layouts:
//   kBitmask  bit i%8 of byte i/8 is element i in row-major order
//   kBlock    likewise, one bit for `block` consecutive elements; the last block may be shorter
//   kNOfM     the tensor is seen as [dims[0], rest] ([1, n] when 1-d), each row cut into groups of
//   m
//             (the last may be shorter); one byte a group, bit j is the group's element j, and at
//             most n bits of it are set
// Bits that stand for no element are clear. Stored elements follow one another in row-major order.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/ir/buffer.hpp"
#include "lib/ir/quant_scheme.hpp"
#include "lib/ir/shape.hpp"

namespace pare::ir {

// Throws Error when n, m or block make no sense.
void check_layout(const SparseLayout& layout);
// Size of the mask of a tensor with these dims; 0 when dense.
int64_t mask_bytes(const Dims& dims, const SparseLayout& layout);
// Number of stored elements; throws Error when padding bits are set or a group stores more than n.
int64_t stored_in_mask(std::span<const std::byte> mask, const Dims& dims,
                       const SparseLayout& layout);
// One byte an element: 1 where it is stored.
std::vector<uint8_t> expand_mask(std::span<const std::byte> mask, const Dims& dims,
                                 const SparseLayout& layout);
// The same for elements [first, first + kept.size()) only.
void expand_mask(std::span<const std::byte> mask, const Dims& dims, const SparseLayout& layout,
                 int64_t first, std::span<uint8_t> kept);
// The inverse: `kept` holds one byte an element, non-zero where it is stored.
Bytes pack_mask(std::span<const uint8_t> kept, const Dims& dims, const SparseLayout& layout);

}  // namespace pare::ir
