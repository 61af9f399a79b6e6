// SPDX-License-Identifier: Apache-2.0
// What the self-test of a generated file compares with: inputs drawn from a fixed seed, and what
// the runtime's reference kernels make of them.
#pragma once

#include "formats/c/program.hpp"

namespace pare::formats::c {

// A buffer of the arena that nothing overwrites after it is made, right before the first step that
// rounds: it must hold exactly these values.
struct Checkpoint {
  int buffer = -1;
  std::vector<uint8_t> codes;  // one of the two
  std::vector<float> floats;
};

struct Golden {
  std::vector<std::vector<float>> inputs;  // a port
  std::vector<std::vector<float>> outputs;
  std::vector<float> tolerances;  // an output; 0: equal bits
  std::vector<Checkpoint> checkpoints;
};

// Throws Error when the model's own output for that input is not finite.
Golden make_golden(const Program& program);

}  // namespace pare::formats::c
