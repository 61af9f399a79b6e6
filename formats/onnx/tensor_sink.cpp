// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/tensor_sink.hpp"

#include <algorithm>
#include <filesystem>

#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kSmallest = 1024;   // smaller tensors stay in the message
constexpr int64_t kAlignment = 4096;  // so that readers can map each tensor
constexpr size_t kHashDigits = 16;
constexpr std::string_view kSuffix = ".data";

// MODEL.onnx.0123456789abcdef.data
bool is_data_of(const std::string& name, const std::string& model) {
  if (name.size() != model.size() + 1 + kHashDigits + kSuffix.size()) return false;
  if (!name.starts_with(model + ".") || !name.ends_with(kSuffix)) return false;
  return std::ranges::all_of(name.substr(model.size() + 1, kHashDigits), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
  });
}

}  // namespace

TensorSink::TensorSink(const std::string& model_path, Placement placement)
    : model_path_(model_path) {
  if (placement == Placement::kBeside) {
    file_ = std::make_unique<OutputFile>(model_path + std::string(kSuffix));
  }
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
  const std::string padding(static_cast<size_t>(start - offset_), '\0');
  file_->write(padding);
  file_->write(view.bytes());
  hash_.update(padding);
  hash_.update(view.bytes());
  offset_ = start + size;
  out.set_data_location(onnx::TensorProto::EXTERNAL);
  const auto entry = [&](const char* key, const std::string& value) {
    auto& pair = *out.add_external_data();
    pair.set_key(key);
    pair.set_value(value);
  };
  entry("location", "");  // finish() knows it
  entry("offset", std::to_string(start));
  entry("length", std::to_string(size));
}

void TensorSink::finish(onnx::GraphProto& graph) {
  if (offset_ == 0) return;
  data_name_ = fs::path(model_path_).filename().string() + "." +
               to_hex(hash_.finish()).substr(0, kHashDigits) + std::string(kSuffix);
  for (auto& tensor : *graph.mutable_initializer()) {
    if (tensor.data_location() != onnx::TensorProto::EXTERNAL) continue;
    tensor.mutable_external_data(0)->set_value(data_name_);
  }
  file_->sync();
}

void TensorSink::commit() {
  if (!data_name_.empty()) {
    file_->commit_as((fs::path(model_path_).parent_path() / data_name_).string());
  }
}

void TensorSink::remove_others() const {
  const fs::path path(model_path_);
  const std::string model = path.filename().string();
  const fs::path folder = path.has_parent_path() ? path.parent_path() : fs::path(".");
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name != data_name_ && is_data_of(name, model)) fs::remove(entry.path(), ignored);
  }
}

}  // namespace pare::formats
