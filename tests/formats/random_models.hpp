// SPDX-License-Identifier: Apache-2.0
// Random small models, a pure function of a seed, for tests that hold for every model.
#pragma once

#include <cstdint>

#include "lib/ir/model.hpp"

namespace pare::tests {

// A chain of random layers on [batch, c, 8, 8], initialised; `quantized`: int8 weights, and codes
// for some of its values.
ir::Model random_network(uint64_t seed, bool quantized);

// One to six tensors of any type, storage and rank, with any bits as values, under odd names.
ir::ParameterTable random_parameters(uint64_t seed);

// Labels, preprocessing, source and history, or some of them.
ir::Metadata random_metadata(uint64_t seed);

}  // namespace pare::tests
