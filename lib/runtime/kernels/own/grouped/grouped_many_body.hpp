// SPDX-License-Identifier: Apache-2.0
// Grouped products of many rows, a part of grouped_body.hpp. A piece of a panel is decoded into a
// few KB that stay in first-level cache while all tiles of x pass; meanwhile the next piece is
// asked for.
#pragma once

#include <algorithm>
#include <utility>

#include "lib/runtime/kernels/own/grouped/grouped_tile_body.hpp"

namespace {

using pare::runtime::own::kMostCallRows;

constexpr int64_t kPieceBlocks = 8;  // at most

// The piece's codes as the tiles want them.
template <class Codes>
void decode(const GroupedShape& shape, const uint8_t* panel_codes, Piece& piece, uint8_t* to) {
  if constexpr (!Codes::kOneSum && kWords == 1) {
    piece.codes = panel_codes;
    piece.code_bytes = shape.group_bytes;
    return;
  }
  piece.codes = to;
  piece.code_bytes = piece.blocks * 2 * shape.steps * kQuadBytes;
  for (int64_t group = 0; group < piece.groups; ++group) {
    const uint8_t* from = panel_codes + group * shape.group_bytes;
    for (int64_t s = 0; s < piece.blocks * shape.steps; ++s) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) {
        Ints quads[2][kWords];
        Codes::load(from + 64 * v, quads[0], quads[1]);
#pragma GCC unroll 4
        for (int w = 0; w < 2 * kWords; ++w) {
          quads[w / kWords][w % kWords].store(to + w * kPanelRows * 4 + 64 * v);
        }
      }
      from += Codes::kStepBytes;
      to += 2 * kQuadBytes;
    }
  }
}

using TileProduct = void (*)(const GroupedShape&, const Piece&, const int32_t*, float*, float*);

template <class Codes, size_t... Rows>
constexpr auto tile_products(std::index_sequence<Rows...>) {
  return std::array<TileProduct, sizeof...(Rows)>{
      tile_product<Codes, static_cast<int>(Rows) + 1>...};
}

template <class Codes>
void many_rows(const GroupedShape& shape, const uint8_t* panel, const int32_t* x, int64_t rows,
               float* y) {
  static constexpr auto kTiles = tile_products<Codes>(std::make_index_sequence<kManyRows>());
  alignas(64) uint8_t decoded[kPieceBlocks * kMostBlockCodes / 4 * kQuadBytes];
  alignas(64) float sums[kMostCallRows * kPanelRows];
  std::fill_n(y, rows * kPanelRows, 0.0F);
  const int64_t most_groups = std::max<int64_t>(1, kPieceBlocks / shape.blocks);
  const int64_t tiles = (rows + kManyRows - 1) / kManyRows;
  Piece piece;
  for (int64_t group = 0; group < shape.groups; group += piece.groups) {
    const uint8_t* from = panel + group * shape.group_bytes;
    piece.groups = std::min(most_groups, shape.groups - group);
    piece.numbers = from;
    for (int64_t block = 0; block < shape.blocks; block += piece.blocks) {
      piece.blocks = std::min(kPieceBlocks, shape.blocks - block);
      piece.begins = block == 0;
      piece.ends = block + piece.blocks == shape.blocks;
      const uint8_t* codes = from + shape.number_bytes + block * shape.steps * Codes::kStepBytes;
      decode<Codes>(shape, codes, piece, decoded);
      const int64_t bytes = piece.groups > 1 ? piece.groups * shape.group_bytes
                                             : piece.blocks * shape.steps * Codes::kStepBytes;
      piece.ahead = codes + bytes;
      const int64_t visits = tiles * piece.groups * piece.blocks;
      piece.ahead_lines = (bytes + 64 * visits - 1) / (64 * visits);
      for (int64_t m = 0; m < rows; m += kManyRows) {
        const int64_t tile = std::min<int64_t>(kManyRows, rows - m);
        const int32_t* at =
            x + m * shape.x_words + (group * shape.blocks + block) * shape.block_words * tile;
        kTiles[static_cast<size_t>(tile - 1)](shape, piece, at, sums + m * kPanelRows,
                                              y + m * kPanelRows);
        piece.ahead += 64 * piece.ahead_lines * piece.groups * piece.blocks;
      }
    }
  }
}

}  // namespace
