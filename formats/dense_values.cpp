// SPDX-License-Identifier: Apache-2.0
#include "formats/dense_values.hpp"

#include <cstring>

#include "lib/ir/sparse.hpp"

namespace pare::formats {

namespace {

ir::Bytes with_zeros(const ir::Tensor& tensor, int64_t bytes) {
  const auto codes = tensor.part(ir::Part::kCodes)->view();
  const auto mask = tensor.part(ir::Part::kMask)->view();
  const auto kept = ir::expand_mask(mask.bytes(), tensor.dims(), tensor.layout());
  ir::Bytes out(static_cast<size_t>(bytes));
  const size_t width = kept.empty() ? 0 : out.size() / kept.size();
  const std::byte* from = codes.bytes().data();
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) continue;
    std::memcpy(out.data() + i * width, from, width);
    from += width;
  }
  return out;
}

ir::Bytes decoded(const ir::Tensor& tensor) {
  const std::vector<float> values = ir::to_f32(tensor);
  const auto bytes = std::as_bytes(std::span(values));
  return {bytes.begin(), bytes.end()};
}

}  // namespace

ir::Tensor dense(const ir::Tensor& tensor) {
  if (tensor.is_plain()) return tensor;
  const bool sparse_only = !tensor.is_quantized();
  const ir::DType dtype = sparse_only ? tensor.part(ir::Part::kCodes)->dtype() : ir::DType::kF32;
  const int64_t bytes = ir::byte_size(dtype, tensor.dims());
  return ir::Tensor(dtype, tensor.dims(), ir::Buffer::deferred(bytes, [=] {
                      return sparse_only ? with_zeros(tensor, bytes) : decoded(tensor);
                    }));
}

}  // namespace pare::formats
