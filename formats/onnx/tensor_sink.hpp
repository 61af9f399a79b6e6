// SPDX-License-Identifier: Apache-2.0
// Where the bytes of initializers go: into the message, or, for models that no message can hold,
// into a file beside it. That file's name holds a hash of its contents, so that it never takes the
// place of what an older message refers to: whenever the writer is stopped, the message of that
// name and its data belong together.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "lib/core/hash.hpp"
#include "lib/core/output_file.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::onnx {
class GraphProto;
class TensorProto;
}  // namespace pare::onnx

namespace pare::formats {

enum class Placement : uint8_t { kInside, kBeside };

class TensorSink {
 public:
  // `model_path`: the file of the message.
  TensorSink(const std::string& model_path, Placement placement);
  // Fills `out`; composite tensors are refused with Bug.
  void store(const std::string& name, const ir::Tensor& tensor, onnx::TensorProto& out);
  // Once all tensors are stored: tells the initializers of `graph` the name of their file.
  void finish(onnx::GraphProto& graph);
  // Makes the data file appear.
  void commit();
  // After the message is committed: removes the data files of older messages of that name.
  void remove_others() const;

 private:
  std::string model_path_;
  std::string data_name_;  // without a folder; empty: no data file
  std::unique_ptr<OutputFile> file_;
  Sha256Stream hash_;
  int64_t offset_ = 0;
};

}  // namespace pare::formats
