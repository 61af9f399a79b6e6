// SPDX-License-Identifier: Apache-2.0
// The libtorch implementation of Trainer. Only pare-train links it.
#pragma once

#include <memory>

#include "lib/train/trainer.hpp"

namespace pare::train {

std::unique_ptr<Trainer> make_torch_trainer();

}  // namespace pare::train
