// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for any architecture.
#include <cstdint>
#include <cstring>

namespace {

// Sixteen floats.
struct Lanes {
  float at[16];

  static Lanes zero() { return {}; }
  static Lanes load(const float* x) {
    Lanes out;
    std::memcpy(out.at, x, sizeof out.at);
    return out;
  }
  static Lanes set(float x) {
    Lanes out;
    for (float& lane : out.at) lane = x;
    return out;
  }
  static Lanes signed_bytes(const uint8_t* p) {
    Lanes out;
    for (int i = 0; i < 16; ++i) out.at[i] = static_cast<float>(static_cast<int8_t>(p[i]));
    return out;
  }
  void add_product(const Lanes& a, const Lanes& b) {
    for (int i = 0; i < 16; ++i) at[i] += a.at[i] * b.at[i];
  }
  void store(float* to) const { std::memcpy(to, at, sizeof at); }
};

struct Words {
  uint32_t at[16];

  static Words load(const uint8_t* p) {
    Words out;
    std::memcpy(out.at, p, sizeof out.at);
    return out;
  }
  Lanes take_nibbles() {
    Lanes out;
    for (int i = 0; i < 16; ++i) {
      out.at[i] = static_cast<float>(static_cast<int32_t>(at[i] & 15) - 8);
      at[i] >>= 4;
    }
    return out;
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedScalar = kGrouped;

}  // namespace pare::runtime::own
