// SPDX-License-Identifier: Apache-2.0
// Sums over whole data sets.
#include "lib/data/statistics.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>

#include "lib/core/hash.hpp"

namespace pare::data {
namespace {

static_assert(std::endian::native == std::endian::little, "fingerprints are little-endian");

template <class T>
std::span<const std::byte> bytes_of(std::span<const T> values) {
  return std::as_bytes(values);
}

Moments moments_of_pixels(const Dataset& dataset, size_t channels, size_t plane) {
  std::vector<std::array<int64_t, 256>> histogram(channels);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const auto pixels = dataset.bytes(i);
    for (size_t c = 0; c < channels; ++c) {
      auto& bins = histogram[c];
      for (size_t p = 0; p < plane; ++p) ++bins[pixels[c * plane + p]];
    }
  }
  Moments out;
  for (const auto& bins : histogram) {
    double count = 0, sum = 0, squares = 0, low = 255, high = 0;
    for (size_t v = 0; v < bins.size(); ++v) {
      if (bins[v] == 0) continue;
      const auto n = static_cast<double>(bins[v]);
      const auto value = static_cast<double>(v);
      count += n, sum += n * value, squares += n * value * value;
      low = std::min(low, value), high = std::max(high, value);
    }
    const double mean = sum / count;
    out.mean.push_back(mean);
    out.std.push_back(std::sqrt(std::max(0.0, squares / count - mean * mean)));
    out.low.push_back(low), out.high.push_back(high);
  }
  return out;
}

Moments moments_of_floats(const Dataset& dataset, size_t channels, size_t plane) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  Moments out{std::vector<double>(channels), std::vector<double>(channels),
              std::vector<double>(channels, kInf), std::vector<double>(channels, -kInf)};
  std::vector<float> item(channels * plane);
  const double count = static_cast<double>(dataset.size()) * static_cast<double>(plane);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, item);
    for (size_t k = 0; k < item.size(); ++k) {
      const double value = item[k];
      out.mean[k / plane] += value / count;
      out.low[k / plane] = std::min(out.low[k / plane], value);
      out.high[k / plane] = std::max(out.high[k / plane], value);
    }
  }
  for (int64_t i = 0; i < dataset.size(); ++i) {
    dataset.read(i, item);
    for (size_t k = 0; k < item.size(); ++k) {
      const double d = item[k] - out.mean[k / plane];
      out.std[k / plane] += d * d / count;
    }
  }
  for (double& s : out.std) s = std::sqrt(s);
  return out;
}

}  // namespace

std::string hash_of_items(const Dataset& dataset) {
  Sha256Stream hash;
  const auto& dims = dataset.info().item;
  hash.update(bytes_of(std::span<const int64_t>(dims)));
  std::vector<float> item(static_cast<size_t>(ir::element_count(dims)));
  std::vector<int64_t> labels(static_cast<size_t>(dataset.size()));
  for (int64_t i = 0; i < dataset.size(); ++i) {
    labels[static_cast<size_t>(i)] = dataset.label(i);
    if (const auto pixels = dataset.bytes(i); !pixels.empty()) {
      hash.update(bytes_of(pixels));
    } else {
      dataset.read(i, item);
      hash.update(bytes_of(std::span<const float>(item)));
    }
  }
  hash.update(bytes_of(std::span<const int64_t>(labels)));
  for (int64_t i = 0; i < dataset.size(); ++i) hash.update(bytes_of(dataset.targets(i)));
  return to_hex(hash.finish());
}

Moments moments_of(const Dataset& dataset) {
  const auto& dims = dataset.info().item;
  const auto count = static_cast<size_t>(ir::element_count(dims));
  const size_t channels = dataset.info().is_image() ? static_cast<size_t>(dims[0]) : count;
  const size_t plane = count / channels;
  return dataset.size() > 0 && !dataset.bytes(0).empty()
             ? moments_of_pixels(dataset, channels, plane)
             : moments_of_floats(dataset, channels, plane);
}

ir::Preprocessing measured_preprocessing(const DatasetInfo& info, const Dataset* train) {
  ir::Preprocessing out;
  out.size = info.item;
  if (train == nullptr) return out;
  out.stated = true;
  if (!train->bytes(0).empty()) out.input_scale = 1.0F / 255.0F;
  const Moments moments = moments_of(*train);
  for (size_t c = 0; c < moments.mean.size(); ++c) {
    const double scale = out.input_scale;
    // Below this a feature is constant up to rounding, and dividing by it would amplify noise.
    const bool constant = moments.std[c] <= 1e-7 * std::max(1.0, std::abs(moments.mean[c]));
    out.mean.push_back(static_cast<float>(moments.mean[c] * scale));
    out.std.push_back(constant ? 1.0F : static_cast<float>(moments.std[c] * scale));
  }
  return out;
}

}  // namespace pare::data
