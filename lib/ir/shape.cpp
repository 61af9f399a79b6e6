// SPDX-License-Identifier: Apache-2.0
// Products are overflow-checked: dims come from files.
#include "lib/ir/shape.hpp"

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"

namespace pare::ir {

int64_t element_count(std::span<const int64_t> dims, std::string_view subject) {
  return checked_product(dims, subject);
}

Dims known_dims(const Shape& shape, std::string_view subject) {
  Dims dims;
  dims.reserve(shape.size());
  for (const Dim& dim : shape) {
    if (!dim.known()) throw Error(subject, "shape " + to_string(shape) + " is not fully known");
    dims.push_back(dim.size);
  }
  return dims;
}

Shape shape_of(std::span<const int64_t> dims) { return {dims.begin(), dims.end()}; }

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (const Dim& dim : shape) {
    if (out.size() > 1) out += ", ";
    out += dim.known() ? std::to_string(dim.size) : dim.symbol.empty() ? "?" : dim.symbol;
  }
  return out + "]";
}

std::string to_string(std::span<const int64_t> dims) { return to_string(shape_of(dims)); }

}  // namespace pare::ir
