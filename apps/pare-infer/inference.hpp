// SPDX-License-Identifier: Apache-2.0
// What pare-infer does: one model, one set of inputs, the top classes, latency and peak memory.
#pragma once

#include <string>

namespace pare::infer {

struct Request {
  std::string model;
  std::string input;   // .npy, .npz with an array a graph input, or "zeros"
  std::string output;  // .npy: the first output; .npz: all of them; or empty
  int threads = 1;
  int repeat = 1;
  bool json = false;
};

// What goes to stdout. Throws Error.
std::string run(const Request& request);

}  // namespace pare::infer
