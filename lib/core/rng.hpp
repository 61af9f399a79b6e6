// SPDX-License-Identifier: Apache-2.0
// Counter-based random numbers: a draw is a pure function of (seed, stream, counter), so
// augmentation, splits and initialisation do not depend on thread count or on what was drawn
// before, and a checkpoint needs no generator state beyond counters. Mixing function: SplitMix64
// finaliser (Steele, Lea and Flood, OOPSLA 2014).
#pragma once

#include <cmath>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>
#include <utility>

namespace pare {

constexpr uint64_t mix64(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

// FNV-1a of a name: turns "augmentation" or a parameter's name into a stream.
constexpr uint64_t stream_of(std::string_view name) {
  uint64_t h = 0xCBF29CE484222325ULL;
  for (const char c : name) h = (h ^ static_cast<unsigned char>(c)) * 0x100000001B3ULL;
  return h;
}

class Rng {
 public:
  explicit Rng(uint64_t seed, uint64_t stream = 0, uint64_t counter = 0)
      : key_(mix64(seed + 0x9E3779B97F4A7C15ULL) ^ mix64(stream * 0xD1342543DE82EF95ULL + 1)),
        counter_(counter) {}

  uint64_t next() { return mix64(key_ + 0x9E3779B97F4A7C15ULL * ++counter_); }
  // Uniform in [0, 1), 24 bits.
  float uniform() { return static_cast<float>(next() >> 40) * 0x1p-24F; }
  float uniform(float low, float high) { return low + (high - low) * uniform(); }
  // Uniform in [0, n), n > 0; bias below 2^-32 for n < 2^32.
  int64_t below(int64_t n) {
    return static_cast<int64_t>(
        (static_cast<unsigned __int128>(next()) * static_cast<uint64_t>(n)) >> 64);
  }
  // Standard normal, Box-Muller.
  float normal() {
    const float u = 1.0F - uniform();
    const float v = uniform();
    return std::sqrt(-2.0F * std::log(u)) * std::cos(2.0F * std::numbers::pi_v<float> * v);
  }
  // Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> items) {
    for (size_t i = items.size(); i > 1; --i) {
      std::swap(items[i - 1], items[static_cast<size_t>(below(static_cast<int64_t>(i)))]);
    }
  }

 private:
  uint64_t key_;
  uint64_t counter_;
};

}  // namespace pare
