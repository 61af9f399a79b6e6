// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/element.hpp"

#include <array>

namespace pare::hdf5 {

namespace {

// In the order of the enumeration.
constexpr std::array<ElementInfo, 12> kElements = {{
    {Element::kI8, "i8", 1},
    {Element::kU8, "u8", 1},
    {Element::kI16, "i16", 2},
    {Element::kU16, "u16", 2},
    {Element::kI32, "i32", 4},
    {Element::kU32, "u32", 4},
    {Element::kI64, "i64", 8},
    {Element::kU64, "u64", 8},
    {Element::kF16, "f16", 2},
    {Element::kF32, "f32", 4},
    {Element::kF64, "f64", 8},
    {Element::kText, "text", 0},
}};

}  // namespace

const ElementInfo& info(Element element) { return kElements[static_cast<size_t>(element)]; }

std::optional<Element> element_from_name(std::string_view name) {
  for (const ElementInfo& row : kElements) {
    if (row.name == name) return row.element;
  }
  return std::nullopt;
}

}  // namespace pare::hdf5
