// SPDX-License-Identifier: Apache-2.0
// A Keras tensor as a value of the graph. Keras keeps images as [batch, height, width, channels];
// the graph keeps them as [batch, channels, height, width]. Instead of transposing at every layer,
// each tensor says which of its axes in Keras is which axis of the graph's value, and only a layer
// that mixes axes has them brought into order.
#pragma once

#include <string>
#include <vector>

#include "lib/ir/graph.hpp"

namespace pare::formats::keras {

using Order = std::vector<int>;

struct Feature {
  ir::ValueId id;
  ir::Dims shape;  // in Keras, without batch; all known
  Order order;     // axis i of the graph's value is Keras's axis order[i]; batch is axis 0 in both
  // Not empty: the Flatten of that name makes Keras see one axis of product(shape); the graph's
  // value is not flattened yet, because its axes are in another order.
  std::string flatten;
};

// 0, 1, ... for batch and `rank` further axes.
Order keras_order(size_t rank);
// Batch, channels, spatial axes, for Keras's layout of images of `rank` axes without batch.
Order channels_first_order(size_t rank, bool channels_last);

// Sizes without batch as Keras sees them.
ir::Dims keras_shape(const Feature& x);
// Sizes without batch of the graph's value.
ir::Dims graph_shape(const Feature& x);
// Whether reading the graph's value row by row meets the elements in Keras's order: axes of one
// element may be anywhere.
bool reads_as_keras(const Feature& x);
// For each element of an item of the graph's value, row by row: its place in Keras's item.
std::vector<int64_t> keras_places(const Feature& x);
// Keras's axes rearranged: new axis j is old axis axes[j] (batch, axis 0, included). The value
// stays.
Feature relabelled(Feature x, const Order& axes);

}  // namespace pare::formats::keras
