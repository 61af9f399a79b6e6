// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/layers.hpp"

#include <algorithm>
#include <array>

namespace pare::formats::keras {

namespace {

constexpr size_t kAny = 1000;

constexpr std::array kLayers = std::to_array<LayerRow>({
    {"Conv1D", 1, 1, lower_conv},
    {"Conv2D", 1, 1, lower_conv},
    {"DepthwiseConv2D", 1, 1, lower_depthwise_conv},
    {"SeparableConv1D", 1, 1, lower_separable_conv},
    {"SeparableConv2D", 1, 1, lower_separable_conv},
    {"Dense", 1, 1, lower_dense},
    {"BatchNormalization", 1, 1, lower_batch_normalization},
    {"MaxPooling1D", 1, 1, lower_max_pool},
    {"MaxPooling2D", 1, 1, lower_max_pool},
    {"AveragePooling1D", 1, 1, lower_average_pool},
    {"AveragePooling2D", 1, 1, lower_average_pool},
    {"GlobalAveragePooling1D", 1, 1, lower_global_average_pool},
    {"GlobalAveragePooling2D", 1, 1, lower_global_average_pool},
    {"GlobalMaxPooling1D", 1, 1, lower_global_max_pool},
    {"GlobalMaxPooling2D", 1, 1, lower_global_max_pool},
    {"ZeroPadding1D", 1, 1, lower_zero_padding},
    {"ZeroPadding2D", 1, 1, lower_zero_padding},
    {"Activation", 1, 1, lower_activation},
    {"ReLU", 1, 1, lower_relu},
    {"LeakyReLU", 1, 1, lower_leaky_relu},
    {"PReLU", 1, 1, lower_prelu},
    {"ThresholdedReLU", 1, 1, lower_thresholded_relu},
    {"ELU", 1, 1, lower_elu},
    {"Softmax", 1, 1, lower_softmax},
    {"Rescaling", 1, 1, lower_rescaling},
    {"Dropout", 1, 1, lower_nothing},
    {"SpatialDropout1D", 1, 1, lower_nothing},
    {"SpatialDropout2D", 1, 1, lower_nothing},
    {"AlphaDropout", 1, 1, lower_nothing},
    {"GaussianDropout", 1, 1, lower_nothing},
    {"GaussianNoise", 1, 1, lower_nothing},
    {"ActivityRegularization", 1, 1, lower_nothing},
    {"Flatten", 1, 1, lower_flatten},
    {"Reshape", 1, 1, lower_reshape},
    {"Permute", 1, 1, lower_permute},
    {"Add", 2, kAny, lower_merge},
    {"Subtract", 2, 2, lower_merge},
    {"Multiply", 2, kAny, lower_merge},
    {"Average", 2, kAny, lower_merge},
    {"Maximum", 2, kAny, lower_merge},
    {"Minimum", 2, kAny, lower_merge},
    {"Concatenate", 2, kAny, lower_concatenate},
});

}  // namespace

std::span<const LayerRow> all_layers() { return kLayers; }

const LayerRow* find_layer(std::string_view class_name) {
  const auto it = std::ranges::find(kLayers, class_name, &LayerRow::class_name);
  return it == kLayers.end() ? nullptr : &*it;
}

}  // namespace pare::formats::keras
