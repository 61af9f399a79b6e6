// SPDX-License-Identifier: Apache-2.0
// Resize: every output coordinate of an axis is a weighted sum of a few input coordinates, worked
// out once; an output element is the sum over the products of its axes' weights.
#include <algorithm>
#include <array>
#include <cmath>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/source.hpp"
#include "lib/runtime/kernels/strides.hpp"

namespace pare::runtime::reference {

namespace {

struct Tap {
  int64_t at = 0;
  double weight = 1;
};
using Taps = std::vector<Tap>;  // of one output coordinate; empty: the extrapolation value

// One axis: its sizes and how coordinates go back to the input.
struct Axis {
  int64_t in = 1, out = 1;
  double scale = 1;
  double roi_start = 0, roi_end = 1;
};

class Resampler {
 public:
  explicit Resampler(const ir::Node& node)
      : name_(node.name),
        mode_(ir::attr_string(node, "mode", "nearest")),
        coordinates_(ir::attr_string(node, "coordinate_transformation_mode", "half_pixel")),
        rounding_(ir::attr_string(node, "nearest_mode", "round_prefer_floor")),
        cubic_a_(ir::attr_float(node, "cubic_coeff_a", -0.75F)),
        antialias_(ir::attr_int(node, "antialias", 0) != 0),
        exclude_outside_(ir::attr_int(node, "exclude_outside", 0) != 0) {
    if (mode_ != "nearest" && mode_ != "linear" && mode_ != "cubic") {
      throw Error(name_, "Resize mode is " + mode_);
    }
  }

  std::vector<Taps> taps(const Axis& axis) const {
    std::vector<Taps> out;
    for (int64_t o = 0; o < axis.out; ++o) out.push_back(taps_at(axis, origin(axis, o)));
    return out;
  }

 private:
  // The input coordinate of output coordinate `o`.
  double origin(const Axis& axis, int64_t o) const {
    const auto x = static_cast<double>(o);
    const double in = static_cast<double>(axis.in);
    const double exact = axis.scale * in;  // the output size before it was rounded
    if (coordinates_ == "align_corners") return exact == 1 ? 0 : x * (in - 1) / (exact - 1);
    if (coordinates_ == "asymmetric") return x / axis.scale;
    if (coordinates_ == "tf_crop_and_resize") {
      const double part = (axis.roi_end - axis.roi_start) * (in - 1);
      const double start = axis.roi_start * (in - 1);
      return axis.out == 1 ? start + part / 2
                           : start + x * part / static_cast<double>(axis.out - 1);
    }
    const double half = (x + 0.5) / axis.scale - 0.5;
    if (coordinates_ == "half_pixel") return half;
    if (coordinates_ == "pytorch_half_pixel") return axis.out == 1 ? -0.5 : half;
    if (coordinates_ == "half_pixel_symmetric") {
      return in / 2 * (1 - static_cast<double>(axis.out) / exact) + half;
    }
    throw Error(name_, "coordinate_transformation_mode is " + coordinates_);
  }

  Taps taps_at(const Axis& axis, double x) const {
    const double last = static_cast<double>(axis.in - 1);
    if (coordinates_ == "tf_crop_and_resize" && (x < 0 || x > last)) return {};
    if (mode_ == "nearest") return {{clamped(axis, nearest(x))}};
    // Neighbours of (base, base + 1]: base - reach + 1 ... base + reach.
    const double base = std::ceil(x) - 1;
    const double shrink = antialias_ ? std::min(axis.scale, 1.0) : 1.0;
    const double support = mode_ == "linear" ? 1 : 2;
    const auto reach = static_cast<int64_t>(-std::floor(-support / shrink));
    Taps taps;
    double sum = 0;
    for (int64_t i = 1 - reach; i <= reach; ++i) {
      const double at = base + static_cast<double>(i);
      double weight = kernel((at - x) * shrink);
      if (exclude_outside_ && (at < 0 || at > last)) weight = 0;
      if (weight == 0) continue;
      taps.push_back({clamped(axis, at), weight});
      sum += weight;
    }
    if (antialias_ || exclude_outside_) {
      for (Tap& tap : taps) tap.weight /= sum;
    }
    return taps;
  }

  double nearest(double x) const {
    if (rounding_ == "floor") return std::floor(x);
    if (rounding_ == "ceil") return std::ceil(x);
    if (rounding_ == "round_prefer_ceil") return std::floor(x + 0.5);
    if (rounding_ == "round_prefer_floor") return std::ceil(x - 0.5);
    throw Error(name_, "nearest_mode is " + rounding_);
  }

  double kernel(double distance) const {
    const double x = std::fabs(distance);
    if (mode_ == "linear") return std::max(0.0, 1 - x);
    const double a = cubic_a_;  // Keys 1981
    if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
    return x < 2 ? a * (((x - 5) * x + 8) * x - 4) : 0;
  }

  static int64_t clamped(const Axis& axis, double at) {
    return static_cast<int64_t>(std::clamp(at, 0.0, static_cast<double>(axis.in - 1)));
  }

  std::string name_, mode_, coordinates_, rounding_;
  double cubic_a_;
  bool antialias_, exclude_outside_;
};

std::vector<Axis> axes_of(const StepSpec& step) {
  const ir::Dims& in = step.input(0).dims;
  const ir::Dims& out = step.output().dims;
  std::vector<Axis> axes(in.size());
  std::vector<int64_t> named;
  for (size_t d = 0; d < in.size(); ++d) {
    axes[d] = {.in = in[d], .out = out[d]};
    axes[d].scale = static_cast<double>(out[d]) / static_cast<double>(std::max<int64_t>(in[d], 1));
    named.push_back(static_cast<int64_t>(d));
  }
  named = ir::attr_ints(step.node, "axes", named);
  const auto floats = [&](int input) {
    return step.has_input(input) && step.input(input).constant
               ? ir::to_f32(*step.input(input).constant)
               : std::vector<float>();
  };
  const std::vector<float> roi = floats(1), scales = floats(2), sizes = floats(3);
  const std::string policy = ir::attr_string(step.node, "keep_aspect_ratio_policy", "stretch");
  double common = policy == "not_larger" ? HUGE_VAL : 0;
  for (size_t i = 0; i < named.size(); ++i) {
    Axis& axis = axes[normal_axis(named[i], in.size())];
    if (i < scales.size()) axis.scale = scales[i];
    if (i < sizes.size()) {
      const double wanted = sizes[i] / static_cast<double>(axis.in);
      common = policy == "not_larger" ? std::min(common, wanted) : std::max(common, wanted);
    }
    if (roi.size() == 2 * named.size()) {
      axis.roi_start = roi[i];
      axis.roi_end = roi[named.size() + i];
    }
  }
  if (policy != "stretch" && !sizes.empty()) {
    for (const int64_t d : named) axes[normal_axis(d, in.size())].scale = common;
  }
  return axes;
}

// The sum over one axis and those after it; `missing` when a coordinate lies outside.
struct Interpolation {
  std::vector<std::vector<Taps>> taps;  // [axis][output coordinate]
  std::vector<int64_t> strides;
  float missing = 0.0F;

  double at(const float* in, const std::vector<int64_t>& index, size_t axis) const {
    if (axis == taps.size()) return *in;
    double sum = 0;
    for (const Tap& tap : taps[axis][static_cast<size_t>(index[axis])]) {
      sum += tap.weight * at(in + tap.at * strides[axis], index, axis + 1);
    }
    return sum;
  }
  bool inside(const std::vector<int64_t>& index) const {
    for (size_t d = 0; d < taps.size(); ++d) {
      if (taps[d][static_cast<size_t>(index[d])].empty()) return false;
    }
    return true;
  }
};

}  // namespace

Kernel make_resize(const StepSpec& step) {
  const Resampler resampler(step.node);
  auto plan = std::make_shared<Interpolation>();
  for (const Axis& axis : axes_of(step)) plan->taps.push_back(resampler.taps(axis));
  plan->strides = row_major_strides(step.input(0).dims);
  plan->missing = ir::attr_float(step.node, "extrapolation_value", 0.0F);
  const ir::Dims dims = step.output().dims;
  const std::vector<int64_t> none(dims.size(), 0);
  const FloatSource source(step, 0);
  Kernel kernel{.name = "reference-Resize"};
  kernel.run = [=, index = none](const RunArgs& args) mutable {
    walk(dims, none, index, [&](int64_t i, int64_t) {
      const bool inside = plan->inside(index);
      args.out<float>()[i] =
          inside ? static_cast<float>(plan->at(source.get(args), index, 0)) : plan->missing;
    });
  };
  return kernel;
}

}  // namespace pare::runtime::reference
