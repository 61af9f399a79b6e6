// SPDX-License-Identifier: Apache-2.0
// Steps that may write where they read, so that a residual or an activation takes no memory of its
// own: a third of the arena of a residual network.
#pragma once

#include "formats/c/program.hpp"

namespace pare::formats::c {

// Makes the output of a step an alias (in program.placed) of an input that nothing uses afterwards,
// where the step's kernel reads each element before it writes the one at the same place. The
// caller's arrays are left alone.
void reuse_dying_inputs(Program& program);

}  // namespace pare::formats::c
