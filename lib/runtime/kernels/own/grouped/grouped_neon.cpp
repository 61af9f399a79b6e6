// SPDX-License-Identifier: Apache-2.0
// Grouped products compiled for NEON, as every AArch64 has it: sixteen lanes are four registers.
#include <array>
#include <cstdint>

#include <arm_neon.h>

namespace {

// The four registers that `of` gives for each of them.
template <class T, class Of>
[[gnu::always_inline]] inline T quarters(const Of& of) {
  return {of(0), of(1), of(2), of(3)};
}

struct Ints {
  int32x4_t q[4];

  static Ints zero() { return set(0); }
  static Ints set(int32_t x) {
    return quarters<Ints>([=](int) { return vdupq_n_s32(x); });
  }
  static Ints load(const uint8_t* p) {
    return quarters<Ints>([=](int i) { return vreinterpretq_s32_u8(vld1q_u8(p + 16 * i)); });
  }
  void store(uint8_t* to) const {
    for (int i = 0; i < 4; ++i) vst1q_u8(to + 16 * i, vreinterpretq_u8_s32(q[i]));
  }
  Ints low_halves() const {
    return quarters<Ints>([&](int i) { return vandq_s32(q[i], vdupq_n_s32(0x0F0F0F0F)); });
  }
  Ints high_halves() const {
    return quarters<Ints>(
        [&](int i) { return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(q[i]), 4)); });
  }
  Ints plus(const Ints& other) const {
    return quarters<Ints>([&](int i) { return vaddq_s32(q[i], other.q[i]); });
  }
  Ints times_256() const {
    return quarters<Ints>([&](int i) { return vshlq_n_s32(q[i], 8); });
  }
  void add_dot(const Ints& codes, const Ints& digits) {
    const int16x8_t digit = vreinterpretq_s16_s32(digits.q[0]);  // they are one number repeated
    for (int i = 0; i < 4; ++i) {
      const int16x8_t code = vreinterpretq_s16_s32(codes.q[i]);
      const int32x4_t low = vmull_s16(vget_low_s16(code), vget_low_s16(digit));
      q[i] = vaddq_s32(q[i], vpaddq_s32(low, vmull_high_s16(code, digit)));
    }
  }
};

struct Floats {
  float32x4_t q[4];

  static Floats zero() { return set(0.0F); }
  static Floats set(float x) {
    return quarters<Floats>([=](int) { return vdupq_n_f32(x); });
  }
  static Floats load(const uint8_t* p) {
    return quarters<Floats>([=](int i) { return vreinterpretq_f32_u8(vld1q_u8(p + 16 * i)); });
  }
  static Floats load_floats(const float* p) {
    return quarters<Floats>([=](int i) { return vld1q_f32(p + 4 * i); });
  }
  static Floats of_halves(const uint8_t* p) {
    return quarters<Floats>(
        [=](int i) { return vcvt_f32_f16(vreinterpret_f16_u8(vld1_u8(p + 8 * i))); });
  }
  static Floats of(const Ints& x) {
    return quarters<Floats>([&](int i) { return vcvtq_f32_s32(x.q[i]); });
  }
  void add_product(const Floats& a, const Floats& b) {
    for (int i = 0; i < 4; ++i) q[i] = vfmaq_f32(q[i], a.q[i], b.q[i]);
  }
  void store(float* to) const {
    for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, q[i]);
  }
};

constexpr int kDigits = 2;
constexpr int kWords = 2;
[[gnu::always_inline]] inline void split(const Ints& quad, Ints (&words)[kWords]) {
  const int32x4_t low = vdupq_n_s32(0x00FF00FF);
  words[0] = quarters<Ints>([&](int i) { return vandq_s32(quad.q[i], low); });
  words[1] = quarters<Ints>([&](int i) {
    return vreinterpretq_s32_u16(vshrq_n_u16(vreinterpretq_u16_s32(quad.q[i]), 8));
  });
}

constexpr int kManyRows = 2;
constexpr int kFewRows = 1;
constexpr int kSetsOfOne = 1;

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/grouped_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupedKernels kGroupedNeon = kGrouped;

}  // namespace pare::runtime::own
