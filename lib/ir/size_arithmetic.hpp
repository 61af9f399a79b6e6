// SPDX-License-Identifier: Apache-2.0
// What operators make of values whose elements are sizes, some of them symbols: the few that
// exporters put between a Shape and the operator that takes its shape from it.
#pragma once

#include <optional>

#include "lib/ir/ops.hpp"

namespace pare::ir {

// Whether a value of this type and shape is followed: i64 or i32, rank 0 or 1, at most 64 elements.
bool holds_sizes(DType dtype, const Shape& shape);
SizeEntries entries_of(const std::vector<int64_t>& values);

// The elements of the output of `node`, or nothing when they do not follow from what is known.
// `first` is the shape of input 0, null when there is none; an input of which nothing is known is
// null.
std::optional<SizeEntries> size_arithmetic(const Node& node, const Shape* first,
                                           const std::vector<const SizeEntries*>& inputs);

}  // namespace pare::ir
