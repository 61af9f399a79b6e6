// SPDX-License-Identifier: Apache-2.0
#include "lib/ir/element_reader.hpp"

#include <algorithm>
#include <bit>

#include <doctest/doctest.h>

#include "tests/formats/sample_models.hpp"

namespace pare::formats {
namespace {

bool same_bits(std::span<const float> a, std::span<const float> b) {
  return std::ranges::equal(
      a, b, {}, [](float x) { return std::bit_cast<uint32_t>(x); },
      [](float x) { return std::bit_cast<uint32_t>(x); });
}

}  // namespace

TEST_CASE("any range of any kind of tensor is read as the whole is") {
  for (const ir::Model& model :
       {tests::every_storage(), tests::small_mlp(), tests::int8_resnet8()}) {
    for (const auto& [name, tensor] : model.parameters.entries()) {
      CAPTURE(name.c_str());
      const std::vector<float> whole = ir::to_f32(tensor);
      const ir::ElementReader reader(tensor);
      for (const size_t length : {size_t{1}, size_t{7}, size_t{64}, size_t{2049}}) {
        std::vector<float> read(whole.size());
        for (size_t at = 0; at < read.size(); at += length) {
          const size_t n = std::min(length, read.size() - at);
          reader.read(static_cast<int64_t>(at), std::span(read).subspan(at, n));
        }
        CHECK(same_bits(read, whole));
      }
      const auto zeros = std::ranges::count(whole, 0.0F);
      for (const int threads : {1, 3}) CHECK(ir::zero_count(tensor, threads) == zeros);
    }
  }
}

TEST_CASE("every f16 becomes the f32 that one alone does, whatever stands beside it") {
  std::vector<uint16_t> halves(1 << 16);
  for (size_t i = 0; i < halves.size(); ++i) halves[i] = static_cast<uint16_t>(i * 40503U);
  const auto count = static_cast<int64_t>(halves.size());
  const std::vector<float> values =
      ir::to_f32(ir::Tensor::of<uint16_t>(ir::DType::kF16, {count}, halves));
  std::vector<float> expected;
  for (const uint16_t half : halves) expected.push_back(ir::f16_to_f32(half));
  CHECK(same_bits(values, expected));
}

}  // namespace pare::formats
