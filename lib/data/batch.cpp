// SPDX-License-Identifier: Apache-2.0
// Pixels take one table look-up each: preprocessing of a byte is a function of (channel, value).
#include "lib/data/batch.hpp"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/core/rng.hpp"

namespace pare::data {
namespace {

// How one item becomes model input; built once a batch.
struct Recipe {
  size_t channels = 1, height = 1, width = 1;  // a table: channels = features, 1x1
  bool image = false;
  bool channels_last = false;
  float scale = 1;
  std::vector<float> mean, std;  // one a channel
  std::vector<float> table;      // [channel][256] for bytes
  const Augmentation* augmentation = nullptr;
  int64_t draw = 0;
  size_t plane() const { return height * width; }
  size_t count() const { return channels * plane(); }
  float apply(size_t c, float raw) const { return (raw * scale - mean[c]) / std[c]; }
};

std::vector<float> per_channel(const std::vector<float>& values, size_t channels, float fallback,
                               const std::string& source, const char* what) {
  if (values.empty()) return std::vector<float>(channels, fallback);
  if (values.size() == 1) return std::vector<float>(channels, values[0]);
  if (values.size() != channels) {
    throw Error(source, "has " + std::to_string(channels) + " channels, the model states " +
                            std::to_string(values.size()) + " values of " + what);
  }
  return values;
}

Recipe recipe_for(const Dataset& dataset, const ir::Preprocessing& preprocessing,
                  const Augmentation* augmentation, int64_t draw) {
  const DatasetInfo& info = dataset.info();
  Recipe out;
  out.image = info.is_image();
  if (out.image) {
    out.channels = static_cast<size_t>(info.item[0]);
    out.height = static_cast<size_t>(info.item[1]);
    out.width = static_cast<size_t>(info.item[2]);
    out.channels_last = preprocessing.layout == "NHWC";
  } else {
    out.channels = static_cast<size_t>(ir::element_count(info.item));
  }
  out.scale = preprocessing.input_scale;
  out.mean = per_channel(preprocessing.mean, out.channels, 0.0F, info.source, "mean");
  out.std = per_channel(preprocessing.std, out.channels, 1.0F, info.source, "std");
  if (augmentation != nullptr && augmentation->any()) {
    if (!out.image) throw Error(info.source, "augmentation needs images, this is a table");
    out.augmentation = augmentation;
  }
  out.draw = draw;
  if (dataset.size() > 0 && !dataset.bytes(0).empty()) {
    for (size_t c = 0; c < out.channels; ++c) {
      for (int v = 0; v < 256; ++v) out.table.push_back(out.apply(c, static_cast<float>(v)));
    }
  }
  return out;
}

// Output pixel (y, x) shows source pixel (y + dy, x + dx), mirrored first when flip is set.
struct Move {
  int64_t dy = 0, dx = 0;
  bool flip = false;
};

Move draw_move(const Recipe& recipe, int64_t item) {
  const Augmentation& a = *recipe.augmentation;
  constexpr uint64_t kDrawsAtMost = 8;
  Rng rng(a.seed, stream_of("augmentation") + static_cast<uint64_t>(item),
          static_cast<uint64_t>(recipe.draw) * kDrawsAtMost);
  Move move;
  for (const int reach : {a.shift, a.crop_pad}) {
    if (reach <= 0) continue;
    move.dy += rng.below(2 * int64_t{reach} + 1) - reach;
    move.dx += rng.below(2 * int64_t{reach} + 1) - reach;
  }
  move.flip = a.flip && (rng.next() >> 63) != 0;
  return move;
}

// Copies one plane moved, zero outside.
template <class T>
void move_plane(const T* in, T* out, const Recipe& recipe, const Move& move) {
  const auto height = static_cast<int64_t>(recipe.height);
  const auto width = static_cast<int64_t>(recipe.width);
  const int64_t first = std::clamp<int64_t>(-move.dx, 0, width);
  const int64_t last = std::clamp<int64_t>(width - move.dx, first, width);
  for (int64_t y = 0; y < height; ++y, out += width) {
    const int64_t from = y + move.dy;
    if (from < 0 || from >= height) {
      std::fill_n(out, width, T{0});
      continue;
    }
    const T* row = in + from * width;
    std::fill_n(out, first, T{0});
    std::copy(row + first + move.dx, row + last + move.dx, out + first);
    std::fill(out + last, out + width, T{0});
    if (move.flip) std::reverse(out, out + width);
  }
}

template <class T, class Value>
void write_item(const Recipe& recipe, const T* raw, float* out, const Value& value) {
  const size_t plane = recipe.plane();
  for (size_t c = 0; c < recipe.channels; ++c) {
    const T* in = raw + c * plane;
    if (recipe.channels_last) {
      for (size_t p = 0; p < plane; ++p) out[p * recipe.channels + c] = value(c, in[p]);
    } else {
      float* to = out + c * plane;
      for (size_t p = 0; p < plane; ++p) to[p] = value(c, in[p]);
    }
  }
}

// Buffers of one thread, allocated before the parallel region: its body may not throw.
struct Scratch {
  std::vector<uint8_t> bytes;
  std::vector<float> raw, moved;
};

void load_bytes(const Recipe& recipe, std::span<const uint8_t> pixels, int64_t item,
                Scratch& scratch, float* out) {
  const uint8_t* raw = pixels.data();
  if (recipe.augmentation != nullptr) {
    const Move move = draw_move(recipe, item);
    for (size_t c = 0; c < recipe.channels; ++c) {
      const size_t at = c * recipe.plane();
      move_plane(raw + at, scratch.bytes.data() + at, recipe, move);
    }
    raw = scratch.bytes.data();
  }
  const float* table = recipe.table.data();
  write_item(recipe, raw, out, [table](size_t c, uint8_t v) { return table[c * 256 + v]; });
}

// False when the item holds NaN or Inf.
bool load_floats(const Recipe& recipe, const Dataset& dataset, int64_t item, Scratch& scratch,
                 float* out) {
  dataset.read(item, scratch.raw);
  // A sum of finite * 0 is 0; anything else makes it NaN.
  float probe = 0;
  for (const float v : scratch.raw) probe += v * 0.0F;
  if (probe != 0.0F) return false;
  const float* raw = scratch.raw.data();
  if (recipe.augmentation != nullptr) {
    const Move move = draw_move(recipe, item);
    for (size_t c = 0; c < recipe.channels; ++c) {
      const size_t at = c * recipe.plane();
      move_plane(raw + at, scratch.moved.data() + at, recipe, move);
    }
    raw = scratch.moved.data();
  }
  write_item(recipe, raw, out, [&](size_t c, float v) { return recipe.apply(c, v); });
  return true;
}

}  // namespace

void check_compatible(const DatasetInfo& data, const ir::Preprocessing& preprocessing,
                      const ir::Dims& model_input, const std::string& subject) {
  ir::Dims item = data.item;
  if (data.is_image() && preprocessing.layout == "NHWC") item = {item[1], item[2], item[0]};
  const bool flattened = model_input.size() == 1 && ir::element_count(item) == model_input[0];
  if (item != model_input && !flattened) {
    throw Error(subject, "expects items of " + ir::to_string(model_input) + ", " +
                             escaped(data.source) + " holds " + ir::to_string(item));
  }
  const auto channels =
      static_cast<size_t>(data.is_image() ? data.item[0] : ir::element_count(item));
  for (const auto* values : {&preprocessing.mean, &preprocessing.std}) {
    if (values->size() > 1 && values->size() != channels) {
      throw Error(subject, "states preprocessing of " + std::to_string(values->size()) +
                               " channels, " + escaped(data.source) + " has " +
                               std::to_string(channels));
    }
  }
}

void load_batch(const Dataset& dataset, const ir::Preprocessing& preprocessing,
                std::span<const int64_t> items, const Augmentation* augmentation, int64_t draw,
                std::span<float> out, int threads) {
  const Recipe recipe = recipe_for(dataset, preprocessing, augmentation, draw);
  const size_t count = recipe.count();
  require(out.size() == items.size() * count, "load_batch: out holds the batch");
  const auto n = static_cast<int64_t>(items.size());
  const int64_t workers = std::clamp<int64_t>(threads, 1, std::max<int64_t>(n, 1));
  const bool bytes = !recipe.table.empty();
  std::vector<Scratch> scratch(static_cast<size_t>(workers));
  for (Scratch& s : scratch) {
    if (!bytes) s.raw.resize(count);
    if (recipe.augmentation != nullptr) bytes ? s.bytes.resize(count) : s.moved.resize(count);
  }
  std::atomic<int64_t> not_finite{n};
  parallel_for(workers, static_cast<int>(workers), [&](int64_t w) {
    Scratch& mine = scratch[static_cast<size_t>(w)];
    for (int64_t i = n * w / workers; i < n * (w + 1) / workers; ++i) {
      const int64_t item = items[static_cast<size_t>(i)];
      float* to = out.data() + static_cast<size_t>(i) * count;
      if (bytes) {
        load_bytes(recipe, dataset.bytes(item), item, mine, to);
      } else if (!load_floats(recipe, dataset, item, mine, to)) {
        // The smallest position wins, whatever the thread count.
        int64_t seen = not_finite.load();
        while (i < seen && !not_finite.compare_exchange_weak(seen, i)) {
        }
      }
    }
  });
  if (not_finite < n) {
    throw Error(dataset.info().source,
                "item " + std::to_string(items[static_cast<size_t>(not_finite.load())]) +
                    " holds NaN or Inf");
  }
}

}  // namespace pare::data
