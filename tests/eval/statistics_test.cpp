// SPDX-License-Identifier: Apache-2.0
// Statistics against published tables, closed forms and a naive double-precision computation.
#include "lib/eval/statistics.hpp"

#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

TEST_CASE("Wilson's interval agrees with Newcombe's published table") {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3, to the four digits printed.
  const struct {
    int64_t successes, n;
    double low, high;
  } rows[] = {{81, 263, 0.2553, 0.3662},
              {15, 148, 0.0624, 0.1605},
              {0, 20, 0.0, 0.1611},
              {1, 29, 0.0061, 0.1718}};
  for (const auto& row : rows) {
    const Interval interval = wilson_interval(row.successes, row.n);
    CHECK(interval.low == doctest::Approx(row.low).epsilon(0.00006));
    CHECK(interval.high == doctest::Approx(row.high).epsilon(0.00006));
  }
}

TEST_CASE("Wilson's interval is mirrored, touches 0 and 1 exactly, and refuses nonsense") {
  const Interval some = wilson_interval(3, 10);
  const Interval rest = wilson_interval(7, 10);
  CHECK(some.low == doctest::Approx(1.0 - rest.high).epsilon(1e-14));
  CHECK(wilson_interval(0, 5).low == 0.0);
  CHECK(wilson_interval(5, 5).high == 1.0);
  CHECK_THROWS_AS(wilson_interval(1, 0), Bug);
  CHECK_THROWS_AS(wilson_interval(6, 5), Bug);
}

TEST_CASE("Tango's interval ends at the roots of Yang, Sun and Hardin's quartic") {
  // Statistics in Medicine 32 (2013): the ends solve a polynomial of degree 4 in the difference,
  // which nothing in the iterative solution uses.
  const struct {
    int64_t lost, gained, n;
  } rows[] = {{12, 2, 50}, {1, 0, 44}, {0, 3, 100}, {170, 130, 10000}, {5, 9, 14}};
  for (const auto& row : rows) {
    const auto n = static_cast<double>(row.n);
    const auto b = static_cast<double>(row.lost), c = static_cast<double>(row.gained);
    const double g = kZ95 * kZ95, d = b - c;
    const double m0 = n * n * (n / g + 1) * (n / g + 1);
    const double m1 = -n * d * (n / g + 1) * (4 * n / g + 1);
    const double m2 = 2 * n * d * d * (3 * n / g + 2) / g - n * n * ((b + c) / g + 1);
    const double m3 = n * d * (2 * (b + c) / g + 1) - d * d * d * (4 * n / g + 1) / g;
    const double m4 = d * d * (d * d / g - (b + c)) / g;
    const Interval interval = paired_difference_interval(row.lost, row.gained, row.n);
    for (const double x : {interval.low, interval.high}) {
      const double value = (((m0 * x + m1) * x + m2) * x + m3) * x + m4;
      const double slope = ((4 * m0 * x + 3 * m1) * x + 2 * m2) * x + m3;
      CHECK(std::abs(value / slope) < 1e-9);
    }
    CHECK(interval.low < d / n);
    CHECK(interval.high > d / n);
  }
}

TEST_CASE("Tango's interval has a width when nothing changed, and mirrors") {
  // With no discordant pair the ends are +-z^2 / (n + z^2).
  for (const int64_t n : {int64_t{1}, int64_t{100}, int64_t{10000}}) {
    const double end = kZ95 * kZ95 / (static_cast<double>(n) + kZ95 * kZ95);
    CHECK(paired_difference_interval(0, 0, n).high == doctest::Approx(end).epsilon(1e-10));
    CHECK(paired_difference_interval(0, 0, n).low == doctest::Approx(-end).epsilon(1e-10));
  }
  const Interval there = paired_difference_interval(9, 4, 70);
  const Interval back = paired_difference_interval(4, 9, 70);
  CHECK(there.low == doctest::Approx(-back.high).epsilon(1e-12));
  const Interval sure = paired_difference_interval(9, 4, 70, 0.99);
  CHECK(sure.low < there.low);
  CHECK(sure.high > there.high);
  CHECK(paired_difference_interval(5, 0, 5).high == 1.0);
  CHECK(paired_difference_interval(0, 5, 5).low == -1.0);
  CHECK_THROWS_AS(paired_difference_interval(3, 3, 5), Bug);
}

TEST_CASE("the normal quantile is the inverse of the error function's tail") {
  CHECK(normal_quantile(0.975) == doctest::Approx(kZ95).epsilon(1e-13));
  CHECK(normal_quantile(0.5) == doctest::Approx(0.0).epsilon(1e-13));
  CHECK(normal_quantile(0.025) == doctest::Approx(-kZ95).epsilon(1e-13));
}

TEST_CASE("Holm's adjustment multiplies by what is left and never falls") {
  const double p[] = {0.04, 0.01, 0.03, 0.005};
  const std::vector<double> expected = {0.06, 0.03, 0.06, 0.02};
  const std::vector<double> adjusted = holm_adjusted(p);
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(adjusted[i] == doctest::Approx(expected[i]).epsilon(1e-14));
  }
  const double sure[] = {0.9, 0.8};
  CHECK(holm_adjusted(sure) == std::vector<double>{1.0, 1.0});
  CHECK(holm_adjusted({}).empty());
}

TEST_CASE("McNemar's exact p is twice the binomial tail") {
  CHECK(mcnemar_exact_p(0, 0) == 1.0);
  CHECK(mcnemar_exact_p(7, 7) == 1.0);
  CHECK(mcnemar_exact_p(0, 5) == doctest::Approx(2.0 / 32.0).epsilon(1e-13));
  // 2 (1 + 10 + 45) / 1024
  CHECK(mcnemar_exact_p(2, 8) == doctest::Approx(112.0 / 1024.0).epsilon(1e-13));
  CHECK(mcnemar_exact_p(8, 2) == mcnemar_exact_p(2, 8));
  // Sum of Pascal's triangle, row 60, by integers that a double holds exactly.
  std::vector<double> row{1.0};
  for (int n = 1; n <= 60; ++n) {
    std::vector<double> next(row.size() + 1, 1.0);
    for (size_t i = 1; i < row.size(); ++i) next[i] = row[i - 1] + row[i];
    row = next;
  }
  double tail = 0.0;
  for (int i = 0; i <= 22; ++i) tail += row[static_cast<size_t>(i)];
  CHECK(mcnemar_exact_p(22, 38) == doctest::Approx(std::ldexp(2.0 * tail, -60)).epsilon(1e-11));
}

TEST_CASE("McNemar's exact p neither underflows nor exceeds 1 for large counts") {
  CHECK(mcnemar_exact_p(5000, 5001) <= 1.0);
  // The normal limit with continuity correction: z = (|b - c| - 1) / sqrt(b + c) = 2.99; relative
  // error of the limit at this n is below 1 %.
  const double z = (10300.0 - 9876.0 - 1.0) / std::sqrt(20176.0);
  const double limit = std::erfc(z / std::numbers::sqrt2);
  CHECK(mcnemar_exact_p(9876, 10300) == doctest::Approx(limit).epsilon(0.01));
  CHECK(mcnemar_exact_p(0, 1000) == doctest::Approx(std::ldexp(1.0, -999)).epsilon(1e-9));
}

TEST_CASE("Student's t quantiles agree with the printed tables") {
  // Two-sided 95 % critical values.
  CHECK(student_t_quantile(0.975, 1) == doctest::Approx(12.7062047364).epsilon(1e-10));
  CHECK(student_t_quantile(0.975, 2) == doctest::Approx(4.30265272975).epsilon(1e-10));
  CHECK(student_t_quantile(0.975, 10) == doctest::Approx(2.22813885196).epsilon(1e-10));
  CHECK(student_t_quantile(0.95, 5) == doctest::Approx(2.01504837333).epsilon(1e-10));
  CHECK(student_t_quantile(0.025, 10) == doctest::Approx(-2.22813885196).epsilon(1e-10));
  CHECK(student_t_quantile(0.975, 1e7) == doctest::Approx(kZ95).epsilon(1e-6));
  CHECK(student_t_quantile(0.5, 3) == 0.0);
}

TEST_CASE("Student's t distribution has its closed forms at one and two degrees of freedom") {
  for (const double t : {-30.0, -2.0, -0.1, 0.0, 0.7, 3.0, 250.0}) {
    CHECK(student_t_cdf(t, 1) ==
          doctest::Approx(0.5 + std::atan(t) / std::numbers::pi).epsilon(1e-12));
    CHECK(student_t_cdf(t, 2) ==
          doctest::Approx(0.5 + t / (2.0 * std::sqrt(2.0 + t * t))).epsilon(1e-12));
  }
}

TEST_CASE("the paired t interval is the textbook one") {
  // Student's sleep data (Biometrika 1908): ten paired differences, mean 1.58, t interval
  // 0.7001142 to 2.4598858.
  const std::vector<double> sleep = {1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4};
  const PairedT t = paired_t_interval(sleep);
  CHECK(t.mean == doctest::Approx(1.58).epsilon(1e-12));
  CHECK(t.interval.low == doctest::Approx(0.7001142).epsilon(1e-6));
  CHECK(t.interval.high == doctest::Approx(2.4598858).epsilon(1e-6));
  const double one[] = {0.25};
  CHECK(std::isinf(paired_t_interval(one).interval.high));
}

TEST_CASE("quantiles interpolate between order statistics") {
  CHECK(quantile({4, 1, 3, 2}, 0.5) == 2.5);
  CHECK(quantile({4, 1, 3, 2}, 0.0) == 1.0);
  CHECK(quantile({4, 1, 3, 2}, 1.0) == 4.0);
  CHECK(quantile({10, 20, 30}, 0.9) == doctest::Approx(28.0));
  CHECK(quantile({7}, 0.3) == 7.0);
  CHECK_THROWS_AS(quantile({}, 0.5), Bug);
}

TEST_CASE("the bootstrap of a mean is close to the normal interval") {
  std::vector<int8_t> differences(2000, 0);
  for (size_t i = 0; i < 60; ++i) differences[i] = 1;
  for (size_t i = 60; i < 160; ++i) differences[i] = -1;
  const double mean = -40.0 / 2000.0;
  const double error = std::sqrt((160.0 / 2000.0 - mean * mean) / 2000.0);
  const Interval interval = bootstrap_mean(differences, {.replicates = 4000, .seed = 7});
  // A 2.5 % quantile of 4000 replicates has a standard error of sqrt(0.025 * 0.975 / 4000) / 0.058
  // = 0.042 standard deviations; five of those, and the lattice of 1/2000.
  const double tolerance = 5.0 * 0.042 * error + 1.0 / 2000.0;
  CHECK(std::abs(interval.low - (mean - kZ95 * error)) < tolerance);
  CHECK(std::abs(interval.high - (mean + kZ95 * error)) < tolerance);
}

TEST_CASE("resampling depends on the seed and not on the number of threads") {
  std::vector<int8_t> differences(301);
  for (size_t i = 0; i < differences.size(); ++i) differences[i] = static_cast<int8_t>(i % 3) - 1;
  const Interval one = bootstrap_mean(differences, {.replicates = 500, .seed = 1, .threads = 1});
  const Interval two = bootstrap_mean(differences, {.replicates = 500, .seed = 1, .threads = 2});
  const Interval other = bootstrap_mean(differences, {.replicates = 500, .seed = 2, .threads = 1});
  CHECK(one == two);
  CHECK_FALSE(one == other);
}

TEST_CASE("the bootstrap of a median brackets it and collapses on constant data") {
  std::vector<double> ratios;
  for (int i = 0; i < 41; ++i) ratios.push_back(0.5 + 0.001 * i);
  const Interval interval = bootstrap_median(ratios, {.seed = 3});
  CHECK(interval.low < 0.52);
  CHECK(interval.high > 0.52);
  // The exact order-statistic interval for n = 41: ranks 14 and 28 (binomial 95 %), one rank slack.
  CHECK(interval.low >= ratios[12]);
  CHECK(interval.high <= ratios[28]);
  const std::vector<double> constant(10, 0.7);
  CHECK(bootstrap_median(constant, {}) == Interval{0.7, 0.7});
}

}  // namespace
}  // namespace pare::eval
