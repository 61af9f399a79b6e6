// SPDX-License-Identifier: Apache-2.0
// The loops of integer_block.hpp over the Vec that the including file chose. Everything is in an
// unnamed namespace, so each ISA has its own copy.
#pragma once

#include "lib/runtime/kernels/own/integer_block.hpp"

namespace {

using pare::runtime::own::DepthwiseBlock;
using pare::runtime::own::IntegerBlock;

// What requantization needs, broadcast once a block.
struct Epilogue {
  Vec::F low, high, zero, top, bottom, residual_multiplier, residual_zero;

  template <class Block>
  explicit Epilogue(const Block& b)
      : low(Vec::set(b.low)),
        high(Vec::set(b.high)),
        zero(Vec::set(b.zero)),
        top(Vec::set(255.0F)),
        bottom(Vec::set(0.0F)),
        residual_multiplier(Vec::set(b.residual_multiplier)),
        residual_zero(Vec::set(b.residual_zero)) {}

  // Rounding every step as docs/integer-arithmetic.md says. `at`: index of the first lane's
  // element.
  template <class Block>
  void store(const Block& b, Vec::I acc, Vec::F multiplier, int64_t at, int64_t lanes) const {
    Vec::F v = Vec::mul(Vec::to_f32(acc), multiplier);
    if (b.residual != nullptr) {
      const Vec::F r = Vec::sub(Vec::load_u8(b.residual + at, lanes), residual_zero);
      v = Vec::add(v, Vec::mul(residual_multiplier, r));
    }
    v = Vec::min(high, Vec::max(low, v));
    if (b.to_float) {
      Vec::store_f32(static_cast<float*>(b.output) + at, v, lanes);
    } else {
      v = Vec::min(top, Vec::max(bottom, Vec::add(v, zero)));
      Vec::store_u8(static_cast<uint8_t*>(b.output) + at, v, lanes);
    }
  }
};

int64_t lanes_at(int64_t channels, int64_t first) {
  return channels - first < Vec::kLanes ? channels - first : Vec::kLanes;
}

// P pixels times V vectors of channels, all accumulators in registers.
template <int P, int V>
void tile(const IntegerBlock& b, const Epilogue& epilogue, int64_t pixel, int64_t vector) {
  constexpr int64_t kStepBytes = Vec::kLanes * 4;
  const int64_t vector_bytes = b.run_count * b.run_steps * kStepBytes;
  const char* weights = static_cast<const char*>(b.weights) + vector * vector_bytes;
  const auto* input = static_cast<const Vec::Code*>(b.input) + pixel * b.pixel_stride;
  Vec::I acc[P][V];
  for (int v = 0; v < V; ++v) {
    const Vec::I bias = Vec::load_i32(b.bias + (vector + v) * Vec::kLanes);
    for (int p = 0; p < P; ++p) acc[p][v] = bias;
  }
  const int64_t stride = b.pixel_stride;
  for (int64_t run = 0; run < b.run_count; ++run) {
    const Vec::Code* at = input + b.run_offsets[run];
    for (int64_t s = 0; s < b.run_steps; ++s) {
      Vec::I w[V];
      for (int v = 0; v < V; ++v) w[v] = Vec::load_weights(weights + v * vector_bytes);
      weights += kStepBytes;
#pragma GCC unroll 16
      for (int p = 0; p < P; ++p) {
        const Vec::I codes = Vec::broadcast_step(at + p * stride);
#pragma GCC unroll 4
        for (int v = 0; v < V; ++v) acc[p][v] = Vec::dot(acc[p][v], codes, w[v]);
      }
      at += Vec::kCodesPerStep;
    }
  }
  for (int v = 0; v < V; ++v) {
    const int64_t channel = (vector + v) * Vec::kLanes;
    const Vec::F multiplier = Vec::load_f32(b.multiplier + channel);
    const int64_t lanes = lanes_at(b.channels, channel);
    for (int p = 0; p < P; ++p) {
      epilogue.store(b, acc[p][v], multiplier, (pixel + p) * b.output_stride + channel, lanes);
    }
  }
}

template <int P, int V>
void tile_of(int64_t pixels, const IntegerBlock& b, const Epilogue& epilogue, int64_t pixel,
             int64_t vector) {
  if (pixels == P) return tile<P, V>(b, epilogue, pixel, vector);
  if constexpr (P > 1) tile_of<P - 1, V>(pixels, b, epilogue, pixel, vector);
}

// All pixels of the row for V vectors, in tiles of nearly equal size.
template <int V>
void columns(const IntegerBlock& b, const Epilogue& epilogue, int64_t vector) {
  constexpr int64_t kMost = Vec::kMaxPixels[V];
  const int64_t tiles = (b.pixels + kMost - 1) / kMost;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t begin = b.pixels * t / tiles;
    const int64_t end = b.pixels * (t + 1) / tiles;
    tile_of<static_cast<int>(kMost), V>(end - begin, b, epilogue, begin, vector);
  }
}

void integer_block(const IntegerBlock& b) {
  const Epilogue epilogue(b);
  int64_t vector = 0;
  for (; b.vectors - vector >= 4; vector += 4) columns<4>(b, epilogue, vector);
  if (b.vectors - vector == 3) columns<3>(b, epilogue, vector);
  if (b.vectors - vector == 2) columns<2>(b, epilogue, vector);
  if (b.vectors - vector == 1) columns<1>(b, epilogue, vector);
}

void depthwise_block(const DepthwiseBlock& b) {
  const Epilogue epilogue(b);
  const int64_t padded = (b.channels + Vec::kLanes - 1) / Vec::kLanes * Vec::kLanes;
  for (int64_t c = 0; c < b.channels; c += Vec::kLanes) {
    const Vec::F multiplier = Vec::load_f32(b.multiplier + c);
    const Vec::I bias = Vec::load_i32(b.bias + c);
    for (int64_t pixel = 0; pixel < b.pixels; ++pixel) {
      const int16_t* input = b.input + pixel * b.pixel_stride + c;
      Vec::I acc = bias;
      for (int64_t t = 0; t < b.taps; ++t) {
        acc = Vec::multiply_add_i16(acc, input + b.tap_offsets[t], b.weights + t * padded + c);
      }
      epilogue.store(b, acc, multiplier, pixel * b.channels + c, lanes_at(b.channels, c));
    }
  }
}

}  // namespace
