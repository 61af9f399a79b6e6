// SPDX-License-Identifier: Apache-2.0
// `pare quantize`: post-training quantization. w8a8 and w4a8 run in integers and need calibration
// data; w8a16 and w4a16 store weights as 8 or 4 bits and compute in f32.
#pragma once

#include "lib/pass/pass.hpp"

namespace pare::quantize {

pass::PassInfo post_training_pass();

}  // namespace pare::quantize
