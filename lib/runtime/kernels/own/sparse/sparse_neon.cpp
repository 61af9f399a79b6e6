// SPDX-License-Identifier: Apache-2.0
// Sparse products with NEON, which neither expands by a mask nor gathers: a row's weights and
// entries are walked as on any CPU, with many rows of x in vectors.
#include <arm_neon.h>

namespace {

struct Lanes {
  float32x4_t q[4];

  static Lanes zero() { return set(0.0F); }
  static Lanes set(float x) {
    const float32x4_t all = vdupq_n_f32(x);
    return {{all, all, all, all}};
  }
  static Lanes load(const float* p) {
    return {{vld1q_f32(p), vld1q_f32(p + 4), vld1q_f32(p + 8), vld1q_f32(p + 12)}};
  }
  Lanes plus(const Lanes& other) const {
    Lanes out = *this;
    for (int i = 0; i < 4; ++i) out.q[i] = vaddq_f32(q[i], other.q[i]);
    return out;
  }
  Lanes times(const Lanes& other) const {
    Lanes out = *this;
    for (int i = 0; i < 4; ++i) out.q[i] = vmulq_f32(q[i], other.q[i]);
    return out;
  }
  void add_product(const Lanes& x, const Lanes& y) {
    for (int i = 0; i < 4; ++i) q[i] = vfmaq_f32(q[i], x.q[i], y.q[i]);
  }
  void store(float* to) const {
    for (int i = 0; i < 4; ++i) vst1q_f32(to + 4 * i, q[i]);
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/sparse/sparse_rounds_body.hpp"
#include "lib/runtime/kernels/own/sparse/sparse_strands_body.hpp"
// clang-format on

namespace pare::runtime::own {

namespace {

// Four rows' entries of a step: their codes in a vector, their x one by one.
[[gnu::always_inline]] inline float32x4_t four_products(const int16_t* entries, const float* x) {
  const float32x4_t codes = vcvtq_f32_s32(vshrq_n_s32(vmovl_s16(vld1_s16(entries)), 5));
  float at[4];
  for (int i = 0; i < 4; ++i) at[i] = x[entries[i] & (kRoundColumns - 1)];
  return vmulq_f32(codes, vld1q_f32(at));
}

void codes(const SparseRounds& rows, const float* x, float* y) {
  float32x4_t sums[kRoundSteps][4];
  for (auto& step : sums) step[0] = step[1] = step[2] = step[3] = vdupq_n_f32(0.0F);
  const int16_t* entries = rows.entries;
  for (int64_t round = 0; round < rows.rounds; ++round) {
    const float* window = x + rows.columns[round];
    for (auto& step : sums) {
      for (int i = 0; i < 4; ++i, entries += 4) {
        step[i] = vaddq_f32(step[i], four_products(entries, window));
      }
    }
  }
  for (int i = 0; i < 4; ++i) {
    vst1q_f32(y + 4 * i,
              vaddq_f32(vaddq_f32(sums[0][i], sums[1][i]), vaddq_f32(sums[2][i], sums[3][i])));
  }
}

}  // namespace

const SparseKernels kSparseNeon = {walked_dot, strands, codes, codes_batch};

}  // namespace pare::runtime::own
