// SPDX-License-Identifier: Apache-2.0
// Products of w4a8 compiled for avx512.
#include "lib/runtime/kernels/own/vec_avx512.hpp"

namespace {

// A word's codes as bytes, each code + 8. maddubs does not saturate: two products of at most
// 255 * 15, and twice that is still far below 2^15.
struct Nibbles {
  static constexpr int kRows[3] = {0, 4, 5};  // a register block holds with 1 or 2 vectors
  static Vec::I low(Vec::I word) { return _mm512_and_si512(word, _mm512_set1_epi8(15)); }
  static Vec::I high(Vec::I word) { return low(_mm512_srli_epi32(word, 4)); }
  static Vec::I ones() { return _mm512_set1_epi8(1); }
  static Vec::I sub(Vec::I a, Vec::I b) { return _mm512_sub_epi32(a, b); }
  static Vec::I multiply(Vec::I a, int32_t b) {
    return _mm512_mullo_epi32(a, _mm512_set1_epi32(b));
  }
  static Vec::I dot(Vec::I sum, Vec::I a, Vec::I low, Vec::I b, Vec::I high) {
    const Vec::I pairs =
        _mm512_add_epi16(_mm512_maddubs_epi16(a, low), _mm512_maddubs_epi16(b, high));
    return _mm512_add_epi32(sum, _mm512_madd_epi16(pairs, _mm512_set1_epi16(1)));
  }
};

}  // namespace

// clang-format off
#include "lib/runtime/kernels/own/grouped/group_product_body.hpp"
// clang-format on

namespace pare::runtime::own {

const GroupProductKernels kGroupProductAvx512 = {Vec::kLanes, group_product};

}  // namespace pare::runtime::own
