// SPDX-License-Identifier: Apache-2.0
#include "lib/train/flat_tensors.hpp"

#include <algorithm>

#include "lib/core/error.hpp"

namespace pare::train {

namespace {
constexpr int64_t kAlignment = 16;  // floats: 64 bytes
}

std::span<float> FlatTensors::span_of(const at::Tensor& t) {
  if (!t.defined()) return {};
  return {t.data_ptr<float>(), static_cast<size_t>(t.numel())};
}

size_t FlatTensors::add(std::string name, ir::Dims dims, std::vector<float> values) {
  require(!values_.defined(), "tensors are added before seal()");
  const auto count = static_cast<int64_t>(values.size());
  require(count == ir::element_count(dims, name), "values fill their dims");
  slots_.push_back({std::move(name), std::move(dims), std::move(values), 0, count});
  return slots_.size() - 1;
}

void FlatTensors::seal(bool with_gradients) {
  int64_t total = 0;
  for (Slot& slot : slots_) {
    slot.offset = total;
    total += (slot.count + kAlignment - 1) / kAlignment * kAlignment;
  }
  values_ = at::zeros({total});
  if (with_gradients) gradients_ = at::zeros({total});
  for (Slot& slot : slots_) {
    float* data = values_.data_ptr<float>() + slot.offset;
    std::ranges::copy(slot.initial, data);
    slot.initial = {};
    at::Tensor tensor = at::from_blob(data, slot.dims);
    if (with_gradients) {
      tensor.set_requires_grad(true);
      tensor.mutable_grad() = at::from_blob(gradients_.data_ptr<float>() + slot.offset, slot.dims);
    }
    tensors_.push_back(std::move(tensor));
  }
}

std::span<float> FlatTensors::values(size_t index) {
  const Slot& slot = slots_.at(index);
  return flat().subspan(static_cast<size_t>(slot.offset), static_cast<size_t>(slot.count));
}

std::map<std::string, std::span<float>> FlatTensors::by_name() {
  std::map<std::string, std::span<float>> out;
  for (size_t i = 0; i < slots_.size(); ++i) out.emplace(slots_[i].name, values(i));
  return out;
}

}  // namespace pare::train
