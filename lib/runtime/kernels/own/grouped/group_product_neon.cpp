// SPDX-License-Identifier: Apache-2.0
// Products of w4a8 compiled for NEON.
#include "lib/runtime/kernels/own/vec_neon.hpp"

namespace {

// A word's codes as bytes, each code + 8: two products of a byte are at most 2 * 255 * 15, and
// neighbours are added before they are widened.
struct Nibbles {
  static constexpr int kRows[3] = {0, 4, 5};  // a register block holds with 1 or 2 vectors
  static Vec::I low(Vec::I word) { return vandq_s32(word, vdupq_n_s32(0x0f0f0f0f)); }
  static Vec::I high(Vec::I word) {
    return vreinterpretq_s32_u8(vshrq_n_u8(vreinterpretq_u8_s32(word), 4));
  }
  static Vec::I ones() { return vdupq_n_s32(0x01010101); }
  static Vec::I sub(Vec::I a, Vec::I b) { return vsubq_s32(a, b); }
  static Vec::I multiply(Vec::I a, int32_t b) { return vmulq_n_s32(a, b); }
  static Vec::I dot(Vec::I sum, Vec::I a, Vec::I low, Vec::I b, Vec::I high) {
    const uint8x16_t a8 = vreinterpretq_u8_s32(a), low8 = vreinterpretq_u8_s32(low);
    const uint8x16_t b8 = vreinterpretq_u8_s32(b), high8 = vreinterpretq_u8_s32(high);
    uint16x8_t front = vmull_u8(vget_low_u8(a8), vget_low_u8(low8));
    uint16x8_t back = vmull_high_u8(a8, low8);
    front = vmlal_u8(front, vget_low_u8(b8), vget_low_u8(high8));
    back = vmlal_high_u8(back, b8, high8);
    const uint32x4_t lanes = vpadalq_u16(vreinterpretq_u32_s32(sum), vpaddq_u16(front, back));
    return vreinterpretq_s32_u32(lanes);
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/group_product_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupProductKernels kGroupProductNeon = {Vec::kLanes, group_product};

}  // namespace pare::runtime::own
