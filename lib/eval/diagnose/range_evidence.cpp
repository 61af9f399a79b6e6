// SPDX-License-Identifier: Apache-2.0
// The range of codes against the values they stand for.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/eval/diagnose/causes.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

// One bit: twice the step, four times the squared error.
constexpr double kOneBitDb = 6.0206;
// Less than a quarter of what quantize takes when it is not told.
constexpr int64_t kFewSamples = 128;
// Four bits: the median channel has 16 codes of 256 left.
constexpr double kOutlierRatio = 16.0;
constexpr int kShrinkSteps = 40;  // of a range, eight an octave: down to 1/32

struct RangeError {
  double clipped = 0;  // squared error of the values beyond the range
  double rounded = 0;  // of the others
  int64_t outside = 0;
  double total() const { return clipped + rounded; }
};

struct CodedRange {
  double low = 0, high = 0, scale = 1;
};

CodedRange range_of(const ir::ActivationQuant& quant) {
  const auto bottom = static_cast<double>(ir::min_code(quant.code) - quant.zero_point);
  const auto top = static_cast<double>(ir::max_code(quant.code) - quant.zero_point);
  const auto scale = static_cast<double>(quant.scale);
  return {.low = bottom * scale, .high = top * scale, .scale = scale};
}

CodedRange covering(double low, double high) {
  const double scale = std::max((high - low) / 255.0, 1e-30);
  const double zero = std::nearbyint(-low / scale);
  return {.low = -zero * scale, .high = (255.0 - zero) * scale, .scale = scale};
}

RangeError error_of(const std::vector<float>& values, const CodedRange& range) {
  RangeError out;
  for (const float value : values) {
    const auto x = static_cast<double>(value);
    const double inside = std::clamp(x, range.low, range.high);
    const double error = x - range.scale * std::nearbyint(inside / range.scale);
    // Half a step beyond the last code is still its own rounding.
    const bool beyond = std::abs(x - inside) > 0.5 * range.scale;
    (beyond ? out.clipped : out.rounded) += error * error;
    out.outside += beyond ? 1 : 0;
  }
  return out;
}

// The least error of any range that is what was seen, shrunk.
double least_error(const ObservedOutput& seen) {
  double best = std::numeric_limits<double>::infinity();
  for (int step = 0; step < kShrinkSteps; ++step) {
    const double factor = std::exp2(-step / 8.0);
    const CodedRange range =
        covering(static_cast<double>(seen.low) * factor, static_cast<double>(seen.high) * factor);
    best = std::min(best, error_of(seen.sample, range).total());
  }
  return best;
}

std::string shown(double value) {
  return fixed(value, std::abs(value) >= 100 ? 1 : std::abs(value) >= 1 ? 2 : 4);
}

std::string span_text(double low, double high) {
  return "[" + shown(low) + ", " + shown(high) + "]";
}

// One channel whose peak is far above the others': the others share few codes.
void add_outlier(const ObservedOutput& seen, const CodedRange& range, double activation_error,
                 std::vector<Evidence>& out) {
  if (seen.channel_peak.size() < 4) return;
  std::vector<float> peaks = seen.channel_peak;
  const auto worst = std::ranges::max_element(seen.channel_peak) - seen.channel_peak.begin();
  const auto middle = peaks.begin() + static_cast<std::ptrdiff_t>(peaks.size() / 2);
  std::ranges::nth_element(peaks, middle);
  const auto median = static_cast<double>(*middle);
  const auto largest = static_cast<double>(seen.channel_peak[static_cast<size_t>(worst)]);
  if (median <= 0 || largest < kOutlierRatio * median || activation_error <= 0) return;
  const double codes = median / range.scale;
  Evidence evidence{.cause = Cause::kOutlierChannel};
  evidence.text = "channel " + std::to_string(worst) + " of the output reaches " + shown(largest) +
                  ", " + fixed(largest / median, 0) + " times the median channel, to which " +
                  fixed(codes, 0) + " of 255 steps are left";
  evidence.figures = {{"channel", worst},
                      {"channel_peak", largest},
                      {"median_peak", median},
                      {"ratio", largest / median},
                      {"median_codes", codes}};
  out.push_back(std::move(evidence));
}

}  // namespace

double code_error(const Part& part, const ObservedOutput& seen) {
  if (!part.candidate.quant || seen.sample.empty()) return 0.0;
  return error_of(seen.sample, range_of(*part.candidate.quant)).total() *
         static_cast<double>(seen.count) / static_cast<double>(seen.sample.size());
}

std::vector<Evidence> range_evidence(const Part& part, const ObservedOutput& seen,
                                     int64_t calibration_samples) {
  std::vector<Evidence> out;
  if (!part.candidate.quant || seen.sample.empty() || seen.low == seen.high) return out;
  const CodedRange range = range_of(*part.candidate.quant);
  const RangeError error = error_of(seen.sample, range);
  const double best = std::max(least_error(seen), 1e-30);
  const double loss = 10.0 * std::log10(std::max(error.total(), 1e-30) / best);
  if (loss < kOneBitDb) {
    add_outlier(seen, range, error.total(), out);
    return out;
  }
  const double outside =
      static_cast<double>(error.outside) / static_cast<double>(seen.sample.size());
  const bool clips = error.clipped >= 0.5 * error.total();
  const double used =
      (static_cast<double>(seen.high) - static_cast<double>(seen.low)) / range.scale;
  Evidence evidence{.cause = clips ? Cause::kSaturation : Cause::kDeadRange};
  evidence.text = "codes cover " + span_text(range.low, range.high) + ", the base's values " +
                  span_text(static_cast<double>(seen.low), static_cast<double>(seen.high)) + ": " +
                  (clips ? percent(outside, outside < 0.1 ? 2 : 1) + " of them saturate"
                         : "only " + fixed(std::min(used + 1, 256.0), 0) + " of 256 codes occur") +
                  "; the best range would be " + fixed(loss, 1) + " dB better";
  evidence.figures = {{"calibrated", {range.low, range.high}},
                      {"observed", {seen.low, seen.high}},
                      {"saturated_fraction", outside},
                      {"clipping_share_of_error", error.clipped / error.total()},
                      {"codes_used", std::min(used + 1, 256.0)},
                      {"loss_db", loss}};
  if (calibration_samples > 0 && calibration_samples < kFewSamples) {
    evidence.cause = Cause::kFewSamples;
    evidence.text = "calibrated on " + std::to_string(calibration_samples) +
                    (calibration_samples == 1 ? " item; " : " items; ") + evidence.text;
    evidence.figures["calibration_samples"] = calibration_samples;
  }
  out.push_back(std::move(evidence));
  return out;
}

}  // namespace pare::eval
