// SPDX-License-Identifier: Apache-2.0
// What a pass command says on stdout when its output is written.
#pragma once

#include <cstdint>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::cli {

struct PassResult {
  std::string command;
  std::string input;  // "" when the model was built from an architecture
  int64_t input_bytes = 0;
  std::string output;
  bool json = false;
};

void print_pass_result(const PassResult& result, const ir::Model& model);

// "1,234,567"
std::string grouped(int64_t number);

}  // namespace pare::cli
