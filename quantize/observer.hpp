// SPDX-License-Identifier: Apache-2.0
// Watches the values of one activation during calibration and chooses the range that its codes
// cover. Memory is constant: extremes and a histogram over [-limit, limit), limit a power of two
// that doubles when a larger value comes (pairs of bins merge exactly, so the result does not
// depend on the order or the batches in which values came). Zeros are counted apart: they are exact
// under any range.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "lib/ir/quant_scheme.hpp"
#include "quantize/request.hpp"

namespace pare::quantize {

struct Range {
  float low = 0;   // <= 0
  float high = 0;  // >= 0
};

// A run of equal-width bins with something in them.
struct Bin {
  double center = 0;
  double count = 0;
};

class Observer {
 public:
  Observer();
  void add(std::span<const float> values);

  bool finite() const { return finite_; }  // false: NaN or Inf was seen
  float min() const { return min_; }
  float max() const { return max_; }
  // The range by one of the methods, 0 included.
  Range range(CalibrationMethod method, double percentile) const;

 private:
  void grow_to(float magnitude);
  std::vector<Bin> bins() const;
  Range clamped(double low, double high) const;

  std::vector<int64_t> counts_;
  int64_t zeros_ = 0;
  int64_t total_ = 0;
  int exponent_ = 0;  // limit = 2^exponent
  bool empty_ = true;
  bool finite_ = true;
  float min_ = 0;
  float max_ = 0;
};

// Scale and zero point of u8 codes that cover `range`; scale 1 for a range of zero width.
ir::ActivationQuant activation_quant(const Range& range);

}  // namespace pare::quantize
