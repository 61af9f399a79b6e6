// SPDX-License-Identifier: Apache-2.0
// One function a mask form to count, to expand and to pack; masks from files are counted before
// use.
#include "lib/ir/sparse.hpp"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lib/core/checked.hpp"
#include "lib/core/cpu_clones.hpp"
#include "lib/core/error.hpp"

namespace pare::ir {

namespace {

int64_t ceil_div(int64_t a, int64_t b) { return a / b + (a % b != 0 ? 1 : 0); }

bool bit(std::span<const std::byte> bytes, int64_t i) {
  return (std::to_integer<unsigned>(bytes[static_cast<size_t>(i / 8)]) >> (i % 8) & 1U) != 0;
}

struct RowGroups {
  int64_t rows = 1, columns = 0, per_row = 0;
};

RowGroups row_groups(const Dims& dims, int m) {
  const int64_t count = element_count(dims);
  const int64_t rows = dims.size() > 1 ? dims[0] : 1;
  const int64_t columns = rows > 0 ? count / rows : 0;
  return {rows, columns, ceil_div(columns, m)};
}

void expand_bits(std::span<const std::byte> mask, int64_t block, int64_t first,
                 std::span<uint8_t> kept) {
  for (size_t i = 0; i < kept.size(); ++i) {
    kept[i] = bit(mask, (first + static_cast<int64_t>(i)) / block);
  }
}

// Eight elements a byte; `first` need not be a multiple of eight.
void expand_bytes(std::span<const std::byte> mask, int64_t first, std::span<uint8_t> kept) {
  size_t i = 0;
  for (; i < kept.size() && (first + static_cast<int64_t>(i)) % 8 != 0; ++i) {
    kept[i] = bit(mask, first + static_cast<int64_t>(i));
  }
  const std::byte* at = mask.data() + (first + static_cast<int64_t>(i)) / 8;
  for (; i + 8 <= kept.size(); i += 8, ++at) {
    const auto byte = std::to_integer<unsigned>(*at);
    for (size_t j = 0; j < 8; ++j) kept[i + j] = byte >> j & 1U;
  }
  for (; i < kept.size(); ++i) kept[i] = bit(mask, first + static_cast<int64_t>(i));
}

void expand_groups(std::span<const std::byte> mask, const Dims& dims, int m, int64_t first,
                   std::span<uint8_t> kept) {
  if (kept.empty()) return;
  const RowGroups g = row_groups(dims, m);
  int64_t row = first / g.columns, column = first % g.columns;
  for (uint8_t& flag : kept) {
    const auto byte =
        std::to_integer<unsigned>(mask[static_cast<size_t>(row * g.per_row + column / m)]);
    flag = byte >> (column % m) & 1U;
    if (++column == g.columns) column = 0, ++row;
  }
}

PARE_CPU_CLONES
int64_t popcount(std::span<const std::byte> bytes) {
  int64_t set = 0;
  size_t i = 0;
  for (; i + sizeof(uint64_t) <= bytes.size(); i += sizeof(uint64_t)) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + i, sizeof word);
    set += std::popcount(word);
  }
  for (; i < bytes.size(); ++i) set += std::popcount(std::to_integer<unsigned>(bytes[i]));
  return set;
}

// Bits past the last element must be clear, so that equal tensors have equal bytes.
int64_t count_bits(std::span<const std::byte> mask, int64_t bits) {
  const int64_t padding = ceil_div(bits, 8) * 8 - bits;
  for (int64_t i = 0; i < padding; ++i) {
    if (bit(mask, bits + i)) throw Error("sparse mask", "bits past the last element are set");
  }
  return popcount(mask);
}

int64_t count_blocks(std::span<const std::byte> mask, int64_t count, int64_t block) {
  const int64_t blocks = ceil_div(count, block);
  const int64_t set = count_bits(mask, blocks);
  const int64_t missing = blocks * block - count;  // of the tail block
  return set * block - (blocks > 0 && bit(mask, blocks - 1) ? missing : 0);
}

PARE_CPU_CLONES
int64_t count_groups(std::span<const std::byte> mask, const Dims& dims,
                     const SparseLayout& layout) {
  const RowGroups g = row_groups(dims, layout.m);
  const int64_t tail = g.columns - (g.per_row - 1) * layout.m;
  int64_t set = 0, left_in_row = g.per_row;
  for (const std::byte group : mask) {
    const auto byte = std::to_integer<unsigned>(group);
    const bool last = --left_in_row == 0;
    if (last) left_in_row = g.per_row;
    if (byte >> (last ? tail : layout.m) != 0)
      throw Error("sparse mask", "bits past the group's last element are set");
    if (std::popcount(byte) > layout.n) {
      throw Error("sparse mask", "a group stores more than " + std::to_string(layout.n) + " of " +
                                     std::to_string(layout.m) + " elements");
    }
    set += std::popcount(byte);
  }
  return set;
}

}  // namespace

void check_layout(const SparseLayout& layout) {
  const bool groups = layout.kind == SparseKind::kNOfM;
  if (groups && (layout.m < 2 || layout.m > 8 || layout.n < 1 || layout.n >= layout.m)) {
    throw Error("sparse layout", "n of m needs 1 <= n < m <= 8, found " + std::to_string(layout.n) +
                                     " of " + std::to_string(layout.m));
  }
  if (layout.kind == SparseKind::kBlock && (layout.block < 1 || layout.block > 4096)) {
    throw Error("sparse layout",
                "block size must be in [1, 4096], found " + std::to_string(layout.block));
  }
}

int64_t mask_bytes(const Dims& dims, const SparseLayout& layout) {
  const int64_t count = element_count(dims);
  switch (layout.kind) {
    case SparseKind::kDense:
      return 0;
    case SparseKind::kBitmask:
      return ceil_div(count, 8);
    case SparseKind::kBlock:
      return ceil_div(ceil_div(count, layout.block), 8);
    case SparseKind::kNOfM: {
      const RowGroups g = row_groups(dims, layout.m);
      return g.rows * g.per_row;
    }
  }
  throw Bug("sparse kind");
}

int64_t stored_in_mask(std::span<const std::byte> mask, const Dims& dims,
                       const SparseLayout& layout) {
  require(static_cast<int64_t>(mask.size()) == mask_bytes(dims, layout), "mask has its size");
  const int64_t count = element_count(dims);
  switch (layout.kind) {
    case SparseKind::kDense:
      return count;
    case SparseKind::kBitmask:
      return count_bits(mask, count);
    case SparseKind::kBlock:
      return count_blocks(mask, count, layout.block);
    case SparseKind::kNOfM:
      return count_groups(mask, dims, layout);
  }
  throw Bug("sparse kind");
}

void expand_mask(std::span<const std::byte> mask, const Dims& dims, const SparseLayout& layout,
                 int64_t first, std::span<uint8_t> kept) {
  require(static_cast<int64_t>(mask.size()) == mask_bytes(dims, layout), "mask has its size");
  require(first >= 0 && first + static_cast<int64_t>(kept.size()) <= element_count(dims),
          "elements that are asked for exist");
  switch (layout.kind) {
    case SparseKind::kDense:
      std::ranges::fill(kept, uint8_t{1});
      return;
    case SparseKind::kBitmask:
      return expand_bytes(mask, first, kept);
    case SparseKind::kBlock:
      return expand_bits(mask, layout.block, first, kept);
    case SparseKind::kNOfM:
      return expand_groups(mask, dims, layout.m, first, kept);
  }
  throw Bug("sparse kind");
}

std::vector<uint8_t> expand_mask(std::span<const std::byte> mask, const Dims& dims,
                                 const SparseLayout& layout) {
  std::vector<uint8_t> kept(static_cast<size_t>(element_count(dims)));
  expand_mask(mask, dims, layout, 0, kept);
  return kept;
}

Bytes pack_mask(std::span<const uint8_t> kept, const Dims& dims, const SparseLayout& layout) {
  check_layout(layout);
  require(static_cast<int64_t>(kept.size()) == element_count(dims), "one flag an element");
  Bytes mask(static_cast<size_t>(mask_bytes(dims, layout)));
  const auto set = [&](int64_t byte, int64_t b) {
    mask[static_cast<size_t>(byte)] |= static_cast<std::byte>(1U << b);
  };
  const RowGroups g = layout.kind == SparseKind::kNOfM ? row_groups(dims, layout.m) : RowGroups{};
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    const auto at = static_cast<int64_t>(i);
    if (layout.kind == SparseKind::kBitmask) set(at / 8, at % 8);
    if (layout.kind == SparseKind::kBlock) set(at / layout.block / 8, at / layout.block % 8);
    if (layout.kind == SparseKind::kNOfM) {
      const int64_t column = at % g.columns;
      set(at / g.columns * g.per_row + column / layout.m, column % layout.m);
    }
  }
  return mask;
}

}  // namespace pare::ir
