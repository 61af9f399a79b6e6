// SPDX-License-Identifier: Apache-2.0
// The loops of LinearBlock over the Vec that the including file chose. Everything is in an unnamed
// namespace, so each ISA has its own copy. Sums of one output are added in the order of the steps,
// however pixels and channels are cut into tiles.
#pragma once

#include "lib/runtime/kernels/own/dense/arithmetic_body.hpp"

namespace {

using pare::runtime::own::LinearBlock;

// P pixels times V vectors of channels, all sums in registers (every loop over them is unrolled, or
// the compiler keeps the arrays in memory). Bytes: from one pixel to the next, 0 when it is not
// known here; known, it spares the address arithmetic. Window: neighbouring units that each pixel
// takes in as many steps; each is loaded once for all pixels that take it, because loads bind the
// loop.
template <class Arithmetic, int Bytes, int Window, int P, int V>
void tile(const LinearBlock& b, const Arithmetic& arithmetic, int64_t pixel, int64_t vector) {
  constexpr int64_t kStepBytes = Vec::kLanes * 4;
  constexpr int64_t kAhead = 1024;  // bytes
  const int64_t stride = Bytes != 0 ? Bytes : b.pixel_bytes;
  const int64_t vector_bytes = b.steps * kStepBytes;
  const char* weights = static_cast<const char*>(b.weights) + vector * vector_bytes;
  const char* input = static_cast<const char*>(b.input) + pixel * stride;
  typename Arithmetic::Sum sums[P][V];
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const auto bias = Arithmetic::start(b, (vector + v) * Vec::kLanes);
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) sums[p][v] = bias;
  }
  for (int64_t s = 0; s < b.steps; s += Window) {
    const char* at = input + b.step_offsets[s / Window];
    typename Arithmetic::Unit w[Window][V];
#pragma GCC unroll 4
    for (int k = 0; k < Window; ++k) {
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) {
        w[k][v] = Arithmetic::weights(weights + v * vector_bytes);
        // Weights of wide products come from the third cache, too late without being asked for.
        if constexpr (Window == 1 && Bytes == 4)
          __builtin_prefetch(weights + v * vector_bytes + kAhead);
      }
      weights += kStepBytes;
    }
    constexpr int kApart = Window == 1 ? 1 : Bytes / 4;  // units from one pixel to the next
    const int64_t unit_bytes = Window == 1 ? stride : 4;
#pragma GCC unroll 40
    for (int u = 0; u < (P - 1) * kApart + Window; ++u) {
      const auto unit = Arithmetic::broadcast(at + u * unit_bytes);
#pragma GCC unroll 4
      for (int k = 0; k < Window; ++k) {
        const int p = (u - k) / kApart;
        if (u < k || (u - k) % kApart != 0 || p >= P) continue;
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) {
          sums[p][v] = Arithmetic::multiply_add(sums[p][v], unit, w[k][v]);
        }
      }
    }
  }
#pragma GCC unroll 4
  for (int v = 0; v < V; ++v) {
    const int64_t channel = (vector + v) * Vec::kLanes;
    typename Arithmetic::Sum column[P];
#pragma GCC unroll 16
    for (int p = 0; p < P; ++p) column[p] = sums[p][v];
    arithmetic.template store<P>(b, column, channel, pixel * b.output_stride + channel,
                                 b.output_stride, lanes_at(b.channels, channel));
  }
}

template <class Arithmetic, int Bytes, int Window, int P, int V>
void tile_of(int64_t pixels, const LinearBlock& b, const Arithmetic& arithmetic, int64_t pixel,
             int64_t vector) {
  if (pixels == P) return tile<Arithmetic, Bytes, Window, P, V>(b, arithmetic, pixel, vector);
  if constexpr (P > 1) {
    tile_of<Arithmetic, Bytes, Window, P - 1, V>(pixels, b, arithmetic, pixel, vector);
  }
}

// All pixels of the row for V vectors, in tiles of nearly equal size.
template <class Arithmetic, int Bytes, int Window, int V>
void columns(const LinearBlock& b, const Arithmetic& arithmetic, int64_t vector) {
  constexpr int kMost = Window == 1 ? Vec::kPixels[V] : Vec::kWindowPixels[V];
  const int64_t tiles = (b.pixels + kMost - 1) / kMost;
  // 32 bits: a division of 64 takes longer than some tiles.
  const auto size =
      static_cast<int64_t>(static_cast<uint32_t>(b.pixels) / static_cast<uint32_t>(tiles));
  const int64_t larger = b.pixels - size * tiles;
  int64_t begin = 0;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t pixels = size + (t < larger ? 1 : 0);
    tile_of<Arithmetic, Bytes, Window, kMost, V>(pixels, b, arithmetic, begin, vector);
    begin += pixels;
  }
}

template <class Arithmetic, int Bytes>
void block_of(const LinearBlock& b) {
  const Arithmetic arithmetic(b);
  int64_t vector = 0;
  for (; b.vectors - vector >= 4; vector += 4) {
    columns<Arithmetic, Bytes, 1, 4>(b, arithmetic, vector);
  }
  if (b.vectors - vector == 3) columns<Arithmetic, Bytes, 1, 3>(b, arithmetic, vector);
  if (b.vectors - vector == 2) columns<Arithmetic, Bytes, 1, 2>(b, arithmetic, vector);
  if (b.vectors - vector == 1) columns<Arithmetic, Bytes, 1, 1>(b, arithmetic, vector);
}

template <class Arithmetic, int Bytes>
void window_of(const LinearBlock& b) {
  const Arithmetic arithmetic(b);
  int64_t vector = 0;
  for (; b.vectors - vector >= 2; vector += 2) {
    columns<Arithmetic, Bytes, 3, 2>(b, arithmetic, vector);
  }
  if (b.vectors - vector == 1) columns<Arithmetic, Bytes, 3, 1>(b, arithmetic, vector);
}

// Without windows a stride of one unit is worth knowing, and of one code for codes along a row.
template <class Arithmetic, int Code>
void linear_block(const LinearBlock& b) {
  if (b.window == 3) {
    return b.pixel_bytes == 4 ? window_of<Arithmetic, 4>(b) : window_of<Arithmetic, 8>(b);
  }
  switch (b.pixel_bytes) {
    case 4:
      return block_of<Arithmetic, 4>(b);
    case Code:
      return block_of<Arithmetic, Code>(b);
    default:
      return block_of<Arithmetic, 0>(b);
  }
}

void integer_block(const LinearBlock& b) { linear_block<Integer, 4 / Vec::kCodesPerUnit>(b); }
void real_block(const LinearBlock& b) { linear_block<Real, 0>(b); }

}  // namespace
