// SPDX-License-Identifier: Apache-2.0
// Composite tensors as plain ones, for formats that know neither sparsity nor our schemes.
#pragma once

#include "lib/ir/tensor.hpp"

namespace pare::formats {

// A sparse tensor of floats with its zeros written out, in its own dtype; any other composite
// tensor as f32; a plain one as it is. Deferred: made when the bytes are asked for.
ir::Tensor dense(const ir::Tensor& tensor);

}  // namespace pare::formats
