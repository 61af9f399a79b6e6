// SPDX-License-Identifier: Apache-2.0
// Generated C source through the system's C compiler: as a self-test program, and as a library
// whose functions are called here.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"
#include "tests/cli/child_process.hpp"

namespace pare::tests {

// The flags that the generated file promises to compile with.
inline const std::vector<std::string> kPromised = {"-std=c99", "-Wall",     "-Wextra",
                                                   "-Werror",  "-pedantic", "-ffp-contract=off"};

// Prints a message and returns false where there is no C compiler.
bool has_c_compiler();

// Compiles `source` of `folder` with kPromised, -DPARE_SELF_TEST and `extra`, and runs it. Fails
// the test when it does not compile.
test::Finished self_test(const test::Folder& folder, const std::string& source,
                         const std::vector<std::string>& extra = {});
// Whether AddressSanitizer and UndefinedBehaviorSanitizer can be linked here.
bool has_sanitizers();

// NAME_run of a compiled file.
class Library {
 public:
  Library(const test::Folder& folder, const std::string& name);
  ~Library();
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  std::vector<float> run(std::span<const float> input, size_t outputs) const;
  std::vector<float> run_quantized(std::span<const uint8_t> input, size_t outputs) const;

 private:
  void* symbol(const std::string& name) const;
  void* handle_ = nullptr;
  std::string name_;
};

// Writes `model` as C, requires that it compiles and passes its self-test, under the sanitizers
// where there are any, and that its outputs for fresh inputs are the runtime's: equal bits when
// `exact`, else to `tolerance` of the largest.
void check_compiled(const ir::Model& model, bool exact, float tolerance = 0.0F);

}  // namespace pare::tests
