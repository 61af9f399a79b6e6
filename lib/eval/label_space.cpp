// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/label_space.hpp"

#include <algorithm>

#include "lib/core/error.hpp"

namespace pare::eval {
namespace {

bool only_counts(std::span<const std::string> labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != std::to_string(i)) return false;
  }
  return true;
}

}  // namespace

void check_label_space(std::span<const std::string> labels, const data::DatasetInfo& data,
                       const std::string& subject) {
  const auto& classes = data.classes;
  if (labels.empty()) return;
  if (labels.size() != classes.size()) {
    throw Error(subject, "has " + std::to_string(labels.size()) + " classes, the data has " +
                             std::to_string(classes.size()));
  }
  if (only_counts(labels) || only_counts(classes)) return;
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] == classes[i]) continue;
    const bool permuted = std::is_permutation(labels.begin(), labels.end(), classes.begin());
    throw Error(subject, "class " + std::to_string(i) + " is \"" + labels[i] +
                             "\", in the data it is \"" + classes[i] + "\"" +
                             (permuted ? " (the same classes in another order)" : ""));
  }
}

void check_width(int64_t width, const data::DatasetInfo& data, const std::string& subject) {
  const auto classes = static_cast<int64_t>(data.classes.size());
  if (width == classes) return;
  throw Error(subject, "gives " + std::to_string(width) + " logits an item, the data has " +
                           std::to_string(classes) + " classes");
}

std::vector<int64_t> labels_of(const data::Dataset& dataset) {
  std::vector<int64_t> labels(static_cast<size_t>(dataset.size()));
  for (size_t i = 0; i < labels.size(); ++i) labels[i] = dataset.label(static_cast<int64_t>(i));
  return labels;
}

}  // namespace pare::eval
