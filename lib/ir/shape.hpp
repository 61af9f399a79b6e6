// SPDX-License-Identifier: Apache-2.0
// Dims are known sizes of a stored tensor; a Shape belongs to a graph value and may hold symbolic
// dimensions ("batch"), which a runtime session fixes.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::ir {

using Dims = std::vector<int64_t>;

struct Dim {
  int64_t size = -1;   // >= 0 when known
  std::string symbol;  // non-empty when symbolic
  Dim() = default;
  Dim(int64_t known) : size(known) {}                 // NOLINT(google-explicit-constructor)
  Dim(std::string name) : symbol(std::move(name)) {}  // NOLINT(google-explicit-constructor)
  bool known() const { return size >= 0; }
  bool operator==(const Dim&) const = default;
};
using Shape = std::vector<Dim>;

// Number of elements; throws Error(subject) on overflow or a negative dimension.
int64_t element_count(std::span<const int64_t> dims, std::string_view subject = "tensor");
// All dimensions known, else throws Error(subject).
Dims known_dims(const Shape& shape, std::string_view subject);
Shape shape_of(std::span<const int64_t> dims);
// "[batch, 1, 28, 28]"
std::string to_string(const Shape& shape);
std::string to_string(std::span<const int64_t> dims);

}  // namespace pare::ir
