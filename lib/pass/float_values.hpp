// SPDX-License-Identifier: Apache-2.0
// The element values of a tensor as f32, for passes that look at weights one tensor at a time: a
// plain f32 tensor is read in place (mapped or deferred), anything else is decoded into a copy.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "lib/ir/element_reader.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::pass {

class FloatValues {
 public:
  explicit FloatValues(const ir::Tensor& tensor);
  // Values that the caller owns and keeps alive.
  explicit FloatValues(std::span<const float> values) : values_(values) {}
  FloatValues(FloatValues&&) = default;
  FloatValues& operator=(FloatValues&&) = default;

  std::span<const float> span() const { return values_; }

 private:
  std::vector<float> decoded_;
  std::optional<ir::BufferView> view_;
  std::span<const float> values_;
};

// The same, a range at a time: for tensors too large to decode whole.
class FloatRanges {
 public:
  // Room for decoded values; one a thread, used again for the next range.
  struct Scratch {
    std::unique_ptr<float[]> values;
    size_t size = 0;
  };
  explicit FloatRanges(const ir::Tensor& tensor);
  // Values that the caller owns and keeps alive.
  explicit FloatRanges(std::span<const float> values) : whole_(values) {}
  // Elements [first, first + n), valid until `scratch` is used again. Any thread.
  std::span<const float> read(int64_t first, int64_t n, Scratch& scratch) const;
  int64_t count() const { return reader_ ? reader_->count() : static_cast<int64_t>(whole_.size()); }

 private:
  std::optional<ir::ElementReader> reader_;
  std::optional<ir::BufferView> view_;  // of a plain aligned f32 tensor,
  std::span<const float> whole_;        // which is read in place
};

// `source` with only the elements that `kept` (one byte an element) marks stored, under `layout`,
// in the same float dtype (f32 when `source` is not plain). The values are deferred: they are
// gathered from `source` when they are asked for.
ir::Tensor sparse_tensor(const ir::Tensor& source, std::span<const uint8_t> kept,
                         ir::SparseLayout layout);

// One byte an element, 1 where the value is not zero.
std::vector<uint8_t> nonzero(std::span<const float> values);

}  // namespace pare::pass
