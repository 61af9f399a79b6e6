// SPDX-License-Identifier: Apache-2.0
// The weights of a layer against the base's, channel by channel.
#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/eval/diagnose/causes.hpp"
#include "lib/eval/report/numbers.hpp"

namespace pare::eval {
namespace {

constexpr double kOneBitDb = 6.0206;
// A covering scale is 1, a searched one at least half; beyond, codes are wasted or clipped.
constexpr double kScaleOff = 2.5;
// Values that all point the base's way but are longer or shorter by this.
constexpr double kGainOff = 0.10;
constexpr double kSameDirection = 0.98;
// Channels of less power than this, relative to the mean channel, do nothing.
constexpr double kDeadPower = 0.01;
// More channels than this part of a layer are no outliers: the layer was trained further.
constexpr double kFewChannels = 0.25;
// Relative error of weights at which 8 bits a channel are never (a bound for values spread evenly
// is 53 dB) and 4 bits often are.
constexpr double kCoarseDb = 25.0;
constexpr double kFewCodes = 16.0;
// Of a layer's squared weights: more than this cannot go unnoticed (SQNR 10 dB).
constexpr double kPrunedPower = 0.10;

struct Channel {
  double base = 0;       // sum of w^2 in the base
  double ours = 0;       // in the candidate
  double error = 0;      // of the difference
  double base_kept = 0;  // base, where the candidate is not zero
  double dot = 0;
  double peak = 0;  // largest |w| in the base
  int64_t kept = 0;
  // Length against the base's, of what is left.
  double gain() const { return base_kept > 0 ? dot / base_kept : 1.0; }
  double cosine() const {
    return base_kept > 0 && ours > 0 ? dot / std::sqrt(base_kept * ours) : 0;
  }
};

struct Weights {
  std::vector<Channel> channels;
  std::vector<double> scales;  // one a channel; empty: not quantized, or in groups
  double largest_code = 127;
  double mean_power = 0;
  double base = 0, error = 0;
  bool quantized = false;
  bool one_scale = false;
  size_t count = 0;  // elements
};

void add_scales(const ir::Tensor& tensor, Weights& out) {
  const ir::QuantScheme* scheme = tensor.scheme();
  if (scheme == nullptr) return;
  out.quantized = true;
  out.largest_code = static_cast<double>(ir::max_code(scheme->code));
  const ir::Tensor* scales = tensor.part(ir::Part::kScales);
  if (scales == nullptr || scheme->group_size > 0 || scheme->codebook || !scheme->symmetric ||
      scheme->super_group > 0) {
    return;
  }
  const std::vector<float> values = ir::to_f32(*scales);
  if (values.size() != 1 && values.size() != out.channels.size()) return;
  for (size_t c = 0; c < out.channels.size(); ++c) {
    out.scales.push_back(static_cast<double>(values[values.size() == 1 ? 0 : c]));
  }
  out.one_scale = out.channels.size() > 1 &&
                  std::ranges::all_of(out.scales, [&](double s) { return s == out.scales[0]; });
}

Weights compare_weights(const Part& part) {
  const ir::Tensor& base = part.base.parameters.at(part.weight);
  const ir::Tensor& ours = part.candidate.parameters.at(part.weight);
  const ir::GroupGeometry g = ir::groups_of(base.dims(), {.axis = part.output_axis});
  const std::vector<float> a = ir::to_f32(base);
  const std::vector<float> b = ir::to_f32(ours);
  Weights out;
  out.channels.resize(static_cast<size_t>(g.rows));
  for (size_t i = 0; i < a.size(); ++i) {
    Channel& c = out.channels[static_cast<size_t>(static_cast<int64_t>(i) / g.inner % g.rows)];
    const auto x = static_cast<double>(a[i]);
    const auto y = static_cast<double>(b[i]);
    c.base += x * x;
    c.ours += y * y;
    c.error += (x - y) * (x - y);
    c.peak = std::max(c.peak, std::abs(x));
    if (b[i] == 0.0F) continue;
    c.base_kept += x * x;
    c.dot += x * y;
    ++c.kept;
  }
  for (const Channel& c : out.channels) out.base += c.base, out.error += c.error;
  out.count = a.size();
  out.mean_power = out.base / static_cast<double>(out.channels.size());
  add_scales(ours, out);
  return out;
}

double decibels(double ratio) { return 10.0 * std::log10(std::max(ratio, 1e-30)); }

// Rounding error of the base's weights relative to their channel, mean over the channels: a channel
// of small weights counts like any other, because its inputs are often large.
double rounding_error(const Weights& w, const Part& part, bool one_scale) {
  const ir::Tensor& base = part.base.parameters.at(part.weight);
  const ir::GroupGeometry g = ir::groups_of(base.dims(), {.axis = part.output_axis});
  double peak = 0;
  for (const Channel& c : w.channels) peak = std::max(peak, c.peak);
  const std::vector<float> values = ir::to_f32(base);
  double error = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const Channel& channel =
        w.channels[static_cast<size_t>(static_cast<int64_t>(i) / g.inner % g.rows)];
    const double scale = (one_scale ? peak : channel.peak) / w.largest_code;
    if (scale <= 0 || channel.base <= 0) continue;
    const auto x = static_cast<double>(values[i]);
    const double off = x - scale * std::nearbyint(x / scale);
    error += off * off / channel.base;
  }
  return error / static_cast<double>(w.channels.size());
}

void add_per_tensor(const Weights& w, const Part& part, std::vector<Evidence>& out) {
  if (!w.one_scale) return;
  const double gain =
      decibels(rounding_error(w, part, true) / std::max(rounding_error(w, part, false), 1e-30));
  if (gain < kOneBitDb) return;
  std::vector<double> peaks;
  int64_t starved = 0;
  for (const Channel& c : w.channels) {
    peaks.push_back(c.peak);
    starved += c.peak / w.scales[0] < kFewCodes ? 1 : 0;
  }
  std::ranges::sort(peaks);
  const double median = peaks[peaks.size() / 2];
  Evidence evidence{.cause = Cause::kPerTensor};
  evidence.text = "one scale for " + std::to_string(peaks.size()) +
                  (part.depthwise ? " depthwise" : "") + " channels, the largest " +
                  (median > 0 ? fixed(peaks.back() / median, 1) + " times the median" : "alone") +
                  "; " + std::to_string(starved) + " of them use fewer than 16 codes; a scale a " +
                  "channel would be " + fixed(gain, 1) + " dB better";
  evidence.figures = {{"channels", peaks.size()},
                      {"largest_over_median", median > 0 ? Json(peaks.back() / median) : Json()},
                      {"channels_below_16_codes", starved},
                      {"per_channel_gain_db", gain},
                      {"depthwise", part.depthwise}};
  out.push_back(std::move(evidence));
}

void add_pruned_channels(const Weights& w, std::vector<Evidence>& out) {
  Json gone = Json::array();
  double power = 0;
  size_t largest = 0;
  for (size_t c = 0; c < w.channels.size(); ++c) {
    const Channel& channel = w.channels[c];
    if (channel.kept > 0 || channel.base < kDeadPower * w.mean_power || channel.base <= 0) continue;
    if (gone.empty() || channel.base > w.channels[largest].base) largest = c;
    gone.push_back(c);
    power += channel.base;
  }
  if (gone.empty()) return;
  Evidence evidence{.cause = Cause::kPrunedChannel};
  evidence.text = std::to_string(gone.size()) + " of " + std::to_string(w.channels.size()) +
                  " channels have no weights left, among them channel " + std::to_string(largest) +
                  "; in the base they hold " + percent(power / w.base, 1) +
                  " of the layer's squared weights";
  evidence.figures = {
      {"channels", gone}, {"largest_channel", largest}, {"power_fraction", power / w.base}};
  out.push_back(std::move(evidence));
}

void add_pruned_weights(const Weights& w, std::vector<Evidence>& out) {
  double kept = 0;
  int64_t left = 0;
  for (const Channel& c : w.channels) kept += c.base_kept, left += c.kept;
  const double gone = 1.0 - kept / w.base;
  if (w.quantized || gone < kPrunedPower) return;
  Evidence evidence{.cause = Cause::kPrunedWeights};
  const double sparsity = 1.0 - static_cast<double>(left) / static_cast<double>(w.count);
  evidence.text = percent(sparsity, 1) + " of the weights are zero; in the base they hold " +
                  percent(gone, 1) + " of the layer's squared weights";
  evidence.figures = {{"sparsity", sparsity}, {"power_fraction", gone}};
  out.push_back(std::move(evidence));
}

// How far a channel's scale is from the one that covers its weights; 1 when that cannot be said.
double scale_ratio(const Weights& w, size_t c) {
  const double needed = w.channels[c].peak / w.largest_code;
  return w.scales.empty() || w.one_scale || needed <= 0 ? 1.0 : w.scales[c] / needed;
}

void add_scale_off(const Weights& w, std::vector<Evidence>& out) {
  if (!w.quantized) return;
  std::vector<size_t> off;
  double error = 0;
  const auto distance = [&](size_t c) {
    return std::max(std::abs(std::log(scale_ratio(w, c))),
                    std::abs(std::log(std::max(w.channels[c].gain(), 1e-6))));
  };
  for (size_t c = 0; c < w.channels.size(); ++c) {
    const Channel& channel = w.channels[c];
    if (channel.base < kDeadPower * w.mean_power || channel.kept == 0) continue;
    const double ratio = scale_ratio(w, c);
    const bool scaled = ratio > kScaleOff || ratio < 1 / kScaleOff;
    const bool stretched =
        channel.cosine() > kSameDirection && std::abs(channel.gain() - 1) > kGainOff;
    if (!scaled && !stretched) continue;
    off.push_back(c);
    error += channel.error;
  }
  const auto most = std::max(1.0, kFewChannels * static_cast<double>(w.channels.size()));
  if (off.empty() || static_cast<double>(off.size()) > most) return;
  const size_t worst = *std::ranges::max_element(off, {}, distance);
  const double gain = w.channels[worst].gain();
  const double ratio = scale_ratio(w, worst);
  Evidence evidence{.cause = Cause::kOutlierChannel};
  evidence.text = "channel " + std::to_string(worst) + " of " + std::to_string(w.channels.size()) +
                  ": its scale is " + fixed(ratio != 1.0 ? ratio : gain, 2) +
                  " times what its weights need, its values " + fixed(gain, 2) +
                  " times the base's";
  if (off.size() > 1) {
    evidence.text += "; " + std::to_string(off.size() - 1) + " more such";
  }
  evidence.text += "; " + percent(error / std::max(w.error, 1e-30), 1) +
                   " of the weights' squared error is there";
  evidence.figures = {{"channel", worst},
                      {"channels", off},
                      {"scale_ratio", ratio},
                      {"gain", gain},
                      {"share_of_weight_error", error / std::max(w.error, 1e-30)}};
  out.push_back(std::move(evidence));
}

void add_coarse(const Weights& w, std::vector<Evidence>& out) {
  if (!w.quantized || w.error <= 0) return;
  const double sqnr = decibels(w.base / w.error);
  if (sqnr >= kCoarseDb) return;
  Evidence evidence{.cause = Cause::kCoarseWeights};
  evidence.text = "the weights differ from the base's by " +
                  percent(std::sqrt(w.error / w.base), 1) + " (SQNR " + fixed(sqnr, 1) +
                  " dB) at codes up to " + fixed(w.largest_code, 0);
  evidence.figures = {{"weight_sqnr_db", sqnr}, {"largest_code", w.largest_code}};
  out.push_back(std::move(evidence));
}

}  // namespace

std::vector<Evidence> weight_evidence(const Part& part) {
  std::vector<Evidence> out;
  if (part.weight.empty()) return out;
  const Weights w = compare_weights(part);
  if (w.error <= 0 || w.base <= 0) return out;
  add_per_tensor(w, part, out);
  // A scale that suits none of the channels explains what follows.
  if (!out.empty()) return out;
  add_scale_off(w, out);
  add_pruned_channels(w, out);
  if (out.empty()) add_pruned_weights(w, out);
  if (out.empty()) add_coarse(w, out);
  return out;
}

}  // namespace pare::eval
