// SPDX-License-Identifier: Apache-2.0
// Models taken apart and put together, and the figures of a diagnosis against sums done here.
#include <algorithm>
#include <cmath>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/eval/diagnose/causes.hpp"
#include "lib/eval/predictions.hpp"
#include "quantize/passes.hpp"
#include "tests/diagnose/break_model.hpp"

using namespace pare;
using namespace pare::eval;

namespace {

data::Splits glyphs() { return data::open("synthetic:glyphs?train=300&test=100", {}); }

ir::Model classifier() { return formats::read("tests/diagnose/fixtures/glyphs.dscnn.pare"); }

ir::Model quantized(const ir::Model& model, const Json& options) {
  const pass::PassInfo& info = quantize::passes().front();
  pass::Context context;
  context.calibration = glyphs().train;
  return pass::run(info, model, pass::Options(info.options, options), context);
}

std::vector<float> logits_of(const ir::Model& model) {
  return predict(model, *glyphs().test, {}, "model").logits;
}

size_t index_of(const LayerPairs& pairs, const std::string& name) {
  return static_cast<size_t>(std::ranges::find(pairs.parts, name, &Part::name) -
                             pairs.parts.begin());
}

ObservedOutput values(std::vector<float> sample) {
  ObservedOutput out;
  out.count = std::ssize(sample);
  for (const float x : sample) out.low = std::min(out.low, x), out.high = std::max(out.high, x);
  out.sample = std::move(sample);
  return out;
}

}  // namespace

TEST_CASE("all parts of one model, put together, are that model") {
  const ir::Model base = classifier();
  for (const Json& options : {Json{{"scheme", "w8a8"}}, Json{{"scheme", "w4a16"}}}) {
    const ir::Model candidate = quantized(base, options);
    const LayerPairs pairs = pair_layers(base, candidate, "base", "candidate");
    const std::vector<float> expected_base = logits_of(base);
    const auto rebuilt_base = logits_of(mixture(pairs, std::vector<bool>(pairs.parts.size())));
    for (size_t i = 0; i < expected_base.size(); ++i) {
      // Another order of f32 sums over at most 144 products and 10 layers.
      CHECK(rebuilt_base[i] == doctest::Approx(expected_base[i]).epsilon(1e-4));
    }
    // Integer arithmetic is exact, so are codes dequantized at load.
    CHECK(logits_of(mixture(pairs, std::vector<bool>(pairs.parts.size(), true))) ==
          logits_of(candidate));
  }
}

TEST_CASE("a part alone changes its own output and nothing before it") {
  const ir::Model base = classifier();
  const ir::Model candidate = quantized(base, {{"scheme", "w8a8"}});
  const LayerPairs pairs = pair_layers(base, candidate, "base", "candidate");
  const size_t at = index_of(pairs, "block2.depthwise");
  REQUIRE(at < pairs.parts.size());
  CHECK(pairs.parts[at].depthwise);
  std::vector<bool> from(pairs.parts.size());
  const ir::Model whole = mixture(pairs, from);
  from[at] = true;
  const ir::Model alone = mixture(pairs, from);
  std::vector<WatchedOutput> watched;
  for (size_t i = 0; i <= at; ++i) {
    if (pairs.parts[i].kind == PartKind::kInput) continue;
    watched.push_back(
        {output_in(whole.main(), pairs.parts[i]), output_in(alone.main(), pairs.parts[i])});
  }
  const auto errors = output_errors(whole, alone, watched, *glyphs().test, 50);
  for (size_t i = 0; i + 1 < errors.size(); ++i) CHECK_FALSE(errors[i].sqnr_db().has_value());
  REQUIRE(errors.back().sqnr_db().has_value());
  CHECK(*errors.back().sqnr_db() > 30.0);
  CHECK(*errors.back().sqnr_db() < 60.0);
}

TEST_CASE("signal to error and cosine are what the sums say") {
  // x = (3, 4), y = (3, 3): signal 25, error 1, dot 21, |y|^2 = 18.
  const OutputError error{.signal = 25, .error = 1, .other = 18, .dot = 21};
  CHECK(*error.sqnr_db() == doctest::Approx(13.9794).epsilon(1e-5));
  CHECK(error.cosine() == doctest::Approx(21 / std::sqrt(450.0)));
  CHECK_FALSE(OutputError{.signal = 1, .other = 1, .dot = 1}.sqnr_db().has_value());
  CHECK(OutputError{}.cosine() == 1.0);
}

TEST_CASE("ranges that fit are no evidence, narrow and wide ones are") {
  std::vector<float> sample;
  for (int i = 0; i < 4000; ++i) sample.push_back(static_cast<float>(i) / 4000.0F);
  const ObservedOutput seen = values(sample);
  Part part;
  part.candidate.quant = ir::ActivationQuant{.scale = 1.0F / 255};
  CHECK(range_evidence(part, seen, 512).empty());
  part.candidate.quant->scale = 0.25F / 255;
  const auto narrow = range_evidence(part, seen, 512);
  REQUIRE(narrow.size() == 1);
  CHECK(narrow[0].cause == Cause::kSaturation);
  CHECK(narrow[0].figures["saturated_fraction"].get<double>() ==
        doctest::Approx(0.75).epsilon(0.01));
  // The error of values spread evenly over [0, 1) that end at 1/4: integral of (x - 1/4)^2, 27/192;
  // one of the best range: a step of 1/255, squared, over 12.
  CHECK(narrow[0].figures["loss_db"].get<double>() ==
        doctest::Approx(10 * std::log10(27.0 / 192 * 12 * 255 * 255)).epsilon(0.01));
  part.candidate.quant->scale = 8.0F / 255;
  const auto wide = range_evidence(part, seen, 512);
  REQUIRE(wide.size() == 1);
  CHECK(wide[0].cause == Cause::kDeadRange);
  // A step eight times as wide: 18 dB.
  CHECK(wide[0].figures["loss_db"].get<double>() == doctest::Approx(18.06).epsilon(0.02));
  CHECK(range_evidence(part, seen, 16)[0].cause == Cause::kFewSamples);
}

TEST_CASE("weights that were only rounded are no evidence; one channel's scale is") {
  const ir::Model base = classifier();
  ir::Model candidate = quantized(base, {{"scheme", "w8a8"}});
  const LayerPairs healthy = pair_layers(base, candidate, "base", "candidate");
  for (const Part& part : healthy.parts) {
    CAPTURE(part.name);
    CHECK(weight_evidence(part).empty());
  }
  for (const float factor : {4.0F, 0.25F, 1.2F}) {
    CAPTURE(factor);
    ir::Model broken = candidate;
    test::break_channel_scale(broken, "block3.pointwise", 5, factor);
    const LayerPairs pairs = pair_layers(base, broken, "base", "broken");
    const auto found = weight_evidence(pairs.parts[index_of(pairs, "block3.pointwise")]);
    REQUIRE(found.size() == 1);
    CHECK(found[0].cause == Cause::kOutlierChannel);
    CHECK(found[0].figures["channel"] == 5);
    CHECK(found[0].figures["gain"].get<double>() ==
          doctest::Approx(static_cast<double>(factor)).epsilon(0.01));
  }
}

TEST_CASE("a channel without weights is evidence only where it did something") {
  const ir::Model base = classifier();
  ir::Model pruned = base;
  const std::string name = "block2.pointwise.weight";
  const ir::Tensor& weight = base.parameters.at(name);
  std::vector<float> without = ir::to_f32(weight);
  std::fill_n(without.begin() + 7 * 16, 16, 0.0F);
  pruned.parameters.set(name, ir::Tensor::f32(weight.dims(), without));
  const LayerPairs pairs = pair_layers(base, pruned, "base", "pruned");
  const auto found = weight_evidence(pairs.parts[index_of(pairs, "block2.pointwise")]);
  REQUIRE(found.size() == 1);
  CHECK(found[0].cause == Cause::kPrunedChannel);
  CHECK(found[0].figures["channels"] == Json::array({7}));
}

TEST_CASE("networks of other shapes or operators are refused") {
  const ir::Model base = classifier();
  ir::Model other = base;
  const ir::Tensor& weight = base.parameters.at("logits.weight");
  other.parameters.set("logits.weight",
                       ir::Tensor::f32({weight.dims()[1], weight.dims()[0]}, ir::to_f32(weight)));
  CHECK_THROWS_AS(pair_layers(base, other, "base", "other"), Error);
}
