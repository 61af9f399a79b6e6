// SPDX-License-Identifier: Apache-2.0
#include "bench/onnxruntime/onnxruntime.hpp"

#include <vector>

#include <dlfcn.h>

#include "lib/core/error.hpp"

namespace pare::bench {

namespace {

using Status = void*;
using Handle = void*;

struct ApiBase {
  void* const* (*get_api)(uint32_t version);
  const char* (*version_string)();
};

// Places in OrtApi.
enum Place : size_t {
  kGetErrorMessage = 2,
  kCreateEnv = 3,
  kCreateSession = 7,
  kRun = 9,
  kCreateSessionOptions = 10,
  kSetSessionGraphOptimizationLevel = 23,
  kSetIntraOpNumThreads = 24,
  kCreateTensorWithDataAsOrtValue = 49,
  kCreateCpuMemoryInfo = 69,
};
constexpr uint32_t kApiVersion = 1;
constexpr int kLogErrors = 3;
constexpr int kAllOptimizations = 99;
constexpr int kFloat = 1;  // ONNXTensorElementDataType
constexpr int kDeviceAllocator = 0, kDefaultMemory = 0;

}  // namespace

struct OnnxRuntime::Library {
  const ApiBase* base = nullptr;
  void* const* api = nullptr;
  Handle environment = nullptr;

  template <class... Args>
  void call(Place place, Args... args) const {
    auto* function = reinterpret_cast<Status (*)(Args...)>(api[place]);
    if (const Status status = function(args...)) {
      auto* message = reinterpret_cast<const char* (*)(Status)>(api[kGetErrorMessage]);
      throw Error("ONNX Runtime", message(status));
    }
  }
};

// Handles live as long as the process: a bench opens a few sessions and ends.
struct OnnxRuntime::Session::Impl {
  std::shared_ptr<Library> library;
  Handle session = nullptr, input_value = nullptr, output_value = nullptr;
  std::string input_name, output_name;
  std::vector<float> input, output;
};

OnnxRuntime::OnnxRuntime(const std::string& library) : library_(std::make_shared<Library>()) {
  void* loaded = dlopen(library.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (loaded == nullptr) throw Error(library, dlerror());
  auto* base = reinterpret_cast<const ApiBase* (*)()>(dlsym(loaded, "OrtGetApiBase"));
  if (base == nullptr) throw Error(library, "has no OrtGetApiBase");
  library_->base = base();
  library_->api = library_->base->get_api(kApiVersion);
  if (library_->api == nullptr) throw Error(library, "has no API of version 1");
  library_->call(kCreateEnv, kLogErrors, "pare", &library_->environment);
}

std::string OnnxRuntime::version() const { return library_->base->version_string(); }

OnnxRuntime::Session OnnxRuntime::open(const std::string& model, const std::string& input,
                                       const ir::Dims& input_dims, const std::string& output,
                                       const ir::Dims& output_dims, int threads) const {
  Session session;
  session.impl_ = std::make_shared<Session::Impl>();
  Session::Impl& s = *session.impl_;
  s.library = library_;
  s.input_name = input;
  s.output_name = output;
  s.input.resize(static_cast<size_t>(ir::element_count(input_dims)));
  s.output.resize(static_cast<size_t>(ir::element_count(output_dims)));
  const Library& api = *library_;
  Handle options = nullptr, memory = nullptr;
  api.call(kCreateSessionOptions, &options);
  api.call(kSetSessionGraphOptimizationLevel, options, kAllOptimizations);
  api.call(kSetIntraOpNumThreads, options, threads);
  api.call(kCreateSession, api.environment, model.c_str(), options, &s.session);
  api.call(kCreateCpuMemoryInfo, kDeviceAllocator, kDefaultMemory, &memory);
  const auto tensor = [&](std::vector<float>& values, const ir::Dims& dims, Handle* to) {
    api.call(kCreateTensorWithDataAsOrtValue, memory, values.data(), values.size() * sizeof(float),
             dims.data(), dims.size(), kFloat, to);
  };
  tensor(s.input, input_dims, &s.input_value);
  tensor(s.output, output_dims, &s.output_value);
  return session;
}

std::span<float> OnnxRuntime::Session::input() { return impl_->input; }
std::span<const float> OnnxRuntime::Session::output() const { return impl_->output; }

void OnnxRuntime::Session::run() {
  const char* input_name = impl_->input_name.c_str();
  const char* output_name = impl_->output_name.c_str();
  impl_->library->call(kRun, impl_->session, static_cast<Handle>(nullptr), &input_name,
                       &impl_->input_value, size_t{1}, &output_name, size_t{1},
                       &impl_->output_value);
}

}  // namespace pare::bench
