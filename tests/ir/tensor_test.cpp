// SPDX-License-Identifier: Apache-2.0
// Tensors: sizes, packing, decoding of every scheme and layout, and what composite() refuses.
#include "lib/ir/tensor.hpp"

#include <cstring>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/ir/sparse.hpp"

namespace pare::ir {
namespace {

Tensor codes_tensor(DType dtype, const Dims& dims, const std::vector<int32_t>& codes) {
  Bytes bytes;
  if (info(dtype).bits == 4) {
    bytes = pack_nibbles(codes);
  } else {
    const size_t width = static_cast<size_t>(info(dtype).bits) / 8;
    bytes.resize(codes.size() * width);
    // Little-endian machines only, as the file format is.
    for (size_t i = 0; i < codes.size(); ++i)
      std::memcpy(bytes.data() + i * width, &codes[i], width);
  }
  return Tensor(dtype, dims, Buffer::heap(std::move(bytes)));
}

// A random composite tensor, and what it must decode to by the formula in quant_scheme.hpp, worked
// out element by element.
struct Sample {
  Tensor tensor;
  std::vector<float> expected;
};

int64_t random_in(Rng& rng, int64_t low, int64_t high) { return low + rng.below(high - low + 1); }

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

int64_t group_index(int64_t element, const Dims& dims, const QuantScheme& s) {
  if (s.axis < 0) return s.group_size > 0 ? element / s.group_size : 0;
  int64_t after = 1;
  for (size_t i = static_cast<size_t>(s.axis) + 1; i < dims.size(); ++i) after *= dims[i];
  const int64_t row = element / after % dims[static_cast<size_t>(s.axis)];
  if (s.group_size == 0) return row;
  return row * ceil_div(after, s.group_size) + element % after / s.group_size;
}

Sample random_sample(const Dims& dims, const QuantScheme& s, const SparseLayout& layout,
                     uint64_t seed) {
  Rng rng(seed);
  const int64_t count = element_count(dims);
  const GroupGeometry g = groups_of(dims, s);
  const auto groups = static_cast<size_t>(g.rows * g.groups_per_row);
  std::vector<float> scales(groups);
  std::vector<int32_t> scale_codes(groups), zeros(groups);
  for (size_t i = 0; i < groups; ++i) {
    scales[i] = rng.uniform(0.01F, 2.0F);
    scale_codes[i] = static_cast<int32_t>(random_in(rng, 0, 63));
    zeros[i] =
        s.symmetric ? 0 : static_cast<int32_t>(random_in(rng, min_code(s.code), max_code(s.code)));
  }
  Tensor::Parts parts;
  if (s.super_group > 0) {
    std::vector<float> super(
        static_cast<size_t>(ceil_div(g.rows * g.groups_per_row, s.super_group)));
    for (float& x : super) x = rng.uniform(0.001F, 0.1F);
    for (size_t i = 0; i < groups; ++i) {
      scales[i] =
          static_cast<float>(scale_codes[i]) * super[i / static_cast<size_t>(s.super_group)];
    }
    parts.set(Part::kScales, codes_tensor(s.scale, {g.rows * g.groups_per_row}, scale_codes));
    parts.set(Part::kSuperScales, Tensor::f32({static_cast<int64_t>(super.size())}, super));
  } else {
    parts.set(Part::kScales, Tensor::f32({g.rows * g.groups_per_row}, scales));
  }
  if (!s.symmetric)
    parts.set(Part::kZeroPoints,
              Tensor::of<int32_t>(DType::kI32, {g.rows * g.groups_per_row}, zeros));
  std::vector<float> book(static_cast<size_t>(max_code(s.code)) + 1);
  for (float& x : book) x = rng.normal();
  if (s.codebook)
    parts.set(Part::kCodebook, Tensor::f32({static_cast<int64_t>(book.size())}, book));

  std::vector<uint8_t> kept(static_cast<size_t>(count), 1);
  if (layout.kind == SparseKind::kBitmask) {
    for (auto& k : kept) k = rng.below(3) == 0 ? 1 : 0;
  } else if (layout.kind == SparseKind::kNOfM) {
    const int64_t columns = dims.size() > 1 && dims[0] > 0 ? count / dims[0] : count;
    for (int64_t i = 0; i < count; ++i)
      kept[static_cast<size_t>(i)] = i % columns % layout.m < layout.n ? 1 : 0;
  } else if (layout.kind == SparseKind::kBlock) {
    for (int64_t i = 0; i < count; ++i)
      kept[static_cast<size_t>(i)] = i / layout.block % 2 == 0 ? 1 : 0;
  }
  Sample out;
  std::vector<int32_t> stored;
  for (int64_t i = 0; i < count; ++i) {
    if (!kept[static_cast<size_t>(i)]) {
      out.expected.push_back(0.0F);
      continue;
    }
    const auto code = static_cast<int32_t>(random_in(rng, min_code(s.code), max_code(s.code)));
    const auto group = static_cast<size_t>(group_index(i, dims, s));
    const float value =
        s.codebook ? book[static_cast<size_t>(code)] : static_cast<float>(code - zeros[group]);
    stored.push_back(code);
    out.expected.push_back(scales[group] * value);
  }
  const bool dense = layout.kind == SparseKind::kDense;
  parts.set(Part::kCodes,
            codes_tensor(s.code, dense ? dims : Dims{static_cast<int64_t>(stored.size())}, stored));
  if (!dense) {
    parts.set(Part::kMask, Tensor(DType::kU8, {mask_bytes(dims, layout)},
                                  Buffer::heap(pack_mask(kept, dims, layout))));
  }
  out.tensor = Tensor::composite(dims, s, layout, parts);
  return out;
}

TEST_CASE(
    "every scheme in every layout decodes to scale * (code - zero point), missing elements to 0") {
  const std::vector<Dims> shapes{{5, 3, 3}, {4, 70}, {1, 1}, {7}, {3, 64}, {0, 4}};
  const std::vector<SparseLayout> layouts{{},
                                          {.kind = SparseKind::kBitmask},
                                          {.kind = SparseKind::kNOfM, .n = 2, .m = 4},
                                          {.kind = SparseKind::kBlock, .block = 6}};
  uint64_t seed = 0;
  for (const Dims& dims : shapes) {
    for (const DType code : {DType::kI8, DType::kU8, DType::kI4, DType::kU4, DType::kI16}) {
      for (const bool symmetric : {true, false}) {
        for (const int axis : {-1, 0, static_cast<int>(dims.size()) - 1}) {
          for (const int64_t group_size : {0, 4, 32}) {
            for (const int64_t super_group : {0, 3}) {
              if (group_size > 0 && axis > 0) continue;
              const QuantScheme s{.code = code,
                                  .scale = super_group > 0 ? DType::kU8 : DType::kF32,
                                  .symmetric = symmetric,
                                  .axis = axis,
                                  .group_size = group_size,
                                  .super_group = super_group};
              for (const SparseLayout& layout : layouts) {
                const Sample sample = random_sample(dims, s, layout, ++seed);
                REQUIRE(to_f32(sample.tensor) == sample.expected);
              }
            }
          }
        }
      }
    }
  }
}

TEST_CASE("codebook codes look their value up, dense and sparse") {
  for (const DType code : {DType::kU4, DType::kU8}) {
    for (const SparseLayout& layout :
         {SparseLayout{}, SparseLayout{.kind = SparseKind::kBitmask}}) {
      const QuantScheme s{.code = code, .axis = 0, .group_size = 16, .codebook = true};
      const Sample sample = random_sample({6, 50}, s, layout, 3);
      CHECK(to_f32(sample.tensor) == sample.expected);
    }
  }
}

TEST_CASE("a code outside its codebook is an error, not a read past the table") {
  const std::vector<float> one{1.0F};
  Tensor::Parts parts;
  parts.set(Part::kCodes, codes_tensor(DType::kU4, {2}, {0, 3}))
      .set(Part::kScales, Tensor::f32({1}, one));
  parts.set(Part::kCodebook, Tensor::f32({2}, std::vector<float>{0.5F, 1.5F}));
  const Tensor t =
      Tensor::composite({2}, QuantScheme{.code = DType::kU4, .codebook = true}, {}, parts);
  CHECK_THROWS_AS(to_f32(t), Error);
}

TEST_CASE("codes of elements that are not stored are the zero point of their group") {
  const QuantScheme s{.code = DType::kU8, .symmetric = false, .axis = 0};
  const Sample sample = random_sample({3, 10}, s, {.kind = SparseKind::kBitmask}, 11);
  const std::vector<int32_t> codes = to_codes(sample.tensor);
  const std::vector<int64_t> zeros = to_i64(*sample.tensor.part(Part::kZeroPoints));
  const BufferView mask = sample.tensor.part(Part::kMask)->view();
  const auto kept = expand_mask(mask.bytes(), {3, 10}, sample.tensor.layout());
  for (size_t i = 0; i < codes.size(); ++i) {
    if (!kept[i]) CHECK(codes[i] == zeros[i / 10]);
  }
}

TEST_CASE("a sparse tensor of plain values decodes in f32 and f16") {
  const std::vector<uint8_t> kept{0, 1, 0, 0, 1, 1};
  const SparseLayout layout{.kind = SparseKind::kBitmask};
  Tensor::Parts parts;
  const std::vector<uint16_t> halves{f32_to_f16(1.5F), f32_to_f16(-2.0F), f32_to_f16(0.25F)};
  parts.set(Part::kCodes, Tensor::of<uint16_t>(DType::kF16, {3}, halves));
  parts.set(Part::kMask, Tensor(DType::kU8, {1}, Buffer::heap(pack_mask(kept, {2, 3}, layout))));
  const Tensor t = Tensor::composite({2, 3}, std::nullopt, layout, parts);
  CHECK(to_f32(t) == std::vector<float>{0, 1.5F, 0, 0, -2.0F, 0.25F});
  CHECK(t.stored_elements() == 3);
  CHECK(t.stored_bytes() == 7);
  CHECK(!t.is_quantized());
  CHECK(t.is_sparse());
}

TEST_CASE("scheme and layout survive JSON") {
  const QuantScheme s{.code = DType::kU4,
                      .scale = DType::kI8,
                      .symmetric = false,
                      .axis = 0,
                      .group_size = 32,
                      .super_group = 8};
  CHECK(scheme_from_json(parse_json(to_text(to_json(s)), "t"), "t") == s);
  for (const SparseLayout& l :
       {SparseLayout{}, SparseLayout{.kind = SparseKind::kNOfM, .n = 2, .m = 4},
        SparseLayout{.kind = SparseKind::kBlock, .block = 16}}) {
    CHECK(layout_from_json(parse_json(to_text(to_json(l)), "t"), "t") == l);
  }
}

TEST_CASE("composite refuses parts that do not go together") {
  const Dims dims{4, 6};
  const QuantScheme s{.code = DType::kI8, .axis = 0};
  const std::vector<float> four(4, 1.0F);
  const auto build = [&](const auto& change) {
    Dims d = dims;
    QuantScheme scheme = s;
    SparseLayout layout;
    Tensor::Parts parts;
    parts.set(Part::kCodes, codes_tensor(DType::kI8, dims, std::vector<int32_t>(24)));
    parts.set(Part::kScales, Tensor::f32({4}, four));
    change(d, scheme, layout, parts);
    return Tensor::composite(d, scheme, layout, parts);
  };
  const auto refused = [&](const auto& change) { CHECK_THROWS_AS(build(change), Error); };
  using P = Tensor::Parts;
  CHECK_NOTHROW(build([](Dims&, QuantScheme&, SparseLayout&, P&) {}));
  refused([](Dims&, QuantScheme&, SparseLayout&, P& p) { p.at[0] = nullptr; });
  refused([](Dims&, QuantScheme&, SparseLayout&, P& p) { p.at[2] = nullptr; });
  refused([](Dims& d, QuantScheme&, SparseLayout&, P&) { d = {6, 4}; });
  refused([](Dims& d, QuantScheme&, SparseLayout&, P&) { d = {INT64_MAX, 3}; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.axis = 2; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.axis = 1; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.axis = -2; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.code = DType::kU8; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.code = DType::kF16; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.symmetric = false; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.group_size = 3; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.group_size = -1; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.super_group = 2; });
  refused([](Dims&, QuantScheme& q, SparseLayout&, P&) { q.codebook = true; });
  refused([](Dims&, QuantScheme&, SparseLayout& l, P&) { l.kind = SparseKind::kBitmask; });
  refused([&](Dims&, QuantScheme&, SparseLayout&, P& p) {
    p.set(Part::kZeroPoints, Tensor::f32({4}, four));
  });
  refused([&](Dims&, QuantScheme&, SparseLayout&, P& p) {
    p.set(Part::kScales, Tensor::f32({3}, std::span(four).first(3)));
  });
}

TEST_CASE("masks that lie about what is stored are refused") {
  const auto build = [](Bytes mask, SparseLayout layout, int64_t stored) {
    Tensor::Parts parts;
    const std::vector<float> values(static_cast<size_t>(stored), 1.0F);
    const auto size = static_cast<int64_t>(mask.size());
    parts.set(Part::kCodes, Tensor::f32({stored}, values));
    parts.set(Part::kMask, Tensor(DType::kU8, {size}, Buffer::heap(std::move(mask))));
    return Tensor::composite({2, 5}, std::nullopt, layout, parts);
  };
  const SparseLayout bits{.kind = SparseKind::kBitmask};
  const SparseLayout two_of_four{.kind = SparseKind::kNOfM, .n = 2, .m = 4};
  const auto bytes = [](std::initializer_list<int> values) {
    Bytes out;
    for (const int v : values) out.push_back(static_cast<std::byte>(v));
    return out;
  };
  CHECK_NOTHROW(build(bytes({0x03, 0x02}), bits, 3));
  CHECK_THROWS_AS(build(bytes({0x03, 0x02}), bits, 4), Error);
  CHECK_THROWS_AS(build(bytes({0x03, 0x04}), bits, 3), Error);  // past element 10
  CHECK_THROWS_AS(build(bytes({0x03}), bits, 2), Error);
  CHECK_NOTHROW(build(bytes({0x05, 1, 0, 0}), two_of_four, 3));
  CHECK_THROWS_AS(build(bytes({0x07, 0, 0, 0}), two_of_four, 3), Error);  // three of four
  CHECK_THROWS_AS(build(bytes({0, 2, 0, 0}), two_of_four, 1), Error);     // past the tail group
  CHECK_THROWS_AS(build(bytes({1}), {.kind = SparseKind::kBlock, .block = 0}, 1), Error);
  CHECK_THROWS_AS(build(bytes({1}), {.kind = SparseKind::kNOfM, .n = 4, .m = 4}, 1), Error);
}

TEST_CASE("a composite of deferred parts evaluates nothing until it is decoded") {
  int calls = 0;
  const auto deferred = [&](int64_t size, std::byte value) {
    return Buffer::deferred(size, [&calls, size, value] {
      ++calls;
      return Bytes(static_cast<size_t>(size), value);
    });
  };
  Tensor::Parts parts;
  parts.set(Part::kCodes, Tensor(DType::kI8, {5}, deferred(5, std::byte{2})));
  parts.set(Part::kMask, Tensor(DType::kU8, {1}, deferred(1, std::byte{0x1F})));
  parts.set(Part::kScales, Tensor(DType::kF32, {1}, deferred(4, std::byte{0})));
  const Tensor t = Tensor::composite({8}, QuantScheme{}, {.kind = SparseKind::kBitmask}, parts);
  CHECK(t.stored_bytes() == 10);
  CHECK(calls == 0);
  CHECK(to_f32(t) == std::vector<float>(8, 0.0F));
  CHECK(calls == 3);
  parts.set(Part::kMask, Tensor(DType::kU8, {1}, deferred(1, std::byte{0x0F})));
  const Tensor lying = Tensor::composite({8}, QuantScheme{}, {.kind = SparseKind::kBitmask}, parts);
  CHECK_THROWS_AS(to_f32(lying), Error);
}

TEST_CASE("a damaged checked buffer is refused at every view, a good one is checked once") {
  const Bytes bytes(4, std::byte{1});
  const auto owner = std::make_shared<const Bytes>(bytes);
  int checks = 0;
  const Buffer good = Buffer::checked(*owner, owner, [&](auto) { ++checks; });
  good.view();
  good.view();
  CHECK(checks == 1);
  const Buffer bad = Buffer::checked(*owner, owner, [](auto) { throw Error("file", "damaged"); });
  CHECK(bad.size() == 4);
  CHECK_THROWS_AS(bad.view(), Error);
  CHECK_THROWS_AS(bad.view(), Error);
}

TEST_CASE("a view keeps its bytes alive after buffer and owner are gone") {
  Buffer buffer = Buffer::heap(Bytes(3, std::byte{9}));
  const BufferView view = buffer.view();
  buffer = Buffer();
  CHECK(view.bytes()[2] == std::byte{9});
  CHECK(buffer.size() == 0);
  CHECK(buffer.view().bytes().empty());
}

TEST_CASE("sizes are checked and never overflow") {
  CHECK(byte_size(DType::kI4, Dims{3}) == 2);
  CHECK(byte_size(DType::kBool, Dims{3}) == 3);
  CHECK(byte_size(DType::kF32, Dims{}) == 4);
  CHECK_THROWS_AS(byte_size(DType::kF32, Dims{int64_t{1} << 61}), Error);
  CHECK_THROWS_AS(byte_size(DType::kF32, Dims{int64_t{1} << 32, int64_t{1} << 32}), Error);
  CHECK_THROWS_AS(byte_size(DType::kF32, Dims{-1}), Error);
  CHECK_THROWS_AS(Tensor(DType::kF32, {2}, Buffer::heap(Bytes(7))), Error);
  // A zero dimension must not hide an overflow of the others.
  CHECK_THROWS_AS(groups_of({0, int64_t{1} << 40, int64_t{1} << 40}, QuantScheme{.axis = 0}),
                  Error);
  CHECK(min_code(DType::kI4) == -8);
  CHECK(max_code(DType::kU4) == 15);
  CHECK(min_code(DType::kI64) == INT64_MIN);
  CHECK(max_code(DType::kI64) == INT64_MAX);
}

TEST_CASE("groups of a row have a short tail and never straddle rows") {
  const GroupGeometry g = groups_of({3, 10}, QuantScheme{.axis = 0, .group_size = 4});
  CHECK(g.rows == 3);
  CHECK(g.columns == 10);
  CHECK(g.groups_per_row == 3);
  CHECK(groups_of({3, 10}, QuantScheme{.axis = 1}).rows == 10);
  CHECK(groups_of({3, 10}, QuantScheme{}).groups_per_row == 1);
  CHECK(groups_of({3, 10}, QuantScheme{.axis = 0, .group_size = INT64_MAX}).groups_per_row == 1);
}

}  // namespace
}  // namespace pare::ir
