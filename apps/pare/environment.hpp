// SPDX-License-Identifier: Apache-2.0
// Everything the command line takes from the process's surroundings, read once at the start and
// handed down: nothing else in the program reads environment variables.
#pragma once

#include <string>
#include <vector>

#include "lib/core/json.hpp"

namespace pare::cli {

struct Environment {
  std::string isa;             // PARE_ISA: cap on the instruction set, "" when unset
  bool no_color = false;       // NO_COLOR is set and not empty (no-color.org)
  bool ci = false;             // CI is set: no bars, no colour
  bool parallel_make = false;  // under `make -j`: make already runs several of us
  bool stdout_terminal = false;
  bool stderr_terminal = false;

  bool color(bool terminal) const { return terminal && !no_color && !ci; }
};

Environment read_environment();

// Variables that change speed or results of numerical libraries behind the user's back.
struct SurprisingVariable {
  std::string name;
  std::string value;
  std::string effect;
};
std::vector<SurprisingVariable> surprising_variables();

// What a process that trains must have in its environment before libgomp loads: threads that wait
// asleep, and how many of them.
void prepare_training_environment(int threads);

}  // namespace pare::cli
