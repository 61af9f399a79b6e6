// SPDX-License-Identifier: Apache-2.0
#include "formats/npz/npz_format.hpp"

#include <array>
#include <cstring>

#include "formats/dense_values.hpp"
#include "formats/double_values.hpp"
#include "formats/safetensors/compressed.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/numpy/npz.hpp"

namespace pare::formats {

namespace {

using ir::DType;
using numpy::Kind;
using safetensors::NamedTensor;

constexpr const char* kMetadata = "__pare__";
constexpr std::string_view kZipStart = "PK\x03\x04";
constexpr size_t kNameAt = 30;

struct TypeRow {
  numpy::ElementType type;
  DType dtype;
};
constexpr std::array kTypes = std::to_array<TypeRow>({{{Kind::kFloat, 4}, DType::kF32},
                                                      {{Kind::kFloat, 2}, DType::kF16},
                                                      {{Kind::kSigned, 8}, DType::kI64},
                                                      {{Kind::kSigned, 4}, DType::kI32},
                                                      {{Kind::kSigned, 2}, DType::kI16},
                                                      {{Kind::kSigned, 1}, DType::kI8},
                                                      {{Kind::kUnsigned, 1}, DType::kU8},
                                                      {{Kind::kBool, 1}, DType::kBool}});

class NpzModelReader {
 public:
  NpzModelReader(const std::string& path, const ReadOptions& options)
      : path_(path), options_(options), file_(path) {}

  ir::Model read() {
    ir::Model model;
    for (const std::string& name : file_.stored_names()) {
      const numpy::Array array = file_.load(name);
      if (name == kMetadata && array.type.is_text()) {
        const auto texts = numpy::to_texts(array, path_);
        if (texts.size() != 1) throw Error(path_, "its __pare__ is no text");
        model.metadata = ir::metadata_from_json(parse_json(texts[0], path_), path_);
      } else {
        tensors_.emplace_back(name, tensor_of(name, array));
      }
    }
    if (narrowed_ > 0) {
      options_.note(std::to_string(narrowed_) + " arrays of 64-bit floats became f32");
    }
    model.parameters = safetensors::decompress(tensors_, take_config(model.metadata), path_);
    return model;
  }

 private:
  // The quantization_config that write_npz() put into the model's source.
  static Json take_config(ir::Metadata& metadata) {
    Json config;
    if (!metadata.source.is_object() || !metadata.source.contains(kMetadata)) return config;
    config = metadata.source[kMetadata];
    metadata.source.erase(kMetadata);
    if (metadata.source.empty()) metadata.source = Json();
    return config;
  }

  ir::Tensor tensor_of(const std::string& name, const numpy::Array& array) {
    if (array.type == numpy::ElementType{Kind::kFloat, 8}) {
      ++narrowed_;
      return ir::Tensor(DType::kF32, array.dims, ir::Buffer::heap(to_single(array.bytes)));
    }
    for (const TypeRow& row : kTypes) {
      if (row.type != array.type) continue;
      // Kernels read elements where they lie, and a zip member may lie anywhere.
      const auto width = static_cast<uintptr_t>(array.type.bytes);
      const bool aligned = reinterpret_cast<uintptr_t>(array.bytes.data()) % width == 0;
      return ir::Tensor(row.dtype, array.dims,
                        aligned ? ir::Buffer::mapped(array.bytes, array.owner)
                                : ir::Buffer::heap({array.bytes.begin(), array.bytes.end()}));
    }
    throw Error(path_, "array " + escaped(name) + ": no model stores elements of type '" +
                           numpy::descr_of(array.type) + "'");
  }

  const std::string& path_;
  const ReadOptions& options_;
  numpy::NpzReader file_;
  std::vector<NamedTensor> tensors_;
  int64_t narrowed_ = 0;
};

// A tensor of a type that NumPy has: i4 and u4 as i8, bf16 as f32.
ir::Tensor storable(const ir::Tensor& tensor) {
  const ir::Tensor plain = dense(tensor);
  for (const TypeRow& row : kTypes) {
    if (row.dtype == plain.dtype()) return plain;
  }
  if (plain.dtype() == DType::kBF16) return ir::Tensor::f32(plain.dims(), ir::to_f32(plain));
  const std::vector<int32_t> codes = ir::to_codes(plain);
  const std::vector<int8_t> bytes(codes.begin(), codes.end());
  return ir::Tensor::of(DType::kI8, plain.dims(), std::span<const int8_t>(bytes));
}

numpy::ElementType type_of(DType dtype) {
  for (const TypeRow& row : kTypes) {
    if (row.dtype == dtype) return row.type;
  }
  throw Bug("npz: a tensor of this type is converted before");
}

}  // namespace

bool is_npz(std::span<const std::byte> head) {
  const std::string_view text(reinterpret_cast<const char*>(head.data()), head.size());
  if (!text.starts_with(kZipStart) || head.size() < kNameAt) return false;
  uint16_t size = 0;
  std::memcpy(&size, head.data() + 26, sizeof size);
  return text.substr(kNameAt, size).ends_with(".npy");
}

ir::Model read_npz(const std::string& path, const ReadOptions& options) {
  return NpzModelReader(path, options).read();
}

void write_npz(const ir::Model& model, const std::string& path, const WriteOptions&) {
  std::vector<NamedTensor> tensors;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (safetensors::can_compress(tensor)) {
      for (NamedTensor& part : safetensors::compress(name, tensor)) {
        tensors.push_back(std::move(part));
      }
    } else {
      tensors.emplace_back(name, tensor);
    }
  }
  ir::Metadata metadata = model.metadata;
  const Json config = safetensors::quantization_config(model);
  if (!config.is_null()) {
    if (!metadata.source.is_object()) metadata.source = Json::object();
    metadata.source[kMetadata] = config;
  }
  std::vector<ir::BufferView> views;
  std::vector<numpy::NamedArray> arrays;
  arrays.emplace_back(kMetadata, numpy::array_of_text(to_text(ir::to_json(metadata))));
  for (const auto& [name, tensor] : tensors) {
    const ir::Tensor plain = storable(tensor);
    views.push_back(plain.view());
    arrays.emplace_back(
        name, numpy::Array{type_of(plain.dtype()), plain.dims(), views.back().bytes(), nullptr});
  }
  numpy::write_npz(arrays, path);
}

std::vector<std::string> npz_losses(const ir::Model& model, const WriteOptions&) {
  std::vector<std::string> out;
  size_t sparse = 0, decoded = 0, bf16 = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    sparse += tensor.is_sparse() ? 1 : 0;
    decoded += tensor.is_quantized() && !safetensors::can_compress(tensor) ? 1 : 0;
    bf16 += tensor.is_plain() && tensor.dtype() == DType::kBF16 ? 1 : 0;
  }
  const auto lose = [&](size_t count, const char* how) {
    if (count > 0) out.push_back(std::to_string(count) + how);
  };
  if (!model.graphs.empty()) out.emplace_back("an .npz file holds arrays: the graph is left out");
  if (!model.assets.empty()) out.emplace_back("an .npz file holds arrays: assets are left out");
  lose(sparse, " sparse tensors are written with their zeros: NumPy has no sparse storage");
  lose(decoded, " quantized tensors are written as f32: their scheme has no name");
  lose(bf16, " bf16 tensors are written as f32: NumPy has no bf16");
  return out;
}

}  // namespace pare::formats
