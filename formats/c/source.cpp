// SPDX-License-Identifier: Apache-2.0
#include "formats/c/source.hpp"

#include "formats/c/kernel_text.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::c {

namespace {

std::set<std::string> reserved_names() {
  std::set<std::string> names = {"arena", "row_sums", "infer", "input", "output", "main"};
  for (const KernelText& kernel : kernel_texts()) names.emplace(kernel.name);
  return names;
}

}  // namespace

Source::Source() : names_(reserved_names()) {}

template <class T>
std::string Source::add_array(const char* type, const std::string& name,
                              std::span<const T> values) {
  if (values.empty()) throw Error(name, "has no values: cannot be written as C source");
  const std::string body = "[" + std::to_string(values.size()) + "] = " + initializer(values, 2);
  std::string& known = arrays_[type + body];
  if (!known.empty()) return known;
  known = unique(name);
  constants_ += std::string("static const ") + type + " " + known + body + ";\n\n";
  constant_bytes_ += static_cast<int64_t>(values.size_bytes());
  return known;
}

std::string Source::array(const std::string& name, std::span<const float> values) {
  return add_array("float", name, values);
}
std::string Source::array(const std::string& name, std::span<const int32_t> values) {
  return add_array("int32_t", name, values);
}
std::string Source::array(const std::string& name, std::span<const int8_t> values) {
  return add_array("int8_t", name, values);
}
std::string Source::array(const std::string& name, std::span<const uint8_t> values) {
  return add_array("uint8_t", name, values);
}

std::string Source::record(const std::string& tag, const std::string& name, const Fields& fields,
                           int64_t words) {
  const std::string made = unique(name);
  std::vector<std::string> values;
  for (const auto& [field, value] : fields) values.push_back("." + field + " = " + value);
  constants_ += "static const struct " + tag + " " + made + " = " +
                initializer(std::span<const std::string>(values), 2) + ";\n\n";
  constant_bytes_ += 4 * words;
  return "&" + made;
}

void Source::call(const std::string& kernel, const std::vector<std::string>& arguments) {
  use(kernel);
  calls_ += call_text(kernel, arguments, 2);
}

void Source::remark(const std::string& text) { calls_ += "\n  // " + plain_text(text, 95) + "\n"; }

}  // namespace pare::formats::c
