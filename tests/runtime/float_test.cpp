// SPDX-License-Identifier: Apache-2.0
// f32 kernels against loops in double written here, and against the reference session.
#include <algorithm>
#include <array>

#include <doctest/doctest.h>

#include "tests/runtime/isa_guard.hpp"
#include "tests/runtime/network.hpp"
#include "tests/runtime/resnet.hpp"

using namespace pare;
using test::ConvShape;
using test::Network;

namespace {

struct Reference {
  std::vector<double> value;
  std::vector<double> magnitude;  // sum of absolute products, for the error bound
};

// y[n][oc][oy][ox], straight from the definition of ONNX Conv.
Reference naive_conv(const ir::Dims& in, std::span<const float> x, const ir::Dims& w_dims,
                     std::span<const float> w, std::span<const float> bias, const ConvShape& c,
                     int64_t out_h, int64_t out_w) {
  Reference out;
  const int64_t group_in = in[1] / c.groups;
  const int64_t group_out = c.out / c.groups;
  for (int64_t i = 0; i < in[0] * c.out * out_h * out_w; ++i) {
    const int64_t ox = i % out_w;
    const int64_t oy = i / out_w % out_h;
    const int64_t oc = i / (out_w * out_h) % c.out;
    const int64_t n = i / (out_w * out_h * c.out);
    double sum = bias.empty() ? 0.0 : bias[static_cast<size_t>(oc)];
    double magnitude = std::abs(sum);
    for (int64_t k = 0; k < group_in * w_dims[2] * w_dims[3]; ++k) {
      const int64_t kx = k % w_dims[3];
      const int64_t ky = k / w_dims[3] % w_dims[2];
      const int64_t channel = oc / group_out * group_in + k / (w_dims[2] * w_dims[3]);
      const int64_t y_at = oy * c.stride - c.pads[0] + ky * c.dilation;
      const int64_t x_at = ox * c.stride - c.pads[1] + kx * c.dilation;
      if (y_at < 0 || y_at >= in[2] || x_at < 0 || x_at >= in[3]) continue;
      const double a =
          x[static_cast<size_t>(((n * in[1] + channel) * in[2] + y_at) * in[3] + x_at)];
      const double b = w[static_cast<size_t>(oc * group_in * w_dims[2] * w_dims[3] + k)];
      sum += a * b;
      magnitude += std::abs(a * b);
    }
    out.value.push_back(sum);
    out.magnitude.push_back(magnitude);
  }
  return out;
}

using Tile = std::array<std::array<double, 4>, 4>;

// What bounds the values that minimal filtering F(2x2, 3x3) adds up for one output: the transforms
// of winograd_block.hpp with the magnitude of everything in them.
class MinimalFiltering {
 public:
  MinimalFiltering(const ir::Dims& in, std::span<const float> x, std::span<const float> w,
                   const ConvShape& c)
      : in_(in), x_(x), w_(w), c_(c) {}

  double magnitude(int64_t n, int64_t oc, int64_t oy, int64_t ox) const {
    Tile sum{};
    for (int64_t channel = 0; channel < in_[1]; ++channel) {
      const Tile d = input(n, channel, oy / 2 * 2 - c_.pads[0], ox / 2 * 2 - c_.pads[1]);
      const Tile u = filter(oc * in_[1] + channel);
      for (size_t i = 0; i < 16; ++i) sum[i / 4][i % 4] += d[i / 4][i % 4] * u[i / 4][i % 4];
    }
    // A^T is (1 1 1 0; 0 1 -1 -1).
    const auto first_row = static_cast<size_t>(oy % 2), first_column = static_cast<size_t>(ox % 2);
    double total = 0.0;
    for (size_t r = first_row; r < first_row + 3; ++r) {
      for (size_t k = first_column; k < first_column + 3; ++k) total += sum[r][k];
    }
    return total;
  }

 private:
  // B^T adds two of four.
  Tile input(int64_t n, int64_t channel, int64_t top, int64_t left) const {
    constexpr size_t kPairs[4][2] = {{0, 2}, {1, 2}, {1, 2}, {1, 3}};
    const auto at = [&](size_t r, size_t k) {
      const int64_t y = top + static_cast<int64_t>(r), xx = left + static_cast<int64_t>(k);
      if (y < 0 || y >= in_[2] || xx < 0 || xx >= in_[3]) return 0.0;
      const int64_t i = ((n * in_[1] + channel) * in_[2] + y) * in_[3] + xx;
      return std::abs(static_cast<double>(x_[static_cast<size_t>(i)]));
    };
    Tile out{};
    for (size_t r = 0; r < 4; ++r) {
      for (size_t k = 0; k < 4; ++k) {
        for (const size_t a : kPairs[r]) {
          for (const size_t b : kPairs[k]) out[r][k] += at(a, b);
        }
      }
    }
    return out;
  }

  // G is (1 0 0; 1/2 1/2 1/2; 1/2 -1/2 1/2; 0 0 1).
  Tile filter(int64_t index) const {
    constexpr double kG[4][3] = {{1, 0, 0}, {0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}, {0, 0, 1}};
    Tile out{};
    for (size_t i = 0; i < 16 * 9; ++i) {
      const size_t r = i / 36, k = i / 9 % 4, a = i / 3 % 3, b = i % 3;
      const float weight = w_[static_cast<size_t>(index) * 9 + i % 9];
      out[r][k] += kG[r][a] * kG[k][b] * std::abs(static_cast<double>(weight));
    }
    return out;
  }

  const ir::Dims& in_;
  std::span<const float> x_, w_;
  const ConvShape& c_;
};

// Whether the convolution was one of minimal filtering.
bool check_conv(ir::Dims item, const ConvShape& shape, runtime::SessionOptions options) {
  Network net(item, false, 5);
  const ir::Model model = net.finish({net.conv(net.input(), shape)});
  const auto& parameters = model.parameters.entries();
  const std::vector<float> weight = ir::to_f32(parameters[0].tensor);
  std::vector<float> bias;
  if (shape.bias) bias = ir::to_f32(parameters[1].tensor);
  runtime::Session session(model, options);
  test::fill_random(session.input(), 3);
  session.run();
  const ir::Dims& in = session.input_dims(0);
  const ir::Dims& out = session.output_dims(0);
  Reference expected = naive_conv(in, session.input(), parameters[0].tensor.dims(), weight, bias,
                                  shape, out[2], out[3]);
  // A sum of k rounded products in any order errs by at most (k + 1) * 2^-24 of the sum of absolute
  // products (Higham, Accuracy and Stability, 3.1).
  double terms = static_cast<double>(weight.size()) / static_cast<double>(shape.out) + 2;
  const bool filtered = std::ranges::any_of(session.steps(), [](const runtime::StepInfo& step) {
    return step.kernel.find("winograd") != std::string::npos;
  });
  if (filtered) {
    // On the way to an output a value is rounded twice by the input's transform and once by the
    // filter's, by a fused product and sum a channel, by two sums of the output's transform twice,
    // and by the bias.
    terms = static_cast<double>(item[0]) + 9;
    const MinimalFiltering filtering(in, session.input(), weight, shape);
    for (size_t i = 0; i < expected.magnitude.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      const int64_t oc = at / (out[3] * out[2]) % out[1];
      expected.magnitude[i] = filtering.magnitude(at / (out[3] * out[2] * out[1]), oc,
                                                  at / out[3] % out[2], at % out[3]);
      if (shape.bias) expected.magnitude[i] += std::abs(bias[static_cast<size_t>(oc)]);
    }
  }
  for (size_t i = 0; i < expected.value.size(); ++i) {
    const double bound = terms * 0x1p-24 * expected.magnitude[i];
    REQUIRE(std::abs(session.output()[i] - expected.value[i]) <= bound);
  }
  return filtered;
}

}  // namespace

TEST_CASE("convolutions equal their definition within the rounding bound") {
  struct Case {
    ir::Dims item;
    ConvShape conv;
  };
  const Case cases[] = {
      {{1, 28, 28}, {.out = 9}},
      {{3, 11, 7}, {.out = 16, .stride = 2}},
      {{9, 8, 8}, {.out = 33, .kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}}},
      {{9, 8, 8}, {.out = 18, .kernel_h = 1, .kernel_w = 1, .stride = 2, .pads = {0, 0, 0, 0}}},
      {{5, 9, 13}, {.out = 31, .kernel_h = 5, .kernel_w = 3, .dilation = 2, .pads = {4, 0, 1, 3}}},
      {{8, 6, 6}, {.out = 12, .groups = 4, .bias = false}},
      {{21, 7, 5}, {.out = 21, .stride = 2, .groups = 21}},
      {{64, 4, 4}, {.out = 80}},
      {{16, 9, 37}, {.out = 33, .stride = 2}},
      {{4, 12, 40}, {.out = 20}},
      {{18, 6, 11}, {.out = 18, .groups = 18}},
      {{32, 6, 6}, {.out = 32, .kernel_h = 5, .kernel_w = 5, .groups = 32, .pads = {2, 2, 2, 2}}},
  };
  for (const Case& c : cases) {
    for (const int64_t batch : {1, 3}) {
      CAPTURE(c.conv.out);
      check_conv(c.item, c.conv, {.batch = batch, .reference = true});
      check_conv(c.item, c.conv, {.batch = batch});
      for (const std::string& isa : test::available_isas()) {
        CAPTURE(isa);
        const test::IsaGuard guard(isa);
        check_conv(c.item, c.conv, {.batch = batch, .own_kernels_only = true});
      }
    }
  }
}

TEST_CASE("minimal filtering equals the definition within its rounding bound") {
  struct Case {
    ir::Dims item;
    ConvShape conv;
  };
  const Case cases[] = {
      {{16, 32, 32}, {.out = 16}},
      {{20, 7, 9}, {.out = 18, .bias = false}},
      {{64, 4, 3}, {.out = 80}},
      {{37, 9, 13}, {.out = 33, .pads = {0, 2, 3, 1}}},
      {{16, 6, 40}, {.out = 50, .pads = {0, 0, 0, 0}}},
      {{80, 3, 107}, {.out = 17}},
  };
  for (const Case& c : cases) {
    for (const std::string& isa : test::available_isas()) {
      CAPTURE(isa);
      const test::IsaGuard guard(isa);
      for (const int threads : {1, 3}) {
        const bool filtered = check_conv(c.item, c.conv, {.batch = 3, .threads = threads});
        CHECK(filtered == (isa != "scalar"));
      }
    }
  }
}

TEST_CASE("products of ours equal the reference within the rounding bound") {
  for (const int64_t depth : {1, 15, 300, 1024}) {
    for (const int64_t out : {1, 16, 17, 100}) {
      Network net({depth}, false, static_cast<uint64_t>(depth + out));
      const ir::Model model = net.finish({net.gemm(net.input(), out, false)});
      for (const int64_t batch : {1, 2, 19, 131}) {
        const auto expected = test::run_once(model, {.batch = batch, .reference = true});
        for (const std::string& isa : test::available_isas()) {
          CAPTURE(isa);
          const test::IsaGuard guard(isa);
          const auto got = test::run_once(model, {.batch = batch, .own_kernels_only = true});
          REQUIRE(got.size() == expected.size());
          // Two sums of n products of at most 4 * 4, each within (n + 1) * 2^-24 of the sum of
          // magnitudes.
          for (size_t i = 0; i < got.size(); ++i) {
            const auto n = static_cast<float>(depth);
            CHECK(std::abs(got[i] - expected[i]) < 2.0F * (n + 1.0F) * 0x1p-24F * 16.0F * n);
          }
        }
      }
    }
  }
}

namespace {

// Convolutions of every kind, and products of every number of rows.
std::vector<ir::Model> networks() {
  Network net({20}, false, 4);
  const ir::ValueId hidden = net.gemm(net.input(), 1024, false);
  Network image({24, 9, 7}, false, 4);
  const ConvShape point = {.out = 40, .kernel_h = 1, .kernel_w = 1, .pads = {0, 0, 0, 0}};
  const ConvShape wide = {.out = 48, .kernel_h = 5, .kernel_w = 5, .stride = 2, .groups = 2};
  return {test::resnet8(16, 28, false),
          image.finish({image.conv(image.conv(image.input(), point), wide)}),
          net.finish({net.gemm(net.gemm(hidden, 530, false), 9, false)})};
}

}  // namespace

TEST_CASE("a float network has the same bits at any number of threads") {
  for (const ir::Model& model : networks()) {
    for (const int64_t batch : {1, 5, 150}) {
      const auto one = test::run_once(model, {.batch = batch, .threads = 1});
      for (const int threads : {2, 3, 8, 32}) {
        CHECK(test::run_once(model, {.batch = batch, .threads = threads}) == one);
      }
    }
  }
}

TEST_CASE("a float network has the same bits however a batch is split") {
  for (const ir::Model& model : networks()) {
    constexpr int64_t kBatch = 99;
    runtime::Session all(model, {.batch = kBatch});
    test::fill_random(all.input(), 3);
    all.run();
    const size_t in = all.input().size() / kBatch, out = all.output().size() / kBatch;
    for (const int64_t part : {1, 3, 11, 33}) {
      CAPTURE(part);
      runtime::Session session(model, {.batch = part});
      for (int64_t i = 0; i < kBatch; i += part) {
        const auto first = static_cast<size_t>(i), count = static_cast<size_t>(part);
        std::ranges::copy(all.input().subspan(first * in, count * in), session.input().begin());
        session.run();
        CHECK(std::ranges::equal(session.output(), all.output().subspan(first * out, count * out)));
      }
    }
  }
}

TEST_CASE("fused and folded float networks agree with the unfused reference") {
  for (const int64_t width : {9, 16}) {
    const ir::Model model = test::resnet8(width, 28, false);
    const auto expected = test::run_once(model, {.batch = 2, .reference = true});
    const auto fast = test::run_once(model, {.batch = 2});
    REQUIRE(expected.size() == fast.size());
    float largest = 0.0F;
    for (const float x : expected) largest = std::max(largest, std::abs(x));
    // Eight layers of at most 9 * 64 terms: each errs by at most 577 * 2^-24 of its magnitude and
    // the He-scaled weights keep magnitudes; eight times that, doubled for the growth along
    // shortcuts.
    const float bound = 2.0F * 8.0F * 577.0F * 0x1p-24F * std::max(largest, 1.0F) * 4.0F;
    for (size_t i = 0; i < fast.size(); ++i) CHECK(std::abs(fast[i] - expected[i]) <= bound);
  }
}
