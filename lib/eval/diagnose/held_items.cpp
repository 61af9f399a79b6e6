// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/diagnose/held_items.hpp"

#include <algorithm>

#include "lib/core/checked.hpp"
#include "lib/eval/label_space.hpp"

namespace pare::eval {

HeldItems::HeldItems(const data::Dataset& source)
    : info_(source.info()),
      item_(static_cast<size_t>(ir::element_count(source.info().item, source.info().source))),
      labels_(labels_of(source)),
      fingerprint_(source.fingerprint()) {
  const auto elements = static_cast<size_t>(
      checked_mul(source.size(), static_cast<int64_t>(item_), source.info().source));
  const bool stored_as_bytes = source.size() > 0 && !source.bytes(0).empty();
  stored_as_bytes ? pixels_.resize(elements) : values_.resize(elements);
  for (int64_t i = 0; i < source.size(); ++i) {
    const size_t at = static_cast<size_t>(i) * item_;
    if (stored_as_bytes) {
      std::ranges::copy(source.bytes(i), pixels_.begin() + static_cast<std::ptrdiff_t>(at));
    } else {
      source.read(i, std::span(values_).subspan(at, item_));
    }
  }
}

void HeldItems::read(int64_t index, std::span<float> out) const {
  const size_t at = static_cast<size_t>(index) * item_;
  for (size_t i = 0; i < item_; ++i) {
    out[i] = pixels_.empty() ? values_[at + i] : static_cast<float>(pixels_[at + i]);
  }
}

std::span<const uint8_t> HeldItems::bytes(int64_t index) const {
  if (pixels_.empty()) return {};
  return std::span(pixels_).subspan(static_cast<size_t>(index) * item_, item_);
}

}  // namespace pare::eval
