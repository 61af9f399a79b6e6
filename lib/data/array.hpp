// SPDX-License-Identifier: Apache-2.0
// What every reader produces: items held in memory as they were stored (bytes for pixels, floats
// for tables), labels as class indices, and at most three parts. make_splits() turns that into
// Splits: it checks labels, cuts the validation part, measures the preprocessing and applies the
// limit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"

namespace pare::data {

// Items of one part, one after the other, in `bytes` or in `floats` (the other one is empty).
struct Array {
  std::vector<uint8_t> bytes;
  std::vector<float> floats;
  std::vector<int64_t> labels;  // all 0 where there are targets
  std::vector<float> targets;   // row-major, info.targets.size() an item, or empty
  std::string source;           // file or folder the part came from: the subject of errors
  int64_t size() const { return static_cast<int64_t>(labels.size()); }
};

struct RawData {
  DatasetInfo info;  // source, kind, item, classes, columns; preprocessing is measured later
  std::optional<Array> train, validation, test;
};

// Names "0" to the largest label of any part. Throws Error(part) on a negative label, on a label
// above kMaxClasses, and when most classes would have no item (a damaged label rather than a
// class).
std::vector<std::string> classes_of_integer_labels(const RawData& raw);
constexpr int64_t kMaxClasses = 100'000;

// Puts `part` where `options.split` says: "train" (also by default), "validation" or "test".
// `guess` is what the path's name suggests; an explicit --split wins.
void place_part(RawData& raw, Array part, const OpenOptions& options,
                const std::string& guess = {});

// Throws Error on an empty part, a label outside info.classes, or a class that train lacks
// entirely.
Splits make_splits(RawData raw, const OpenOptions& options);

// Per class in proportion (largest remainder), the `count` of the items to pick; ascending.
std::vector<int64_t> stratified_pick(const Dataset& dataset, int64_t count, uint64_t seed,
                                     std::string_view stream);

}  // namespace pare::data
