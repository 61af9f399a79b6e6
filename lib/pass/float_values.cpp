// SPDX-License-Identifier: Apache-2.0
#include "lib/pass/float_values.hpp"

#include <algorithm>
#include <array>

#include "lib/ir/sparse.hpp"

namespace pare::pass {

FloatValues::FloatValues(const ir::Tensor& tensor) {
  if (tensor.is_plain() && tensor.dtype() == ir::DType::kF32) {
    view_ = tensor.view();
    const auto bytes = view_->bytes();
    if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) == 0) {
      values_ = {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
      return;
    }
  }
  decoded_ = ir::to_f32(tensor);
  values_ = decoded_;
}

FloatRanges::FloatRanges(const ir::Tensor& tensor) {
  if (tensor.is_plain() && tensor.dtype() == ir::DType::kF32) {
    view_ = tensor.view();
    const auto bytes = view_->bytes();
    if (reinterpret_cast<uintptr_t>(bytes.data()) % alignof(float) == 0) {
      whole_ = {reinterpret_cast<const float*>(bytes.data()), bytes.size() / sizeof(float)};
      return;
    }
  }
  reader_.emplace(tensor);
}

std::span<const float> FloatRanges::read(int64_t first, int64_t n, Scratch& scratch) const {
  const auto size = static_cast<size_t>(n);
  if (!reader_) return whole_.subspan(static_cast<size_t>(first), size);
  if (scratch.size < size) {
    scratch.values = std::make_unique_for_overwrite<float[]>(size);
    scratch.size = size;
  }
  reader_->read(first, {scratch.values.get(), size});
  return {scratch.values.get(), size};
}

std::vector<uint8_t> nonzero(std::span<const float> values) {
  std::vector<uint8_t> kept(values.size());
  for (size_t i = 0; i < values.size(); ++i) kept[i] = values[i] != 0.0F;
  return kept;
}

namespace {

// The elements that `flags` marks, `width` bytes each.
ir::Bytes gathered(std::span<const std::byte> elements, std::span<const uint8_t> flags,
                   size_t width) {
  ir::Bytes out;
  for (size_t i = 0; i < flags.size(); ++i) {
    if (!flags[i]) continue;
    const auto raw = elements.subspan(i * width, width);
    out.insert(out.end(), raw.begin(), raw.end());
  }
  return out;
}

}  // namespace

ir::Tensor sparse_tensor(const ir::Tensor& source, std::span<const uint8_t> kept,
                         ir::SparseLayout layout) {
  ir::Bytes mask = ir::pack_mask(kept, source.dims(), layout);
  const auto stored =
      static_cast<int64_t>(std::ranges::count_if(kept, [](uint8_t k) { return k; }));
  const auto mask_size = static_cast<int64_t>(mask.size());
  const ir::Tensor mask_part(ir::DType::kU8, {mask_size}, ir::Buffer::heap(std::move(mask)));
  const ir::DType dtype = source.is_plain() ? source.dtype() : ir::DType::kF32;
  const auto gather = [source, mask_part, layout, dtype] {
    const ir::BufferView packed = mask_part.view();
    const auto flags = ir::expand_mask(packed.bytes(), source.dims(), layout);
    const auto width = static_cast<size_t>(ir::info(dtype).bits / 8);
    if (source.is_plain()) {
      const ir::BufferView elements = source.view();
      return gathered(elements.bytes(), flags, width);
    }
    const std::vector<float> decoded = ir::to_f32(source);
    return gathered(std::as_bytes(std::span(decoded)), flags, width);
  };
  ir::Tensor codes(dtype, {stored},
                   ir::Buffer::deferred(ir::byte_size(dtype, std::array{stored}), gather));
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kCodes, std::move(codes)).set(ir::Part::kMask, mask_part);
  return ir::Tensor::composite(source.dims(), std::nullopt, layout, std::move(parts));
}

}  // namespace pare::pass
