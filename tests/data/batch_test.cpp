// SPDX-License-Identifier: Apache-2.0
#include "lib/data/batch.hpp"

#include <cmath>
#include <limits>
#include <numeric>

#include "lib/data/array.hpp"
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

namespace {

constexpr int64_t kChannels = 2, kHeight = 5, kWidth = 4;
constexpr size_t kCount = kChannels * kHeight * kWidth;

Array pixels(int64_t items) {
  Array out{.source = "pixels"};
  for (int64_t i = 0; i < items; ++i) {
    out.labels.push_back(i % 2);
    for (size_t p = 0; p < kCount; ++p) {
      out.bytes.push_back(static_cast<uint8_t>(1 + (static_cast<size_t>(i) * 91 + p * 13) % 255));
    }
  }
  return out;
}

std::shared_ptr<const Dataset> dataset_of(Array array, pare::ir::Dims item) {
  RawData raw;
  raw.info = {.source = array.source, .kind = "npz", .item = std::move(item)};
  raw.train = std::move(array);
  raw.info.classes = {"a", "b"};
  return make_splits(std::move(raw), {.validation_fraction = 0}).train;
}

std::shared_ptr<const Dataset> images(int64_t items) {
  return dataset_of(pixels(items), {kChannels, kHeight, kWidth});
}

// The same images held as floats.
std::shared_ptr<const Dataset> float_images(int64_t items) {
  Array array = pixels(items);
  array.floats.assign(array.bytes.begin(), array.bytes.end());
  array.bytes.clear();
  return dataset_of(std::move(array), {kChannels, kHeight, kWidth});
}

std::vector<float> batch(const Dataset& dataset, const pare::ir::Preprocessing& how,
                         const std::vector<int64_t>& items, const Augmentation* augmentation,
                         int64_t draw, int threads) {
  std::vector<float> out(items.size() *
                         static_cast<size_t>(pare::ir::element_count(dataset.info().item)));
  load_batch(dataset, how, items, augmentation, draw, out, threads);
  return out;
}

const pare::ir::Preprocessing kHow{
    .stated = true, .input_scale = 1.0F / 255.0F, .mean = {0.25F, 0.5F}, .std = {0.3F, 0.7F}};

}  // namespace

TEST_CASE("a batch is (raw * scale - mean) / std in both layouts") {
  const auto dataset = images(3);
  pare::ir::Preprocessing how = kHow;
  for (const bool channels_last : {false, true}) {
    how.layout = channels_last ? "NHWC" : "NCHW";
    const auto out = batch(*dataset, how, {2, 0}, nullptr, 0, 1);
    for (size_t b = 0; b < 2; ++b) {
      float raw[kCount];
      dataset->read(b == 0 ? 2 : 0, raw);
      for (size_t c = 0; c < kChannels; ++c) {
        for (size_t p = 0; p < kHeight * kWidth; ++p) {
          const double expected =
              (raw[c * kHeight * kWidth + p] / 255.0 - how.mean[c]) / how.std[c];
          const size_t at = channels_last ? p * kChannels + c : c * kHeight * kWidth + p;
          // Three roundings of values below 4: 3 * 2^-23 * 4 < 2e-6.
          CHECK(std::abs(out[b * kCount + at] - expected) < 2e-6);
        }
      }
    }
  }
}

TEST_CASE("one mean serves all channels and none means zero") {
  const auto dataset = images(1);
  const auto raw = batch(*dataset, {}, {0}, nullptr, 0, 1);
  const auto shifted = batch(*dataset, {.mean = {3.0F}}, {0}, nullptr, 0, 1);
  for (size_t p = 0; p < kCount; ++p) {
    CHECK(raw[p] == static_cast<float>(dataset->bytes(0)[p]));
    CHECK(shifted[p] == raw[p] - 3.0F);
  }
  CHECK_THROWS_AS(batch(*dataset, {.mean = {1, 2, 3}}, {0}, nullptr, 0, 1), pare::Error);
}

TEST_CASE("augmentation moves the image by whole pixels and fills with zero") {
  const auto dataset = images(40);
  const Augmentation augmentation{.shift = 2, .flip = true, .seed = 3};
  std::vector<int64_t> items(40);
  std::iota(items.begin(), items.end(), 0);
  const auto out = batch(*dataset, {}, items, &augmentation, 1, 2);
  bool flipped_seen = false, upright_seen = false, moved_seen = false;
  for (const int64_t item : items) {
    const auto raw = dataset->bytes(item);
    // Exactly the (dy, dx, flip) that were possible may explain the output.
    int explanations = 0;
    for (int dy = -2; dy <= 2; ++dy) {
      for (int dx = -2; dx <= 2; ++dx) {
        for (const bool flip : {false, true}) {
          bool same = true;
          for (int c = 0; c < kChannels; ++c) {
            for (int y = 0; y < kHeight; ++y) {
              for (int x = 0; x < kWidth; ++x) {
                const int fx = flip ? static_cast<int>(kWidth) - 1 - x : x;
                const int sy = y + dy, sx = fx + dx;
                const bool inside = sy >= 0 && sy < kHeight && sx >= 0 && sx < kWidth;
                const float expected =
                    inside ? raw[static_cast<size_t>((c * kHeight + sy) * kWidth + sx)] : 0;
                const auto at =
                    static_cast<size_t>(((item * kChannels + c) * kHeight + y) * kWidth + x);
                same = same && out[at] == expected;
              }
            }
          }
          if (!same) continue;
          ++explanations;
          (flip ? flipped_seen : upright_seen) = true;
          moved_seen = moved_seen || dy != 0 || dx != 0;
        }
      }
    }
    CHECK(explanations == 1);
  }
  CHECK(flipped_seen);
  CHECK(upright_seen);
  CHECK(moved_seen);
}

TEST_CASE("an augmented item depends on seed, item and draw alone") {
  const auto dataset = images(9);
  const Augmentation a{.crop_pad = 2, .flip = true, .seed = 1};
  const Augmentation b{.crop_pad = 2, .flip = true, .seed = 2};
  const std::vector<int64_t> items{0, 1, 2, 3, 4, 5, 6, 7, 8};
  const auto out = batch(*dataset, kHow, items, &a, 4, 1);
  for (const int threads : {2, 3, 8, 32})
    CHECK(batch(*dataset, kHow, items, &a, 4, threads) == out);
  CHECK(batch(*dataset, kHow, items, &a, 5, 1) != out);
  CHECK(batch(*dataset, kHow, items, &b, 4, 1) != out);
  const auto fifth = batch(*dataset, kHow, {5}, &a, 4, 1);
  CHECK(std::equal(fifth.begin(), fifth.end(), out.begin() + 5 * static_cast<long>(kCount)));
}

TEST_CASE("pixels held as bytes and as floats give the same batch") {
  const Augmentation augmentation{.shift = 1, .crop_pad = 1, .flip = true, .seed = 9};
  const std::vector<int64_t> items{4, 3, 2, 1, 0};
  for (const auto* how : {static_cast<const Augmentation*>(nullptr), &augmentation}) {
    CHECK(batch(*images(5), kHow, items, how, 7, 2) ==
          batch(*float_images(5), kHow, items, how, 7, 2));
  }
}

TEST_CASE("NaN or Inf in an item is refused, the first item named for any thread count") {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    Array array{.floats = std::vector<float>(20, 1.0F), .source = "table"};
    array.labels.assign(10, 0);
    array.floats[2 * 3 + 1] = bad;
    array.floats[2 * 7] = bad;
    const auto dataset = dataset_of(std::move(array), {2});
    const std::vector<int64_t> items{9, 8, 7, 6, 5, 4, 3, 2, 1, 0};
    for (const int threads : {1, 3}) {
      CHECK_THROWS_WITH(batch(*dataset, {}, items, nullptr, 0, threads),
                        "table: item 7 holds NaN or Inf");
    }
  }
}

TEST_CASE("augmenting a table is refused") {
  Array array{.floats = {1, 2}, .labels = {0, 1}, .source = "table"};
  const auto dataset = dataset_of(std::move(array), {1});
  const Augmentation augmentation{.flip = true};
  CHECK_THROWS_AS(batch(*dataset, {}, {0}, &augmentation, 0, 1), pare::Error);
}

TEST_CASE("a model that wants other items is refused with both shapes") {
  const auto dataset = images(1);
  const DatasetInfo& info = dataset->info();
  CHECK_NOTHROW(check_compatible(info, {}, {2, 5, 4}, "m.pare"));
  CHECK_NOTHROW(check_compatible(info, {}, {40}, "m.pare"));
  CHECK_NOTHROW(check_compatible(info, {.layout = "NHWC"}, {5, 4, 2}, "m.pare"));
  CHECK_THROWS_WITH(check_compatible(info, {}, {1, 28, 28}, "m.pare"),
                    "m.pare: expects items of [1, 28, 28], pixels holds [2, 5, 4]");
  CHECK_THROWS_AS(check_compatible(info, {}, {5, 4, 2}, "m.pare"), pare::Error);
  CHECK_THROWS_AS(check_compatible(info, {.mean = {1, 2, 3}}, {40}, "m.pare"), pare::Error);
}
