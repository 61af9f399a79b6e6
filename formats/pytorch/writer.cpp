// SPDX-License-Identifier: Apache-2.0
// A state dict as torch.save would write it (zip form, pickle protocol 2): an OrderedDict from
// names to calls of torch._utils._rebuild_tensor_v2, and the values of tensor N in data/N.
#include "formats/dense_values.hpp"
#include "formats/pytorch/pytorch_format.hpp"
#include "formats/pytorch/storages.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/numpy/zip_writer.hpp"

namespace pare::formats {

namespace {

constexpr size_t kAlignment = 64;  // of values in the file, as torch.save aligns them
constexpr std::string_view kFolder = "archive/";
constexpr std::string_view kVersion = "3\n";

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

class PickleWriter {
 public:
  PickleWriter() {
    out_ = "\x80\x02";
    empty_ordered_dict();
    out_ += '(';
  }

  void add(const std::string& name, const ir::Tensor& tensor, const std::string& key) {
    const auto& element = pytorch::element_of_dtype(tensor.dtype());
    text(name);
    out_ += "ctorch._utils\n_rebuild_tensor_v2\n((";
    text("storage");
    out_ += "ctorch\n" + std::string(element.storage) + "\n";
    text(key);
    text("cpu");
    integer(tensor.count());
    out_ += "tQ";
    integer(0);
    integers(tensor.dims());
    integers(row_major(tensor.dims()));
    out_ += '\x89';  // requires no gradient
    empty_ordered_dict();
    out_ += "tR";
  }

  std::string finish() { return out_ + "u."; }

 private:
  void empty_ordered_dict() { out_ += "ccollections\nOrderedDict\n)R"; }

  void little_endian(uint64_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) out_ += static_cast<char>(value >> (8 * i));
  }

  void text(const std::string& value) {
    out_ += 'X';
    little_endian(value.size(), 4);
    out_ += value;
  }

  void integer(int64_t value) {
    if (value <= INT32_MAX) {
      out_ += 'J';
      little_endian(static_cast<uint64_t>(value), 4);
    } else {
      out_ += "\x8a\x08";
      little_endian(static_cast<uint64_t>(value), 8);
    }
  }

  void integers(const ir::Dims& values) {
    out_ += '(';
    for (const int64_t value : values) integer(value);
    out_ += 't';
  }

  static ir::Dims row_major(const ir::Dims& dims) {
    ir::Dims strides(dims.size(), 1);
    for (size_t d = dims.size(); d-- > 1;)
      strides[d - 1] = strides[d] * std::max<int64_t>(1, dims[d]);
    return strides;
  }

  std::string out_;
};

// i4 and u4 as such are no type of PyTorch's.
ir::Tensor storable(const ir::Tensor& tensor) {
  ir::Tensor plain = dense(tensor);
  if (plain.dtype() != ir::DType::kI4 && plain.dtype() != ir::DType::kU4) return plain;
  const std::vector<int32_t> codes = ir::to_codes(plain);
  const std::vector<int8_t> bytes(codes.begin(), codes.end());
  return ir::Tensor::of(ir::DType::kI8, plain.dims(), std::span<const int8_t>(bytes));
}

}  // namespace

void write_pytorch(const ir::Model& model, const std::string& path, const WriteOptions&) {
  PickleWriter pickle;
  std::vector<ir::Tensor> tensors;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    tensors.push_back(storable(tensor));
    pickle.add(name, tensors.back(), std::to_string(tensors.size() - 1));
  }
  const std::string folder(kFolder);
  const std::string text = pickle.finish();
  const std::string metadata = to_text(ir::to_json(model.metadata));
  numpy::ZipWriter zip(path);
  zip.add(folder + "data.pkl", {bytes_of(text)}, kAlignment);
  zip.add(folder + "byteorder", {bytes_of("little")}, kAlignment);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const ir::BufferView values = tensors[i].view();
    zip.add(folder + "data/" + std::to_string(i), {values.bytes()}, kAlignment);
  }
  zip.add(folder + "version", {bytes_of(kVersion)}, kAlignment);
  zip.add(folder + std::string(pytorch::kMetadataMember), {bytes_of(metadata)}, kAlignment);
  zip.commit();
}

std::vector<std::string> pytorch_losses(const ir::Model& model, const WriteOptions&) {
  size_t sparse = 0, quantized = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    sparse += tensor.is_sparse() ? 1 : 0;
    quantized += tensor.is_quantized() ? 1 : 0;
  }
  std::vector<std::string> out;
  if (!model.graphs.empty()) out.emplace_back("a state dict holds weights: the graph is left out");
  if (!model.assets.empty()) out.emplace_back("a state dict holds weights: assets are left out");
  if (sparse > 0) {
    out.push_back(std::to_string(sparse) + " sparse tensors are written with their zeros");
  }
  if (quantized > 0) {
    out.push_back(std::to_string(quantized) +
                  " quantized tensors are written as the f32 values they stand for");
  }
  return out;
}

}  // namespace pare::formats
