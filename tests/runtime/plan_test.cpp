// SPDX-License-Identifier: Apache-2.0
// What planning does: folding, fusion, placement in the arena, and that a run allocates nothing.
#include "lib/runtime/plan.hpp"

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/runtime/fuse.hpp"
#include "lib/runtime/layer_bench.hpp"
#include "tests/runtime/allocation_counter.hpp"
#include "tests/runtime/network.hpp"
#include "tests/runtime/resnet.hpp"

using namespace pare;
using test::Network;

namespace {

ir::Model conv_with_batch_norm() {
  Network net({3, 8, 8}, false, 4);
  const ir::ValueId x = net.conv(net.input(), {.out = 5});
  std::vector<ir::ValueId> inputs = {x};
  for (const float low : {0.5F, -1.0F, -1.0F, 0.1F}) {
    std::vector<float> values(5);
    for (float& value : values) value = net.rng().uniform(low, low + 1.5F);
    inputs.push_back(net.constant(ir::Tensor::f32({5}, values)));
  }
  const ir::ValueId normal = net.graph().add("BatchNormalization", inputs, {}, "norm");
  return net.finish({net.graph().add("Relu", {normal}, {}, "relu")});
}

}  // namespace

TEST_CASE("batch normalization folds into the convolution before it") {
  const ir::Model model = conv_with_batch_norm();
  const ir::Model folded = runtime::fold_batch_norm(model);
  CHECK(folded.main().nodes().size() == 2);
  CHECK(folded.parameters.entries().size() == 2);  // the norm's own are gone
  ir::verify(folded);
  const auto expected = test::run_once(model, {.reference = true});
  const auto got = test::run_once(folded, {.reference = true});
  REQUIRE(got.size() == expected.size());
  // 27 products of at most ~4 * 4 rounded twice each way: 28 * 2^-24 * 27 * 16 < 1e-3.
  for (size_t i = 0; i < got.size(); ++i) CHECK(std::abs(got[i] - expected[i]) < 1e-3F);
}

TEST_CASE("a watched value is neither folded nor fused away") {
  const ir::Model model = conv_with_batch_norm();
  const ir::Graph& graph = model.main();
  const ir::ValueId conv_output = graph.nodes()[0].outputs[0];
  runtime::Session session(model, {.watch = {conv_output}});
  runtime::Session reference(model, {.reference = true, .watch = {conv_output}});
  for (runtime::Session* s : {&session, &reference}) {
    test::fill_random(s->input(), 2);
    s->run();
  }
  for (size_t i = 0; i < session.watched(0).size(); ++i) {
    CHECK(std::abs(session.watched(0)[i] - reference.watched(0)[i]) < 1e-4F);
  }
}

TEST_CASE("a residual network materialises one value a fused step") {
  const ir::Model model = test::resnet8(8, 12, true);
  const ir::Graph& graph = model.main();
  for (const ir::ValueId id : runtime::materialised_values(model, graph)) {
    const bool logits = id == graph.outputs.front();
    CAPTURE(graph.value(id).name);
    CHECK(graph.value(id).quant.has_value() != logits);
  }
  runtime::Session session(model, {});
  for (const runtime::StepInfo& step : session.steps()) {
    CHECK((step.integer || step.op == "Quantize"));
  }
}

TEST_CASE("buffers that live at the same time do not overlap") {
  Rng rng(5);
  std::vector<runtime::PlannedBuffer> buffers(60);
  for (runtime::PlannedBuffer& b : buffers) {
    b.bytes = rng.below(5000);
    b.first_step = static_cast<int>(rng.below(30));
    b.last_step = b.first_step + static_cast<int>(rng.below(6));
    b.permanent = rng.below(10) == 0;
  }
  const int64_t size = runtime::place_buffers(buffers);
  int64_t total = 0;
  for (size_t i = 0; i < buffers.size(); ++i) {
    const runtime::PlannedBuffer& a = buffers[i];
    total += a.bytes;
    CHECK(a.offset % 64 == 0);
    CHECK(a.offset + a.bytes <= size);
    for (size_t j = 0; j < i; ++j) {
      const runtime::PlannedBuffer& b = buffers[j];
      const bool together = a.permanent || b.permanent ||
                            (a.first_step <= b.last_step && b.first_step <= a.last_step);
      const bool apart = a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset;
      CHECK((!together || apart || a.bytes == 0 || b.bytes == 0));
    }
  }
  CHECK(size < total);  // space is shared
}

TEST_CASE("a residual that nothing else needs is overwritten by the sum") {
  for (const bool quantized : {false, true}) {
    CAPTURE(quantized);
    const ir::Model model = test::resnet8(16, 16, quantized);
    const runtime::SessionOptions apart = {.own_kernels_only = true, .repeatable_steps = true};
    const int64_t in_place = runtime::Session(model, {.own_kernels_only = true}).arena_bytes();
    CHECK(in_place < runtime::Session(model, apart).arena_bytes());
    for (const int threads : {1, 3}) {
      CHECK(test::run_once(model, {.threads = threads, .own_kernels_only = true}) ==
            test::run_once(model, apart));
    }
  }
}

TEST_CASE("inputs, outputs and what is needed later are not overwritten") {
  Network net({4, 6, 6}, false, 9);
  const ir::ValueId first = net.graph().add("Relu", {net.input()}, {}, "first");
  const ir::ValueId second = net.graph().add("Mul", {first, net.input()}, {}, "second");
  const ir::ValueId third = net.graph().add("Mul", {second, first}, {}, "third");
  const ir::ValueId fourth = net.graph().add("Mul", {third, third}, {}, "fourth");
  const ir::Model model = net.finish({third, fourth});
  runtime::Session session(model, {});
  test::fill_random(session.input(), 3);
  const std::vector<float> x(session.input().begin(), session.input().end());
  for (int run = 0; run < 2; ++run) {
    session.run();
    for (size_t i = 0; i < x.size(); ++i) {
      const float relu = std::max(x[i], 0.0F);
      CHECK(session.input()[i] == x[i]);
      CHECK(session.output(0)[i] == relu * x[i] * relu);
      CHECK(session.output(1)[i] == session.output(0)[i] * session.output(0)[i]);
    }
  }
}

TEST_CASE("a run allocates nothing in our kernels") {
  const ir::Model model = test::resnet8(8, 12, true);
  runtime::Session session(model, {.batch = 2});
  test::fill_random(session.input(), 1);
  session.run();
  const int64_t before = test::allocation_count();
  session.run();
  CHECK(test::allocation_count() == before);
}

TEST_CASE("batch size does not change an item's codes") {
  const ir::Model model = test::resnet8(8, 12, true);
  runtime::Session many(model, {.batch = 4});
  runtime::Session one(model, {.batch = 1});
  test::fill_random(many.input(), 6);
  many.run();
  const size_t item = one.input().size();
  for (size_t n = 0; n < 4; ++n) {
    std::copy_n(many.input().begin() + static_cast<int64_t>(n * item), item, one.input().begin());
    one.run();
    for (size_t i = 0; i < 10; ++i) CHECK(one.output()[i] == many.output()[n * 10 + i]);
  }
}

TEST_CASE("layer timings cover every step of every session") {
  runtime::Session integer(test::resnet8(8, 12, true), {.repeatable_steps = true});
  runtime::Session real(test::resnet8(8, 12, false), {.repeatable_steps = true});
  runtime::Session* const sessions[] = {&integer, &real};
  const auto timings = runtime::bench_layers(sessions, {.warmup = 1, .rounds = 3});
  REQUIRE(timings.size() == 2);
  for (size_t s = 0; s < 2; ++s) {
    REQUIRE(timings[s].size() == sessions[s]->steps().size());
    for (const runtime::LayerTiming& timing : timings[s]) CHECK(timing.median_us > 0.0);
  }
}

TEST_CASE("planning names what it cannot run") {
  Network net({4}, false);
  ir::Model model = net.finish({net.graph().add("Relu", {net.input()}, {}, "relu")});
  model.graphs.front().value(model.graphs.front().inputs.front()).shape = {
      ir::Dim(std::string("batch")), ir::Dim(std::string("length"))};
  CHECK_THROWS_WITH_AS(runtime::Session(model, {}), "input: unknown dimension 'length'", Error);
  CHECK_THROWS_AS(runtime::Session(model, {.graph = "decoder"}), Error);
}
