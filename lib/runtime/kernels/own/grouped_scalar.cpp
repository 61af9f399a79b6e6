// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for any architecture.
#include <cstdint>

namespace {

// Sixteen floats.
struct Lanes {
  float at[16];

  static Lanes zero() { return {}; }
  static Lanes low_nibbles(const uint8_t* p) {
    Lanes out;
    for (int i = 0; i < 16; ++i) out.at[i] = static_cast<float>(p[i] & 15);
    return out;
  }
  static Lanes high_nibbles(const uint8_t* p) {
    Lanes out;
    for (int i = 0; i < 16; ++i) out.at[i] = static_cast<float>(p[i] >> 4);
    return out;
  }
  static Lanes signed_bytes(const uint8_t* p) {
    Lanes out;
    for (int i = 0; i < 16; ++i) out.at[i] = static_cast<float>(static_cast<int8_t>(p[i]));
    return out;
  }
  void add_product(const Lanes& codes, const float* x) {
    for (int i = 0; i < 16; ++i) at[i] += codes.at[i] * x[i];
  }
  void add(const Lanes& other) {
    for (int i = 0; i < 16; ++i) at[i] += other.at[i];
  }
  void add_scaled(const Lanes& other, float scale) {
    for (int i = 0; i < 16; ++i) at[i] += other.at[i] * scale;
  }
  void store(float* to) const {
    for (int i = 0; i < 16; ++i) to[i] = at[i];
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedScalar = kGrouped;

}  // namespace pare::runtime::own
