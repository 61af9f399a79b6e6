// SPDX-License-Identifier: Apache-2.0
// The layers that are understood, one table row a class (layers.cpp). Each row's function appends
// nodes to the graph and says where the layer's output is.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "formats/keras/feature.hpp"
#include "formats/keras/layer_config.hpp"
#include "formats/keras/lowering.hpp"

namespace pare::formats::keras {

// A weight that a layer should have, with its dims in Keras.
struct Expected {
  std::string kind;  // "kernel"
  ir::Dims dims;
};

struct LayerCall {
  Lowering& graph;
  const LayerConfig& config;
  std::string name;        // for its nodes: the layer's, followed by a number when called again
  std::string parameters;  // prefix for its parameters: the layer's name
  bool shared;             // called more than once
  std::vector<Feature> inputs;
  // The layer's weights as Keras has them, row-major; refuses a layer that has others.
  std::function<std::vector<std::vector<float>>(const std::vector<Expected>&)> weights;

  const Feature& x() const { return inputs.front(); }
};

struct LayerRow {
  std::string_view class_name;
  size_t min_inputs;
  size_t max_inputs;
  Feature (*lower)(const LayerCall& call);
};

std::span<const LayerRow> all_layers();
// Null when unknown.
const LayerRow* find_layer(std::string_view class_name);

// layers_linear.cpp
Feature lower_conv(const LayerCall& call);            // Conv1D, Conv2D
Feature lower_depthwise_conv(const LayerCall& call);  // DepthwiseConv2D
Feature lower_separable_conv(const LayerCall& call);  // SeparableConv1D, SeparableConv2D
Feature lower_dense(const LayerCall& call);
Feature lower_batch_normalization(const LayerCall& call);
Feature lower_prelu(const LayerCall& call);

// layers_window.cpp
Feature lower_max_pool(const LayerCall& call);
Feature lower_average_pool(const LayerCall& call);
Feature lower_global_average_pool(const LayerCall& call);
Feature lower_global_max_pool(const LayerCall& call);
Feature lower_zero_padding(const LayerCall& call);

// layers_pointwise.cpp
Feature lower_activation(const LayerCall& call);
Feature lower_relu(const LayerCall& call);
Feature lower_leaky_relu(const LayerCall& call);
Feature lower_thresholded_relu(const LayerCall& call);
Feature lower_elu(const LayerCall& call);
Feature lower_softmax(const LayerCall& call);
Feature lower_nothing(const LayerCall& call);  // Dropout and other layers of training alone
Feature lower_rescaling(const LayerCall& call);
// What the setting "activation" of a layer does to its output.
Feature activated(const LayerCall& call, const Feature& x);

// layers_shape.cpp
Feature lower_flatten(const LayerCall& call);
Feature lower_reshape(const LayerCall& call);
Feature lower_permute(const LayerCall& call);
Feature lower_merge(const LayerCall& call);  // Add, Subtract, Multiply, Average, Maximum ...
Feature lower_concatenate(const LayerCall& call);

}  // namespace pare::formats::keras
