// SPDX-License-Identifier: Apache-2.0
// Sparse products of many rows: real values and bits, packed for them (sparse.hpp). Their sums are
// those of a row alone, bit for bit.
#pragma once

#include "lib/runtime/kernels/kernel.hpp"
#include "lib/runtime/kernels/own/sparse.hpp"

namespace pare::runtime::own {

// `kept`: of every weight whether it is stored.
Kernel make_sparse_batch(const StepSpec& step, std::span<const uint8_t> kept,
                         const SparseKernels& kernels);

}  // namespace pare::runtime::own
