// SPDX-License-Identifier: Apache-2.0
// Tensors of a file that torch.save wrote: views of shared storages, of any strides and offset,
// turned into row-major tensors. Contiguous ones keep viewing the mapped file.
#pragma once

#include <optional>
#include <string>

#include "formats/pytorch/storages.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::formats::pytorch {

class TensorReader {
 public:
  TensorReader(const SavedFile& file, std::string path);

  // The tensor (or Parameter) that `value` is; nothing when it is something else. Throws
  // Error(path) when it reaches outside its storage, or is of a type that no model stores.
  std::optional<ir::Tensor> tensor(const Value& value);
  // Whether tensor() would return one.
  bool is_tensor(const Value& value) const;
  // Tensors of 64-bit floats so far, which became f32.
  int64_t narrowed() const { return narrowed_; }

 private:
  struct Strided;
  [[noreturn]] void damaged(const std::string& fact) const;
  const Value& argument(const Value& call, size_t i) const;
  int64_t integer(const Value& value, const char* what) const;
  ir::Dims integers(const Value& value, const char* what) const;
  Strided view_of(const Value& call) const;
  std::span<const std::byte> window(const Strided& view) const;
  void charge(int64_t bytes);

  const SavedFile& file_;
  std::string path_;
  int64_t narrowed_ = 0;
  int64_t budget_ = 0;  // bytes that copies may still take
};

}  // namespace pare::formats::pytorch
