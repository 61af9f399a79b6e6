// SPDX-License-Identifier: Apache-2.0
// The loops of winograd_block.hpp over the Vec that the including file chose, lanes being channels.
// Everything is in an unnamed namespace, so each ISA has its own copy. A tile's arithmetic does not
// depend on the tiles beside it.
#pragma once

#include "lib/runtime/kernels/own/dense/arithmetic_body.hpp"
#include "lib/runtime/kernels/own/dense/winograd_block.hpp"

namespace {

using pare::runtime::own::WinogradInput;
using pare::runtime::own::WinogradOutput;
using pare::runtime::own::WinogradProducts;

// One column of B^T d: four rows of the tile in, four out. B^T is (1 0 -1 0; 0 1 1 0; 0 -1 1 0;
// 0 1 0 -1).
struct WinogradColumn {
  Vec::F at[4];
};

template <bool Whole>
[[gnu::always_inline]] inline WinogradColumn input_column(const WinogradInput& in, int64_t x,
                                                          int64_t channel, int64_t lanes) {
  Vec::F d[4];
  const bool inside = x >= 0 && x < in.width;
  for (int r = 0; r < 4; ++r) {
    d[r] = Vec::set(0.0F);
    if (!inside) continue;
    const float* from = in.rows[r] + x * in.channels + channel;
    d[r] = Whole ? Vec::load_f32(from) : Vec::load_f32(from, lanes);
  }
  return {{Vec::sub(d[0], d[2]), Vec::add(d[1], d[2]), Vec::sub(d[2], d[1]), Vec::sub(d[1], d[3])}};
}

// Neighbouring tiles share two columns.
template <bool Whole>
void input_channels(const WinogradInput& in, int64_t channel, int64_t lanes) {
  WinogradColumn a = input_column<Whole>(in, in.first_column, channel, lanes);
  WinogradColumn b = input_column<Whole>(in, in.first_column + 1, channel, lanes);
  for (int64_t tile = 0; tile < in.tiles; ++tile) {
    const int64_t x = in.first_column + 2 * tile + 2;
    const WinogradColumn c = input_column<Whole>(in, x, channel, lanes);
    const WinogradColumn d = input_column<Whole>(in, x + 1, channel, lanes);
    float* to = in.output + channel / Vec::kLanes * in.vector_stride + tile * Vec::kLanes;
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) {
      const auto put = [&](int column, Vec::F v) {
        Vec::store_f32(to + (4 * r + column) * in.position_stride, v, Vec::kLanes);
      };
      put(0, Vec::sub(a.at[r], c.at[r]));
      put(1, Vec::add(b.at[r], c.at[r]));
      put(2, Vec::sub(c.at[r], b.at[r]));
      put(3, Vec::sub(b.at[r], d.at[r]));
    }
    a = c;
    b = d;
  }
}

void winograd_input(const WinogradInput& in) {
  for (int64_t channel = 0; channel < in.channels; channel += Vec::kLanes) {
    const int64_t lanes = lanes_at(in.channels, channel);
    if (lanes == Vec::kLanes) {
      input_channels<true>(in, channel, lanes);
    } else {
      input_channels<false>(in, channel, lanes);
    }
  }
}

// P tiles times V vectors, all sums in registers. The weights of a tile start where the last ones
// end; `ahead` elements further are those of the next position, which are asked for meanwhile.
template <int P, int V>
void products_tile(const WinogradProducts& b, const float* input, const float* weights,
                   int64_t ahead, float* output) {
  Vec::F sums[P][V];
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) sums[p][v] = Vec::set(0.0F);
  }
  for (int64_t channel = 0; channel < b.channels; channel += Vec::kLanes) {
    const int64_t lanes = lanes_at(b.channels, channel);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      Vec::F w[V];
#pragma GCC unroll 2
      for (int v = 0; v < V; ++v) {
        w[v] = Vec::load_f32(weights + v * Vec::kLanes);
        __builtin_prefetch(weights + v * Vec::kLanes + ahead);
      }
      weights += V * Vec::kLanes;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const Vec::F x = Vec::broadcast_f32(input + p * Vec::kLanes + lane);
#pragma GCC unroll 2
        for (int v = 0; v < V; ++v) sums[p][v] = Vec::multiply_add(x, w[v], sums[p][v]);
      }
    }
    input += b.vector_stride;
  }
#pragma GCC unroll 16
  for (int p = 0; p < P; ++p) {
#pragma GCC unroll 2
    for (int v = 0; v < V; ++v) {
      Vec::store_f32(output + (p * V + v) * Vec::kLanes, sums[p][v], Vec::kLanes);
    }
  }
}

template <int P, int V>
void products_of(int64_t tiles, const WinogradProducts& b, const float* input, const float* weights,
                 int64_t ahead, float* output) {
  if (tiles == P) return products_tile<P, V>(b, input, weights, ahead, output);
  if constexpr (P > 1) products_of<P - 1, V>(tiles, b, input, weights, ahead, output);
}

// Tiles in groups of nearly equal size.
template <int V>
void products(const WinogradProducts& b) {
  constexpr int kMost = Vec::kPixels[V];
  const int64_t groups = (b.tiles + kMost - 1) / kMost;
  const int64_t size = b.tiles / groups;
  const int64_t larger = b.tiles - size * groups;
  const int64_t position_weights = b.channels * V * Vec::kLanes;
  for (int64_t position = 0; position < pare::runtime::own::kWinogradPositions; ++position) {
    const float* input = b.input + position * b.input_stride;
    float* output = b.output + position * b.output_stride;
    for (int64_t group = 0; group < groups; ++group) {
      const int64_t tiles = size + (group < larger ? 1 : 0);
      products_of<kMost, V>(tiles, b, input, b.weights + position * position_weights,
                            group == 0 ? position_weights : 0, output);
      input += tiles * Vec::kLanes;
      output += tiles * V * Vec::kLanes;
    }
  }
}

void winograd_products(const WinogradProducts& b) {
  b.vectors == 2 ? products<2>(b) : products<1>(b);
}

// A^T m A for one tile, A^T being (1 1 1 0; 0 1 -1 -1).
[[gnu::always_inline]] inline void output_tile(const float* m, int64_t stride, Vec::F (&y)[2][2]) {
  Vec::F sums[2][4];
#pragma GCC unroll 4
  for (int c = 0; c < 4; ++c) {
    Vec::F v[4];
#pragma GCC unroll 4
    for (int r = 0; r < 4; ++r) v[r] = Vec::load_f32(m + (4 * r + c) * stride);
    sums[0][c] = Vec::add(Vec::add(v[0], v[1]), v[2]);
    sums[1][c] = Vec::sub(Vec::sub(v[1], v[2]), v[3]);
  }
#pragma GCC unroll 2
  for (int r = 0; r < 2; ++r) {
    y[r][0] = Vec::add(Vec::add(sums[r][0], sums[r][1]), sums[r][2]);
    y[r][1] = Vec::sub(Vec::sub(sums[r][1], sums[r][2]), sums[r][3]);
  }
}

void output_channels(const WinogradOutput& out, int64_t channel, int64_t lanes) {
  const Vec::F bias = Vec::load_f32(out.bias + channel);
  const Vec::F low = Vec::set(out.low), high = Vec::set(out.high);
  for (int64_t tile = 0; tile < out.tiles; ++tile) {
    Vec::F y[2][2];
    output_tile(out.products + tile * out.tile_stride + channel, out.position_stride, y);
    const int64_t columns = out.width - 2 * tile < 2 ? 1 : 2;
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
      const int r = i / 2, c = i % 2;
      if (r >= out.rows || c >= columns) continue;
      const int64_t at = r * out.row_stride + (2 * tile + c) * out.pixel_stride + channel;
      Vec::F v = Vec::add(y[r][c], bias);
      if (out.residual != nullptr) v = Vec::add(v, Vec::load_f32(out.residual + at, lanes));
      Vec::store_f32(out.output + at, Vec::min(high, Vec::max(low, v)), lanes);
    }
  }
}

void winograd_output(const WinogradOutput& out) {
  for (int64_t channel = 0; channel < out.channels; channel += Vec::kLanes) {
    const int64_t lanes = lanes_at(out.channels, channel);
    if (lanes == Vec::kLanes) {
      output_channels(out, channel, Vec::kLanes);
    } else {
      output_channels(out, channel, lanes);
    }
  }
}

}  // namespace
