// SPDX-License-Identifier: Apache-2.0
// What pare-infer does: one model, one input, the top classes, latency and peak memory.
#pragma once

#include <string>

namespace pare::infer {

struct Request {
  std::string model;
  std::string input;   // path, or "zeros"
  std::string output;  // path of a .npy file, or empty
  int threads = 1;
  int repeat = 1;
  bool json = false;
};

// What goes to stdout. Throws Error.
std::string run(const Request& request);

}  // namespace pare::infer
