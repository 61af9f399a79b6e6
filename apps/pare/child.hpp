// SPDX-License-Identifier: Apache-2.0
// This executable as a child process: a step of a recipe is exactly its printed command line.
// A child ends when its parent does, also by kill -9.
#pragma once

#include <string>
#include <vector>

#include <sys/types.h>

namespace pare::cli {

struct ChildOptions {
  bool stdout_to_stderr = false;  // stdout belongs to the parent's own result
  bool plain = false;             // several at once: no progress line that is drawn over
  bool no_stdout = false;         // nobody reads it
  bool silent = false;            // stdout and stderr go nowhere
};

// Starts `pare ARGUMENTS...`. Throws Error when no process can be had.
pid_t start_child(const std::vector<std::string>& arguments, const ChildOptions& options);

struct EndedChild {
  pid_t id;
  int code;  // its exit code; 128 + N when signal N ended it
};
// Waits for `child`, or with -1 for whichever ends first. Throws Error when there is none.
EndedChild wait_child(pid_t child);

// Starts one and waits; signals that arrive meanwhile go on to it. Returns its exit code.
int run_child(const std::vector<std::string>& arguments, const ChildOptions& options);

}  // namespace pare::cli
