// SPDX-License-Identifier: Apache-2.0
// Whether a classifier and a data set speak of the same classes in the same order. A silent
// mismatch would make every figure of a report wrong.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/data/dataset.hpp"

namespace pare::eval {

// Throws Error(subject, ...) when both name their classes and the names differ, saying where first.
// Labels that only count ("0", "1", ...) name nothing: then the number of classes decides. An empty
// list passes.
void check_label_space(std::span<const std::string> labels, const data::DatasetInfo& data,
                       const std::string& subject);
// Throws Error(subject, ...) unless `width`, the number of logits, is the number of classes.
void check_width(int64_t width, const data::DatasetInfo& data, const std::string& subject);

// The label of every item, in order.
std::vector<int64_t> labels_of(const data::Dataset& dataset);

}  // namespace pare::eval
