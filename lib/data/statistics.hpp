// SPDX-License-Identifier: Apache-2.0
// Sums over whole data sets: identity, and the mean and standard deviation a model should state.
// Deterministic: exact integer histograms for pixels, one sequential double sum a feature
// otherwise.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"

namespace pare::data {

// SHA-256 over item dims, then each item's stored values, then each label as 8 bytes,
// little-endian, then each item's targets.
std::string hash_of_items(const Dataset& dataset);

// One entry a channel (images) or a feature (tables); population standard deviation.
struct Moments {
  std::vector<double> mean, std, low, high;
};
Moments moments_of(const Dataset& dataset);

// Images: pixels / 255 when stored as bytes, standardised per channel. Tables: standardised per
// feature. A constant channel or feature gets std 1. Without a train split nothing is stated.
ir::Preprocessing measured_preprocessing(const DatasetInfo& info, const Dataset* train);

}  // namespace pare::data
