// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <atomic>
#include <bit>
#include <cstring>

#include "lib/core/cpu_clones.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/ir/element_reader.hpp"

namespace pare::ir {

namespace {

constexpr int64_t kChunk = 1 << 16;  // elements; even, so that nibbles split between bytes

// Words that are zero without the bits of `sign`.
template <class Word>
inline int64_t zero_words(const std::byte* from, size_t n, Word sign) {
  int32_t zeros = 0;
  for (size_t i = 0; i < n; ++i) {
    Word word;
    std::memcpy(&word, from + i * sizeof word, sizeof word);
    zeros += static_cast<Word>(word & static_cast<Word>(~sign)) == 0 ? 1 : 0;
  }
  return zeros;
}

PARE_CPU_CLONES
int64_t zeros_8(const std::byte* from, size_t n) { return zero_words<uint8_t>(from, n, 0); }
PARE_CPU_CLONES
int64_t zeros_16(const std::byte* from, size_t n, uint16_t sign) {
  return zero_words<uint16_t>(from, n, sign);
}
PARE_CPU_CLONES
int64_t zeros_32(const std::byte* from, size_t n, uint32_t sign) {
  return zero_words<uint32_t>(from, n, sign);
}
PARE_CPU_CLONES
int64_t zeros_64(const std::byte* from, size_t n) { return zero_words<uint64_t>(from, n, 0); }

// Zero nibbles of whole bytes.
PARE_CPU_CLONES
int64_t zeros_4(const std::byte* from, size_t bytes) {
  int32_t zeros = 0;
  for (size_t i = 0; i < bytes; ++i) {
    const auto byte = static_cast<uint8_t>(from[i]);
    zeros += ((byte & 15) == 0 ? 1 : 0) + (byte < 16 ? 1 : 0);
  }
  return zeros;
}

// Elements [first, first + n) of a plain tensor's bytes.
int64_t zeros_in(const DTypeInfo& type, std::span<const std::byte> bytes, int64_t first,
                 int64_t n) {
  const std::byte* from = bytes.data() + first * type.bits / 8;
  const auto count = static_cast<size_t>(n);
  switch (type.bits) {
    case 4: {
      const bool odd = n % 2 != 0;
      return zeros_4(from, count / 2) +
             (odd && std::to_integer<unsigned>(from[n / 2] & std::byte{15}) == 0 ? 1 : 0);
    }
    case 8:
      return zeros_8(from, count);
    case 16:
      return zeros_16(from, count, type.is_float ? 0x8000U : 0U);
    case 32:
      return zeros_32(from, count, type.is_float ? 0x80000000U : 0U);
    default:
      require(type.bits == 64, "elements have 4 to 64 bits");
      return zeros_64(from, count);
  }
}

// Sums count(first, n) over chunks.
template <class Count>
int64_t over_chunks(int64_t elements, int threads, const Count& count) {
  std::atomic<int64_t> total = 0;
  parallel_for((elements + kChunk - 1) / kChunk, threads, [&](int64_t chunk) {
    total += count(chunk * kChunk, std::min(kChunk, elements - chunk * kChunk));
  });
  return total;
}

int64_t plain_zeros(const Tensor& tensor, int threads) {
  const BufferView view = tensor.view();
  const DTypeInfo& type = info(tensor.dtype());
  return over_chunks(tensor.count(), threads, [&](int64_t first, int64_t n) {
    return zeros_in(type, view.bytes(), first, n);
  });
}

}  // namespace

// Codes say directly which values are zero unless a zero point or a codebook stands between.
int64_t zero_count(const Tensor& tensor, int threads) {
  if (tensor.is_plain()) return plain_zeros(tensor, threads);
  const QuantScheme* scheme = tensor.scheme();
  if (!scheme || (scheme->symmetric && !scheme->codebook)) {
    const Tensor& codes = *tensor.part(Part::kCodes);
    return tensor.count() - codes.count() + plain_zeros(codes, threads);
  }
  // Serial where a code may lie outside its codebook, which throws.
  const ElementReader reader(tensor);
  return over_chunks(tensor.count(), scheme->codebook ? 1 : threads, [&](int64_t first, int64_t n) {
    std::vector<float> values(static_cast<size_t>(n));
    reader.read(first, values);
    return static_cast<int64_t>(std::ranges::count(values, 0.0F));
  });
}

}  // namespace pare::ir
