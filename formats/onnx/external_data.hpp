// SPDX-License-Identifier: Apache-2.0
// Tensors stored beside the model: a file in the model's folder (or below), an offset and a length
// (TensorProto.external_data). Files are mapped once and never read as a whole.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "lib/core/mapped_file.hpp"
#include "lib/ir/buffer.hpp"

namespace pare::onnx {
class TensorProto;
}

namespace pare::formats {

class ExternalData {
 public:
  explicit ExternalData(const std::string& model_path);
  // The `bytes` bytes that `tensor` says it lies in. Throws Error: a location that is absolute or
  // leaves the folder (also through a link), a range outside the file, a length other than `bytes`.
  ir::Buffer of(const onnx::TensorProto& tensor, int64_t bytes);

 private:
  const std::shared_ptr<const MappedFile>& open(const std::string& location,
                                                const std::string& tensor);
  std::string folder_;
  std::map<std::string, std::shared_ptr<const MappedFile>> files_;
};

}  // namespace pare::formats
