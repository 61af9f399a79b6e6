// SPDX-License-Identifier: Apache-2.0
// Collects the parts of one generated file: which kernels it uses, its constants, and the calls
// that run the model.
#pragma once

#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "formats/c/identifiers.hpp"
#include "formats/c/literals.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::formats::c {

// One step of the plan as its emitter sees it. Operands are C expressions of their address: float
// or uint8_t pointers; "" for constants and absent ones.
struct Step {
  const runtime::StepSpec& spec;
  std::string name;  // identifier its constants are named after
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string scratch;  // int32_t pointer on codes, else float; where row_scratch() asked for it

  const std::string& in(size_t i) const { return inputs.at(i); }
  const std::string& out() const { return outputs.front(); }
  // "0" when the step has none.
  std::string residual() const { return spec.has_residual ? inputs.back() : "0"; }
};

class Source {
 public:
  Source();

  void use(const std::string& kernel) { kernels_.insert(kernel); }
  std::string unique(const std::string& wanted) { return names_.unique(wanted); }

  // A static const array; returns its name. Equal arrays are stored once.
  std::string array(const std::string& name, std::span<const float> values);
  std::string array(const std::string& name, std::span<const int32_t> values);
  std::string array(const std::string& name, std::span<const int8_t> values);
  std::string array(const std::string& name, std::span<const uint8_t> values);

  // A static const struct; returns its address. Every field takes 4 bytes; a field of several
  // values is written "{a, b}".
  using Fields = std::vector<std::pair<std::string, std::string>>;
  std::string record(const std::string& tag, const std::string& name, const Fields& fields,
                     int64_t words);

  // A call of a kernel of that name.
  void call(const std::string& kernel, const std::vector<std::string>& arguments);
  // A comment line between calls.
  void remark(const std::string& text);

  const std::set<std::string>& kernels() const { return kernels_; }
  const std::string& constants() const { return constants_; }
  // The calls since the last time.
  std::string take_calls() { return std::exchange(calls_, {}); }
  int64_t constant_bytes() const { return constant_bytes_; }

 private:
  template <class T>
  std::string add_array(const char* type, const std::string& name, std::span<const T> values);

  Names names_;
  std::set<std::string> kernels_;
  std::string constants_;
  std::string calls_;
  std::map<std::string, std::string> arrays_;  // type and values -> name
  int64_t constant_bytes_ = 0;
};

}  // namespace pare::formats::c
