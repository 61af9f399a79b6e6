// SPDX-License-Identifier: Apache-2.0
// The statistics behind every claim of a report. All are paired: two models are compared on the
// same items, so that what is common to both cancels. Resampling is a function of the seed alone,
// for any thread count.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace pare::eval {

struct Interval {
  double low = 0;
  double high = 0;
  bool operator==(const Interval&) const = default;
};

// Two-sided 95 % unless asked otherwise; the normal quantile of 0.975.
inline constexpr double kZ95 = 1.959963984540054;

// Score interval of a proportion (Wilson, JASA 22, 1927). Throws Bug unless 0 <= successes <= n and
// n > 0.
Interval wilson_interval(int64_t successes, int64_t n, double z = kZ95);

// Quantile of the standard normal distribution, 0 < p < 1.
double normal_quantile(double p);

// Score interval of the difference of two paired proportions, lost / n - gained / n (T. Tango,
// Statistics in Medicine 17, 1998): of n items on which two models were tried, `lost` were right
// only in the first and `gained` only in the second. Unlike resampling it does not shrink to a
// point when no item changed. Throws Bug unless lost, gained >= 0, lost + gained <= n and n > 0.
Interval paired_difference_interval(int64_t lost, int64_t gained, int64_t n,
                                    double confidence = 0.95);

// Exact two-sided McNemar test (McNemar 1947; binomial form): of the b + c items on which exactly
// one of two models is right, b and c are which. p = min(1, 2 P(X <= min(b, c))), X ~ Bin(b + c,
// 1/2). 1 when b + c is 0.
double mcnemar_exact_p(int64_t b, int64_t c);

// p-values adjusted for having looked at all of them (S. Holm, Scand. J. Stat. 6, 1979), in the
// order given: rejecting those below alpha errs at most with probability alpha.
std::vector<double> holm_adjusted(std::span<const double> p_values);

struct Resampling {
  int replicates = 4000;
  uint64_t seed = 0;
  int threads = 1;
  double confidence = 0.95;  // of the interval, two-sided
};

// Percentile bootstrap interval (Efron and Tibshirani 1993, chapter 13) of the mean of
// `differences` (one an item: -1, 0 or 1 for two classifiers). Throws Bug when empty.
Interval bootstrap_mean(std::span<const int8_t> differences, const Resampling& resampling);

// Percentile bootstrap interval of the median of `ratios`, one a block of interleaved runs; the
// block is what is resampled, because runs inside one share the machine's mood. Throws Bug when
// empty.
Interval bootstrap_median(std::span<const double> ratios, const Resampling& resampling);

// Mean and t interval of paired differences (one a seed). With one difference the interval is
// infinite. Throws Bug when empty.
struct PairedT {
  double mean = 0;
  Interval interval;
};
PairedT paired_t_interval(std::span<const double> differences, double confidence = 0.95);

// P(T <= t) of Student's t with `degrees` > 0 degrees of freedom, and its inverse for 0 < p < 1.
double student_t_cdf(double t, double degrees);
double student_t_quantile(double p, double degrees);

// Quantile by linear interpolation (type 7 of Hyndman and Fan 1996, numpy's default); 0 <= q <= 1.
// `sorted` ascends and is not empty.
double quantile_of_sorted(std::span<const double> sorted, double q);
double quantile(std::vector<double> values, double q);

}  // namespace pare::eval
