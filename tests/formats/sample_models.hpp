// SPDX-License-Identifier: Apache-2.0
// Models that the format tests write and read: between them they use every way a tensor can be
// stored and everything a model can hold.
#pragma once

#include <cstdint>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::tests {

// Deterministic values in [-1, 1).
std::vector<float> noise(int64_t count, uint64_t seed);
// Int8 per-channel symmetric quantization of noise: codes and scales.
ir::Tensor int8_weight(ir::Dims dims, uint64_t seed);

// A two-layer perceptron on [batch, 8]: f32, i8 per-channel and u4 grouped weights, labels,
// preprocessing, two history entries, an asset and a slash in a name.
ir::Model small_mlp();
// Every storage: bitmask, 2:4, block, two-level scales, codebook, f16, bf16, bool, i64, empty. No
// graph.
ir::Model every_storage();
// `main` and `decoder`, which has a key cache as state; they share a parameter.
ir::Model two_graphs();
// ResNet8 of MLPerf Tiny (78,666 parameters with its batch normalizations) with int8 weights,
// quantized activations and 48 tensors.
ir::Model int8_resnet8();

// The same graphs, metadata, assets and tensors, byte for byte. "" or the first difference.
std::string difference(const ir::Model& a, const ir::Model& b);

}  // namespace pare::tests
