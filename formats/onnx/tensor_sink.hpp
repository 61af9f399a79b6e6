// SPDX-License-Identifier: Apache-2.0
// Where the bytes of initializers go: into the message, or, for models that no message can hold,
// into NAME.onnx.data beside it.
#pragma once

#include <memory>
#include <string>

#include "lib/core/output_file.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::onnx {
class TensorProto;
}

namespace pare::formats {

class TensorSink {
 public:
  // `external`: the path of the data file; empty: inside the message.
  explicit TensorSink(const std::string& external);
  // Fills `out`; composite tensors are refused with Bug.
  void store(const std::string& name, const ir::Tensor& tensor, onnx::TensorProto& out);
  // Makes the data file appear.
  void commit();

 private:
  std::string file_name_;
  std::unique_ptr<OutputFile> file_;
  int64_t offset_ = 0;
};

}  // namespace pare::formats
