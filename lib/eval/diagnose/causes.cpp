// SPDX-License-Identifier: Apache-2.0
// Names of causes, and what two statements of preprocessing differ in.
#include "lib/eval/diagnose/causes.hpp"

#include <array>
#include <cstdio>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

struct CauseName {
  std::string_view id;
  std::string_view title;
};
constexpr std::array kNames = {
    CauseName{"preprocessing", "preprocessing differs"},
    CauseName{"outlier_channel", "outlier channel"},
    CauseName{"saturation", "saturation"},
    CauseName{"dead_range", "dead range"},
    CauseName{"few_calibration_samples", "too few calibration samples"},
    CauseName{"per_tensor", "one scale for all channels"},
    CauseName{"pruned_channel", "pruned-away channel"},
    CauseName{"pruned_weights", "pruned too far"},
    CauseName{"coarse_weights", "coarse weights"},
    CauseName{"unexplained", "no known cause"},
};

std::string number(float value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", static_cast<double>(value));
  return text;
}

std::string numbers(const std::vector<float>& values, const char* when_empty) {
  if (values.empty()) return when_empty;
  constexpr size_t kShown = 4;
  std::string out;
  for (size_t i = 0; i < values.size() && i < kShown; ++i) {
    out += (i == 0 ? "" : ",") + number(values[i]);
  }
  return values.size() > kShown ? out + ",..." : out;
}

Json json_of(const ir::Preprocessing& p) {
  return {{"stated", p.stated}, {"input_scale", p.input_scale}, {"mean", p.mean},
          {"std", p.std},       {"layout", p.layout},           {"size", p.size}};
}

}  // namespace

std::string_view id_of(Cause cause) { return kNames[static_cast<size_t>(cause)].id; }
std::string_view title_of(Cause cause) { return kNames[static_cast<size_t>(cause)].title; }

Evidence preprocessing_evidence(const ir::Preprocessing& base, const ir::Preprocessing& candidate) {
  Evidence out{.cause = Cause::kPreprocessing};
  out.figures = {{"base", json_of(base)}, {"candidate", json_of(candidate)}};
  std::string differences;
  const auto say = [&](const std::string& what, const std::string& ours,
                       const std::string& theirs) {
    if (ours == theirs) return;
    differences +=
        (differences.empty() ? "" : "; ") + what + " " + ours + ", in the base " + theirs;
  };
  const auto stated = [](const ir::Preprocessing& p) {
    return std::string(p.stated ? "stated" : "not stated");
  };
  say("preprocessing is", stated(candidate), stated(base));
  say("input scale", number(candidate.input_scale), number(base.input_scale));
  say("mean", numbers(candidate.mean, "0"), numbers(base.mean, "0"));
  say("std", numbers(candidate.std, "1"), numbers(base.std, "1"));
  say("layout", escaped(candidate.layout), escaped(base.layout));
  say("size", ir::to_string(ir::shape_of(candidate.size)), ir::to_string(ir::shape_of(base.size)));
  out.text = differences;
  return out;
}

}  // namespace pare::eval
