// SPDX-License-Identifier: Apache-2.0
#include "quantize/range_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace pare::quantize {

namespace {

double squared_error(const std::vector<Bin>& bins, const Extremes& range) {
  const double scale = (range.high - range.low) / 255.0;
  if (scale <= 0) return std::numeric_limits<double>::infinity();
  const double zero = std::nearbyint(-range.low / scale);
  double error = 0;
  for (const Bin& bin : bins) {
    const double code = std::clamp(std::nearbyint(bin.center / scale) + zero, 0.0, 255.0);
    const double off = bin.center - (code - zero) * scale;
    error += bin.count * off * off;
  }
  return error;
}

// |x| in bins of `width`, from 0 up to the largest.
std::vector<double> magnitudes(const std::vector<Bin>& bins, double width) {
  std::vector<double> out;
  for (const Bin& bin : bins) {
    const auto at = static_cast<size_t>(std::abs(bin.center) / width);
    if (out.size() <= at) out.resize(at + 1);
    out[at] += bin.count;
  }
  return out;
}

// KL(P || Q) of the first `kept` bins: P with everything beyond added to its last bin, Q the same
// bins merged into `levels` and spread evenly over those that are not empty.
double divergence(const std::vector<double>& counts, size_t kept, size_t levels, double total) {
  double beyond = 0;
  for (size_t i = kept; i < counts.size(); ++i) beyond += counts[i];
  const double inside = total - beyond;
  if (inside <= 0) return std::numeric_limits<double>::infinity();
  double result = 0;
  for (size_t level = 0; level < levels; ++level) {
    const size_t first = level * kept / levels, last = (level + 1) * kept / levels;
    double sum = 0, filled = 0;
    for (size_t i = first; i < last; ++i) {
      sum += counts[i];
      filled += counts[i] > 0 ? 1 : 0;
    }
    for (size_t i = first; i < last; ++i) {
      const double p = (counts[i] + (i + 1 == kept ? beyond : 0.0)) / total;
      if (p <= 0) continue;
      // An empty last bin that only holds what was clipped has no quantized counterpart: a floor
      // keeps the logarithm finite and the threshold expensive.
      const double q = counts[i] > 0 ? sum / filled / inside : 1e-4 / inside;
      result += p * std::log(p / q);
    }
  }
  return result;
}

}  // namespace

Extremes percentile_range(const std::vector<Bin>& bins, double width, double zeros,
                          double percent) {
  double below = 0, above = 0, total = zeros;
  for (const Bin& bin : bins) total += bin.count;
  const double outside = total * (1.0 - percent / 100.0);
  // Values of one sign have one tail.
  const bool both = !bins.empty() && bins.front().center < 0 && bins.back().center > 0;
  const double tail = both ? outside / 2 : outside;
  Extremes range;
  for (const Bin& bin : bins) {
    if (bin.center > 0) break;
    below += bin.count;
    if (below > tail) {
      range.low = bin.center - width / 2;
      break;
    }
  }
  for (auto bin = bins.rbegin(); bin != bins.rend() && bin->center > 0; ++bin) {
    above += bin->count;
    if (above > tail) {
      range.high = bin->center + width / 2;
      break;
    }
  }
  return range;
}

Extremes entropy_range(const std::vector<Bin>& bins, double width, const Extremes& seen) {
  const std::vector<double> counts = magnitudes(bins, width);
  const size_t levels = seen.low < 0 && seen.high > 0 ? 128 : 256;
  double total = 0;
  for (const double count : counts) total += count;
  constexpr size_t kStep = 16;
  size_t best = counts.size();
  double least = std::numeric_limits<double>::infinity();
  for (size_t kept = levels; kept <= counts.size(); kept += kStep) {
    const double now = divergence(counts, kept, levels, total);
    if (now < least) least = now, best = kept;
  }
  if (divergence(counts, counts.size(), std::min(levels, counts.size()), total) < least)
    best = counts.size();
  const double threshold = static_cast<double>(best) * width;
  return {std::max(seen.low, -threshold), std::min(seen.high, threshold)};
}

Extremes least_squares_range(const std::vector<Bin>& bins, const Extremes& seen) {
  constexpr int kSteps = 100;
  constexpr int kSmallest = 20;  // of kSteps
  const Extremes full{std::min(0.0, seen.low), std::max(0.0, seen.high)};
  Extremes best = full;
  double least = squared_error(bins, full);
  const auto attempt = [&](const Extremes& range) {
    const double now = squared_error(bins, range);
    if (now < least) least = now, best = range;
  };
  for (int step = kSteps - 1; step >= kSmallest; --step) {
    const double shrink = static_cast<double>(step) / kSteps;
    attempt({full.low * shrink, full.high * shrink});
  }
  if (full.low < 0 && full.high > 0) {
    for (int step = kSteps; step >= kSmallest; --step) {
      attempt({best.low, full.high * step / kSteps});
    }
    for (int step = kSteps; step >= kSmallest; --step) {
      attempt({full.low * step / kSteps, best.high});
    }
  }
  return best;
}

}  // namespace pare::quantize
