// SPDX-License-Identifier: Apache-2.0
// The C functions of generated files (kernels/*.c) as text, each knowing which others it calls.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

namespace pare::formats::c {

struct KernelText {
  std::string_view name;  // of the file and of its main function or struct
  std::string_view text;  // licence line, `// needs: a b` where it uses others, then C
};

// In an order in which each only uses earlier ones.
std::span<const KernelText> kernel_texts();

// The code of `names` and of all they need, as it goes into a generated file.
std::string kernel_code(const std::set<std::string>& names);

}  // namespace pare::formats::c
