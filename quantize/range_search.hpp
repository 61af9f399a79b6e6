// SPDX-License-Identifier: Apache-2.0
// Which range of an activation's values 256 codes should cover, from its histogram. Values beyond
// the range are clipped to its ends.
#pragma once

#include <vector>

#include "quantize/observer.hpp"

namespace pare::quantize {

struct Extremes {
  double low = 0;
  double high = 0;
};

// `percent` of all values (the zeros too) are inside; the rest is split over the two tails.
Extremes percentile_range(const std::vector<Bin>& bins, double width, double zeros, double percent);

// The threshold on |x| at which the distribution of quantized values diverges least
// (Kullback-Leibler) from the clipped one: Migacz, "8-bit inference with TensorRT", GTC 2017.
// Values of one sign are spread over 256 levels, values of both over 128 a side.
Extremes entropy_range(const std::vector<Bin>& bins, double width, const Extremes& seen);

// Least squared error of rounding and clipping together, over shrunk ranges: both ends together,
// then each alone.
Extremes least_squares_range(const std::vector<Bin>& bins, const Extremes& seen);

}  // namespace pare::quantize
