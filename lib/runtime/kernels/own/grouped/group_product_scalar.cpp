// SPDX-License-Identifier: Apache-2.0
// Products of w4a8 compiled for any architecture.
#include "lib/runtime/kernels/own/vec_scalar.hpp"

namespace {

// A word's codes as bytes, each code + 8.
struct Nibbles {
  static constexpr int kRows[3] = {0, 2, 2};  // rows at a time with 1 or 2 vectors
  static Vec::I low(Vec::I word) {
    for (int32_t& lane : word.at) lane &= 0x0f0f0f0f;
    return word;
  }
  static Vec::I high(Vec::I word) {
    for (int32_t& lane : word.at) lane = lane >> 4 & 0x0f0f0f0f;
    return word;
  }
  static Vec::I ones() { return {{0x01010101, 0x01010101, 0x01010101, 0x01010101}}; }
  static Vec::I sub(Vec::I a, Vec::I b) {
    for (int l = 0; l < 4; ++l) a.at[l] -= b.at[l];
    return a;
  }
  static Vec::I multiply(Vec::I a, int32_t b) {
    for (int32_t& lane : a.at) lane *= b;
    return a;
  }
  static int32_t products(int32_t codes, int32_t weights) {
    int32_t sum = 0;
    for (int shift = 0; shift < 32; shift += 8) {
      sum += (codes >> shift & 255) * (weights >> shift & 255);
    }
    return sum;
  }
  static Vec::I dot(Vec::I sum, Vec::I a, Vec::I low, Vec::I b, Vec::I high) {
    for (int l = 0; l < 4; ++l) {
      sum.at[l] += products(a.at[l], low.at[l]) + products(b.at[l], high.at[l]);
    }
    return sum;
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/group_product_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupProductKernels kGroupProductScalar = {Vec::kLanes, group_product};

}  // namespace pare::runtime::own
