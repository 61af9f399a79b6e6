// SPDX-License-Identifier: Apache-2.0
// ONNX Runtime as a peer to time against, through its C API, loaded at run time: the few functions
// used are declared here by their places in the table OrtApi, which only ever grows at its end
// (onnxruntime_c_api.h, version 1 and later).
#pragma once

#include <memory>
#include <span>
#include <string>

#include "lib/ir/shape.hpp"

namespace pare::bench {

class OnnxRuntime {
 public:
  // Throws Error(library, ...) when it cannot be loaded.
  explicit OnnxRuntime(const std::string& library);
  std::string version() const;

  // One model with one f32 input and output whose buffers it owns.
  class Session {
   public:
    std::span<float> input();
    std::span<const float> output() const;
    void run();

   private:
    friend class OnnxRuntime;
    struct Impl;
    std::shared_ptr<Impl> impl_;
  };
  // All optimisations, `threads` threads inside an operator, without a global pool.
  Session open(const std::string& model, const std::string& input, const ir::Dims& input_dims,
               const std::string& output, const ir::Dims& output_dims, int threads) const;

 private:
  struct Library;
  std::shared_ptr<Library> library_;
};

}  // namespace pare::bench
