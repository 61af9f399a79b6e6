// SPDX-License-Identifier: Apache-2.0
// Runs `pare convert` on damaged copies of a small valid model file, one process each. Whatever the
// damage, the program ends by itself with 0 and a model, or with 1, one line about the file and
// nothing left behind.
#pragma once

#include <cstddef>
#include <string>

namespace pare::test {

struct Victim {
  std::string extension;  // ".onnx"
  std::string bytes;
  size_t header_bytes = 0;  // what comes first and is not the values of tensors
};

struct Swept {
  size_t copies = 0;
  size_t read = 0;  // of them, without a refusal
};

// Cuts the file at every byte of its header, then every few bytes; tier 1 takes steps that keep a
// sweep to some hundred processes, PARE_SWEEP=all takes none. Fails the test case on anything else
// than what is said above.
Swept sweep_cuts(const Victim& victim);

// Flips one bit of every byte, in the same steps. PARE_SWEEP=all: every bit of the header.
Swept sweep_flips(const Victim& victim);

// What ends a run on the file `path` may have: 0 and at most a warning, or 1 and one line about it.
// "" or what is wrong with it.
std::string fault_of_refusal(int code, const std::string& err, const std::string& path);

}  // namespace pare::test
