// SPDX-License-Identifier: Apache-2.0
// One NumPy array in memory: element type, dimensions and values, always row-major and
// little-endian whatever the file said. Values are viewed where they lie; `owner` keeps them alive.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ir/shape.hpp"

namespace pare::numpy {

// The letters of NumPy's type strings.
enum class Kind : char {
  kBool = 'b',
  kSigned = 'i',
  kUnsigned = 'u',
  kFloat = 'f',
  kUnicode = 'U',  // UCS-4, padded with zeros
  kBytes = 'S',    // padded with zeros
};

struct ElementType {
  Kind kind = Kind::kUnsigned;
  int64_t bytes = 1;  // of one element; of text: of the whole field
  bool is_text() const { return kind == Kind::kUnicode || kind == Kind::kBytes; }
  bool is_integer() const { return !is_text() && kind != Kind::kFloat; }
  bool operator==(const ElementType&) const = default;
};

// "<f4", "|u1", "<U12", as NumPy writes it on a little-endian machine.
std::string descr_of(ElementType type);

struct Array {
  ElementType type;
  ir::Dims dims;                      // {} for a scalar
  std::span<const std::byte> bytes;   // row-major, little-endian, any alignment
  std::shared_ptr<const void> owner;  // null when the caller keeps `bytes` valid
};

// Views of `values`, which must outlive the array.
Array view_of(ir::Dims dims, std::span<const float> values);
Array view_of(ir::Dims dims, std::span<const int64_t> values);
// UTF-8 texts as one dimension of UCS-4, and one text as a scalar. They own their values.
Array array_of_texts(std::span<const std::string> texts);
Array array_of_text(const std::string& text);

// Values of another type are converted. Throw Error(subject) for text, to_i64 for anything but
// integers that fit.
std::vector<float> to_f32(const Array& array, std::string_view subject);
std::vector<int64_t> to_i64(const Array& array, std::string_view subject);
// As UTF-8 (byte text as it is). Throws Error(subject) for numbers.
std::vector<std::string> to_texts(const Array& array, std::string_view subject);

}  // namespace pare::numpy
