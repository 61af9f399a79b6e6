// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/tensor_sink.hpp"

#include <filesystem>

#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

constexpr int64_t kSmallest = 1024;   // smaller tensors stay in the message
constexpr int64_t kAlignment = 4096;  // so that readers can map each tensor

}  // namespace

TensorSink::TensorSink(const std::string& external) {
  if (external.empty()) return;
  file_ = std::make_unique<OutputFile>(external);
  file_name_ = std::filesystem::path(external).filename().string();
}

void TensorSink::store(const std::string& name, const ir::Tensor& tensor, onnx::TensorProto& out) {
  require(tensor.is_plain(), "only plain tensors become initializers");
  out.set_name(name);
  out.set_data_type(onnx_type_of(tensor.dtype()));
  out.mutable_dims()->Add(tensor.dims().begin(), tensor.dims().end());
  const ir::BufferView view = tensor.view();
  const auto size = static_cast<int64_t>(view.bytes().size());
  if (!file_ || size < kSmallest) {
    out.set_raw_data(view.bytes().data(), view.bytes().size());
    return;
  }
  const int64_t start = (offset_ + kAlignment - 1) / kAlignment * kAlignment;
  file_->write(std::string(static_cast<size_t>(start - offset_), '\0'));
  file_->write(view.bytes());
  offset_ = start + size;
  out.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto entry = [&](const char* key, const std::string& value) {
    auto& pair = *out.add_external_data();
    pair.set_key(key);
    pair.set_value(value);
  };
  entry("location", file_name_);
  entry("offset", std::to_string(start));
  entry("length", std::to_string(size));
}

void TensorSink::commit() {
  if (file_) file_->commit();
}

}  // namespace pare::formats
