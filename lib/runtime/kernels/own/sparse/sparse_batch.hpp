// SPDX-License-Identifier: Apache-2.0
// Sparse products of many rows: vectors hold rows of x. Their sums are those of a row alone, bit
// for bit.
#pragma once

#include "lib/runtime/kernels/kernel.hpp"
#include "lib/runtime/kernels/own/sparse/sparse.hpp"

namespace pare::runtime::own {

// The step's weight is one that supports_sparse_product() takes.
Kernel make_sparse_batch(const StepSpec& step, const SparseKernels& kernels);

}  // namespace pare::runtime::own
