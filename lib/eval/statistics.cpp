// SPDX-License-Identifier: Apache-2.0
// Closed forms and resampling; see the header for the sources.
#include "lib/eval/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/core/rng.hpp"

namespace pare::eval {
namespace {

// Continued fraction of the regularised incomplete beta function (Abramowitz and Stegun 26.5.8) by
// the modified Lentz recurrence; converges fast for x < (a + 1) / (a + b + 2).
double beta_fraction(double a, double b, double x) {
  constexpr double kTiny = 1e-300;
  constexpr int kMaxTerms = 10000;
  const auto guarded = [](double v) { return std::abs(v) < kTiny ? kTiny : v; };
  double c = 1.0;
  double d = 1.0 / guarded(1.0 - (a + b) * x / (a + 1.0));
  double result = d;
  for (int m = 1; m <= kMaxTerms; ++m) {
    const double even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
    d = 1.0 / guarded(1.0 + even * d);
    c = guarded(1.0 + even / c);
    result *= d * c;
    const double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
    d = 1.0 / guarded(1.0 + odd * d);
    c = guarded(1.0 + odd / c);
    const double step = d * c;
    result *= step;
    if (std::abs(step - 1.0) < 1e-15) break;
  }
  return result;
}

double regularised_beta(double a, double b, double x) {
  if (x <= 0.0) return 0.0;
  if (x >= 1.0) return 1.0;
  const double log_front =
      std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x);
  const double front = std::exp(log_front);
  if (x < (a + 1.0) / (a + b + 2.0)) return front * beta_fraction(a, b, x) / a;
  return 1.0 - front * beta_fraction(b, a, 1.0 - x) / b;
}

Interval central(std::vector<double>& replicates, double confidence) {
  std::sort(replicates.begin(), replicates.end());
  const double tail = (1.0 - confidence) / 2.0;
  return {quantile_of_sorted(replicates, tail), quantile_of_sorted(replicates, 1.0 - tail)};
}

// Tango's score statistic that p(lost) - p(gained) is `delta`, with the maximum likelihood estimate
// of p(gained) under that hypothesis (his equations 9 to 11). Falls as delta rises.
double paired_score(double lost, double gained, double n, double delta) {
  const double a = 2.0 * n;
  const double b = -lost - gained + (2.0 * n - lost + gained) * delta;
  const double c = -gained * delta * (1.0 - delta);
  const double constrained = (std::sqrt(std::max(0.0, b * b - 4.0 * a * c)) - b) / (2.0 * a);
  const double variance = n * (2.0 * constrained + delta * (1.0 - delta));
  const double difference = lost - gained - n * delta;
  if (variance > 0.0) return difference / std::sqrt(variance);
  const double infinity = std::numeric_limits<double>::infinity();
  return difference > 0.0 ? infinity : difference < 0.0 ? -infinity : 0.0;
}

// Where a falling function crosses `level` between low and high.
template <class Function>
double crossing(const Function& falling, double level, double low, double high) {
  for (int i = 0; i < 200; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (falling(middle) > level ? low : high) = middle;
  }
  return high;
}

}  // namespace

Interval wilson_interval(int64_t successes, int64_t n, double z) {
  require(n > 0 && successes >= 0 && successes <= n, "Wilson interval needs 0 <= successes <= n");
  const double count = static_cast<double>(n);
  const double p = static_cast<double>(successes) / count;
  const double shrink = 1.0 + z * z / count;
  const double centre = (p + z * z / (2.0 * count)) / shrink;
  const double half = z * std::sqrt(p * (1.0 - p) / count + z * z / (4.0 * count * count)) / shrink;
  // The ends are exactly 0 and 1 there; rounding must not say otherwise.
  return {successes == 0 ? 0.0 : centre - half, successes == n ? 1.0 : centre + half};
}

double normal_quantile(double p) {
  require(p > 0.0 && p < 1.0, "a quantile needs 0 < p < 1");
  const auto upper_tail = [](double z) { return 0.5 * std::erfc(z / std::sqrt(2.0)); };
  return crossing(upper_tail, 1.0 - p, -40.0, 40.0);
}

Interval paired_difference_interval(int64_t lost, int64_t gained, int64_t n, double confidence) {
  require(n > 0 && lost >= 0 && gained >= 0 && lost <= n - gained,
          "a paired interval needs lost + gained <= n");
  const double z = normal_quantile(0.5 + 0.5 * confidence);
  const auto score = [&](double delta) {
    return paired_score(static_cast<double>(lost), static_cast<double>(gained),
                        static_cast<double>(n), delta);
  };
  const double estimate = static_cast<double>(lost - gained) / static_cast<double>(n);
  return {lost == 0 && gained == n ? -1.0 : crossing(score, z, -1.0, estimate),
          gained == 0 && lost == n ? 1.0 : crossing(score, -z, estimate, 1.0)};
}

std::vector<double> holm_adjusted(std::span<const double> p_values) {
  std::vector<size_t> order(p_values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return p_values[a] < p_values[b]; });
  std::vector<double> adjusted(p_values.size());
  double largest = 0.0;
  for (size_t rank = 0; rank < order.size(); ++rank) {
    const double scaled = p_values[order[rank]] * static_cast<double>(order.size() - rank);
    largest = std::max(largest, std::min(1.0, scaled));
    adjusted[order[rank]] = largest;
  }
  return adjusted;
}

double mcnemar_exact_p(int64_t b, int64_t c) {
  require(b >= 0 && c >= 0, "McNemar counts are not negative");
  const int64_t n = b + c;
  const int64_t k = std::min(b, c);
  if (b == c) return 1.0;
  // Sum from the largest term down, relative to it, so that nothing underflows for large n.
  double sum = 0.0;
  double term = 1.0;
  for (int64_t i = k; i >= 0; --i) {
    sum += term;
    if (term < sum * 1e-18) break;
    term *= static_cast<double>(i) / static_cast<double>(n - i + 1);
  }
  const double log_largest =
      std::lgamma(static_cast<double>(n) + 1.0) - std::lgamma(static_cast<double>(k) + 1.0) -
      std::lgamma(static_cast<double>(n - k) + 1.0) - static_cast<double>(n) * std::log(2.0);
  return std::min(1.0, 2.0 * sum * std::exp(log_largest));
}

Interval bootstrap_mean(std::span<const int8_t> differences, const Resampling& resampling) {
  require(!differences.empty() && resampling.replicates > 0, "bootstrap needs items");
  const auto n = static_cast<int64_t>(differences.size());
  std::vector<double> means(static_cast<size_t>(resampling.replicates));
  parallel_for(resampling.replicates, resampling.threads, [&](int64_t r) {
    Rng rng(resampling.seed, static_cast<uint64_t>(r) + 1);
    int64_t sum = 0;
    for (int64_t i = 0; i < n; ++i) sum += differences[static_cast<size_t>(rng.below(n))];
    means[static_cast<size_t>(r)] = static_cast<double>(sum) / static_cast<double>(n);
  });
  return central(means, resampling.confidence);
}

Interval bootstrap_median(std::span<const double> ratios, const Resampling& resampling) {
  require(!ratios.empty() && resampling.replicates > 0, "bootstrap needs blocks");
  const auto n = static_cast<int64_t>(ratios.size());
  std::vector<double> medians(static_cast<size_t>(resampling.replicates));
  std::vector<double> drawn(ratios.size());
  for (int r = 0; r < resampling.replicates; ++r) {
    Rng rng(resampling.seed, static_cast<uint64_t>(r) + 1);
    for (double& value : drawn) value = ratios[static_cast<size_t>(rng.below(n))];
    std::sort(drawn.begin(), drawn.end());
    medians[static_cast<size_t>(r)] = quantile_of_sorted(drawn, 0.5);
  }
  return central(medians, resampling.confidence);
}

PairedT paired_t_interval(std::span<const double> differences, double confidence) {
  require(!differences.empty(), "paired t interval needs differences");
  const auto n = static_cast<double>(differences.size());
  double mean = 0.0;
  for (const double d : differences) mean += d / n;
  if (differences.size() == 1) {
    const double infinity = std::numeric_limits<double>::infinity();
    return {mean, {-infinity, infinity}};
  }
  double squares = 0.0;
  for (const double d : differences) squares += (d - mean) * (d - mean);
  const double standard_error = std::sqrt(squares / (n - 1.0) / n);
  const double half = student_t_quantile(0.5 + confidence / 2.0, n - 1.0) * standard_error;
  return {mean, {mean - half, mean + half}};
}

double student_t_cdf(double t, double degrees) {
  require(degrees > 0.0, "Student's t needs positive degrees of freedom");
  const double tail = 0.5 * regularised_beta(degrees / 2.0, 0.5, degrees / (degrees + t * t));
  return t > 0.0 ? 1.0 - tail : tail;
}

double student_t_quantile(double p, double degrees) {
  require(p > 0.0 && p < 1.0, "a quantile needs 0 < p < 1");
  if (p == 0.5) return 0.0;
  if (p < 0.5) return -student_t_quantile(1.0 - p, degrees);
  double high = 1.0;
  while (student_t_cdf(high, degrees) < p && high < 1e300) high *= 2.0;
  double low = 0.0;
  for (int i = 0; i < 200 && low < high; ++i) {
    const double middle = 0.5 * (low + high);
    if (middle == low || middle == high) break;
    (student_t_cdf(middle, degrees) < p ? low : high) = middle;
  }
  return high;
}

double quantile_of_sorted(std::span<const double> sorted, double q) {
  require(!sorted.empty() && q >= 0.0 && q <= 1.0, "a quantile needs values and 0 <= q <= 1");
  const double position = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(position);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  const double fraction = position - static_cast<double>(below);
  return sorted[below] + fraction * (sorted[above] - sorted[below]);
}

double quantile(std::vector<double> values, double q) {
  std::sort(values.begin(), values.end());
  return quantile_of_sorted(values, q);
}

}  // namespace pare::eval
