// SPDX-License-Identifier: Apache-2.0
// What a network's convolutions and products alone take in oneDNN, in any layout it likes: the
// yardstick beside our kernels and both runtimes.
#pragma once

#include <map>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::bench {

// Microseconds of one run of every Conv of the main graph, by the node's name: medians, in f32 or
// as u8 x s8. The model is the float one.
std::map<std::string, double> onednn_convolutions_us(const ir::Model& model, int64_t batch,
                                                     int threads, bool integer);

// Likewise of every Gemm with a bias, in f32.
std::map<std::string, double> onednn_products_us(const ir::Model& model, int64_t batch,
                                                 int threads);

}  // namespace pare::bench
