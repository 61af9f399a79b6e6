// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <numeric>

#include "formats/dense_values.hpp"
#include "formats/safetensors/compressed.hpp"
#include "formats/safetensors/header.hpp"
#include "formats/safetensors/metadata.hpp"
#include "formats/safetensors/safetensors_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/ordered_work.hpp"
#include "lib/core/output_file.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;
using safetensors::NamedTensor;

constexpr size_t kAlignment = 8;
// Of evaluated tensors that wait to be written, beside the one that is largest.
constexpr int64_t kEvaluatedBytes = int64_t{64} << 20;

// i4 and u4 as such are no element type of the format.
ir::Tensor storable(const ir::Tensor& tensor) {
  ir::Tensor plain = dense(tensor);
  if (safetensors::dtype_text(plain.dtype())) return plain;
  const std::vector<int32_t> codes = ir::to_codes(plain);
  const std::vector<int8_t> bytes(codes.begin(), codes.end());
  return ir::Tensor::of(ir::DType::kI8, plain.dims(), std::span<const int8_t>(bytes));
}

std::vector<NamedTensor> stored_tensors(const ir::Model& model) {
  std::vector<NamedTensor> out;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (safetensors::can_compress(tensor)) {
      for (NamedTensor& part : safetensors::compress(name, tensor)) out.push_back(std::move(part));
    } else {
      out.emplace_back(name, storable(tensor));
    }
  }
  return out;
}

// Where each tensor begins behind the header. Widest elements first, so that without holes each
// begins at a multiple of its width.
std::vector<int64_t> places_in_file(const std::vector<NamedTensor>& tensors) {
  std::vector<size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::greater(),
                           [&](size_t i) { return ir::info(tensors[i].second.dtype()).bits; });
  std::vector<int64_t> begin(tensors.size());
  int64_t at = 0;
  for (const size_t i : order) {
    begin[i] = at;
    at += tensors[i].second.stored_bytes();
  }
  return begin;
}

std::string header_text(const std::vector<NamedTensor>& tensors, const std::vector<int64_t>& begin,
                        const Json& texts, const std::string& path) {
  Json json = {{"__metadata__", texts}};
  for (size_t i = 0; i < tensors.size(); ++i) {
    const auto& [name, tensor] = tensors[i];
    json[name] = {{"dtype", *safetensors::dtype_text(tensor.dtype())},
                  {"shape", tensor.dims()},
                  {"data_offsets", {begin[i], begin[i] + tensor.stored_bytes()}}};
  }
  std::string text = to_text(json);
  text.append((kAlignment - text.size() % kAlignment) % kAlignment, ' ');
  if (text.size() > safetensors::kLargestHeader) {
    throw Error(path, "its header would exceed the 100 MB that safetensors allow");
  }
  return text;
}

// Tensor i begins at `begin[i]` behind `data`. In the model's order, not the file's: what belongs
// together, as codes and their scales, is worked out together.
void write_tensors(const std::vector<NamedTensor>& tensors, const std::vector<int64_t>& begin,
                   int64_t data, int threads, OutputFile& file) {
  const auto tensor_at = [&](int64_t i) -> const ir::Tensor& {
    return tensors[static_cast<size_t>(i)].second;
  };
  OrderedWork work(static_cast<int64_t>(tensors.size()), kEvaluatedBytes);
  work.run(
      threads,
      [&](int64_t i) {
        const ir::Tensor& tensor = tensor_at(i);
        return tensor.buffer().is_deferred() ? tensor.stored_bytes() : 0;
      },
      [&](int64_t i) { return tensor_at(i).view(); },
      [&](int64_t i, const ir::BufferView& view) {
        file.write_at(data + begin[static_cast<size_t>(i)], view.bytes());
      });
}

void write_config(const Json& config, const std::string& path, const WriteOptions& options) {
  const fs::path beside = fs::path(path).parent_path() / "config.json";
  if (config.is_null() || fs::path(path).filename() != "model.safetensors") return;
  if (fs::exists(beside)) {
    options.note(beside.string() + " is there already; its quantization_config is not touched");
    return;
  }
  write_text_file(beside.string(), to_text({{"quantization_config", config}}, 2) + "\n");
}

}  // namespace

void write_safetensors(const ir::Model& model, const std::string& path,
                       const WriteOptions& options) {
  const std::vector<NamedTensor> tensors = stored_tensors(model);
  for (size_t i = 0; i < tensors.size(); ++i) {
    if (tensors[i].first == "__metadata__") throw Error(path, "a tensor is named __metadata__");
  }
  const Json config = safetensors::quantization_config(model);
  const std::vector<int64_t> begin = places_in_file(tensors);
  const auto header_for = [&](const ir::Metadata& metadata) {
    return header_text(tensors, begin, safetensors::texts_for(metadata, config), path);
  };
  const std::string header = header_for(model.metadata);
  OutputFile file(path);
  const uint64_t size = header.size();
  const auto data = static_cast<int64_t>(sizeof size + header.size());
  int64_t bytes = data;
  for (const auto& [name, tensor] : tensors) bytes += tensor.stored_bytes();
  file.require_space(bytes);
  file.write(std::as_bytes(std::span(&size, 1)));
  file.write(header);
  write_tensors(tensors, begin, data, options.threads, file);
  if (options.complete) {
    ir::Metadata metadata = model.metadata;
    options.complete(metadata);
    const std::string completed = header_for(metadata);
    require(completed.size() == header.size(), "metadata are completed without a change of length");
    file.write_at(sizeof size, std::as_bytes(std::span(completed)));
  }
  file.commit();
  write_config(config, path, options);
}

std::vector<std::string> safetensors_losses(const ir::Model& model, const WriteOptions&) {
  std::vector<std::string> out;
  size_t sparse = 0, decoded = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    sparse += tensor.is_sparse() ? 1 : 0;
    decoded += tensor.is_quantized() && !safetensors::can_compress(tensor) ? 1 : 0;
  }
  if (!model.graphs.empty()) out.emplace_back("safetensors hold weights: the graph is left out");
  if (!model.assets.empty()) out.emplace_back("safetensors hold weights: assets are left out");
  if (sparse > 0) {
    out.push_back(std::to_string(sparse) +
                  " sparse tensors are written with their zeros: the format has no sparse storage");
  }
  if (decoded > 0) {
    out.push_back(std::to_string(decoded) +
                  " quantized tensors are written as f32: compressed-tensors has no name for "
                  "their scheme");
  }
  return out;
}

}  // namespace pare::formats
