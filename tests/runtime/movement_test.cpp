// SPDX-License-Identifier: Apache-2.0
// Slice, Pad and Concat between convolutions keep the layout that they are given: same values as
// the reference, and no reorders around them.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"

using namespace pare;
using test::Network;

namespace {

ir::ValueId integers(Network& net, std::vector<int64_t> values) {
  const auto count = static_cast<int64_t>(values.size());
  return net.constant(ir::Tensor::of<int64_t>(ir::DType::kI64, {count}, std::move(values)));
}

// A shortcut of option A (every other pixel, channels padded on both sides) and a Concat, between
// convolutions.
ir::Model network(bool quantized) {
  Network net({3, 9, 10}, quantized, 7);
  const ir::ValueId x = net.conv(net.input(), {.out = 12});
  const ir::ValueId sliced = net.reshaping("Slice",
                                           {x, integers(net, {0, 1}), integers(net, {100, 100}),
                                            integers(net, {2, 3}), integers(net, {2, 2})},
                                           {12, 5, 5});
  const ir::ValueId padded =
      net.reshaping("Pad", {sliced, integers(net, {0, 3, 1, 0, 0, 2, 0, 1})}, {17, 6, 6});
  const ir::ValueId cropped =
      net.reshaping("Pad", {padded, integers(net, {0, 0, -1, 0, 0, 0, 0, -1})}, {17, 5, 5});
  const ir::ValueId joined =
      net.reshaping("Concat", {cropped, sliced, cropped}, {46, 5, 5}, {{"axis", int64_t{1}}});
  return net.finish({net.conv(joined, {.out = 8})});
}

}  // namespace

TEST_CASE("movement between integer convolutions equals the reference") {
  const ir::Model model = network(true);
  const auto expected = test::run_once(model, {.batch = 2, .reference = true});
  CHECK(*std::ranges::max_element(expected) > *std::ranges::min_element(expected));
  for (const std::string& isa : test::available_isas()) {
    CAPTURE(isa);
    const test::IsaGuard guard(isa);
    CHECK(test::run_once(model, {.batch = 2}) == expected);
  }
}

TEST_CASE("movement between float convolutions agrees with the reference and reorders nothing") {
  const ir::Model model = network(false);
  const auto expected = test::run_once(model, {.batch = 2, .reference = true});
  for (const bool own : {false, true}) {
    const auto got = test::run_once(model, {.batch = 2, .own_kernels_only = own});
    REQUIRE(got.size() == expected.size());
    // Two convolutions of at most 9 * 46 products, magnitudes below 16 each:
    // 415 * 2^-24 * 414 * 16 < 0.17; what is seen is a thousandth of it.
    for (size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) < 1e-3F);
    const runtime::Session session(model, {.batch = 2, .own_kernels_only = own});
    int reorders = 0;
    for (const runtime::StepInfo& step : session.steps()) reorders += step.op == "Reorder";
    CHECK(reorders <= 1);  // the output
  }
}

namespace {

// The lower half of an image above its upper half.
ir::Model swapped_halves(bool quantized) {
  Network net({3, 8, 8}, quantized, 5);
  const ir::ValueId x = net.conv(net.input(), {.out = 16});
  const auto half = [&](int64_t from) {
    return net.reshaping("Slice",
                         {x, integers(net, {from}), integers(net, {from + 4}), integers(net, {2})},
                         {16, 4, 8});
  };
  const ir::ValueId joined =
      net.reshaping("Concat", {half(4), half(0)}, {16, 8, 8}, {{"axis", int64_t{2}}});
  return net.finish({net.conv(joined, {.out = 8})});
}

std::string concat_kernel(const ir::Model& model, int64_t batch) {
  const runtime::Session session(model, {.batch = batch});
  for (const runtime::StepInfo& step : session.steps()) {
    if (step.op == "Concat") return step.kernel;
  }
  return "none";
}

}  // namespace

TEST_CASE("a join of whole pieces is not copied: its inputs are written in place") {
  for (const bool quantized : {false, true}) {
    CAPTURE(quantized);
    const ir::Model model = swapped_halves(quantized);
    CHECK(concat_kernel(model, 1) == "elided");
    CHECK(concat_kernel(model, 2) == "move-Concat");  // pieces of two items alternate
    for (const int64_t batch : {1, 2}) {
      const auto expected =
          test::run_once(model, {.batch = batch, .reference = true, .own_kernels_only = true});
      const auto got = test::run_once(model, {.batch = batch, .own_kernels_only = true});
      REQUIRE(got.size() == expected.size());
      for (size_t i = 0; i < got.size(); ++i) {
        if (quantized) CHECK(got[i] == expected[i]);
        // As above: two convolutions, of at most 144 products.
        CHECK(std::abs(got[i] - expected[i]) < 1e-3F);
      }
    }
  }
}
