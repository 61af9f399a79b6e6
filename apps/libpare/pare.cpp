// SPDX-License-Identifier: Apache-2.0
// pare.h over a Session. No exception leaves a function: it becomes the thread's last error.
#include "apps/libpare/pare.h"

#include <exception>
#include <string>
#include <vector>

#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/runtime/session.hpp"

namespace {

thread_local std::string last_error;

// body(), or `failed` with the error kept.
template <class Result, class Body>
Result guarded(Result failed, const Body& body) noexcept {
  try {
    return body();
  } catch (const std::exception& e) {
    last_error = e.what();
  } catch (...) {
    last_error = "unknown error";
  }
  return failed;
}

struct Port {
  std::string name;
  pare::ir::Dims dims;
  pare::ir::DType dtype = pare::ir::DType::kF32;
};

pare_dtype dtype_of(pare::ir::DType dtype) {
  using pare::ir::DType;
  switch (dtype) {
    case DType::kF32:
      return PARE_F32;
    case DType::kI64:
      return PARE_I64;
    case DType::kI32:
      return PARE_I32;
    case DType::kU8:
      return PARE_U8;
    case DType::kI8:
      return PARE_I8;
    case DType::kBool:
      return PARE_BOOL;
    default:
      return PARE_OTHER;
  }
}

}  // namespace

struct pare_model {
  pare::runtime::Session session;
  std::vector<Port> inputs, outputs;
};

namespace {

const Port& port_at(const std::vector<Port>& ports, int index, const char* what) {
  if (index < 0 || static_cast<size_t>(index) >= ports.size()) {
    throw pare::Error(what + std::string(" ") + std::to_string(index),
                      "the model has " + std::to_string(ports.size()));
  }
  return ports[static_cast<size_t>(index)];
}

const Port& input_at(const pare_model* model, int index) {
  if (model == nullptr) throw pare::Error("model", "is NULL");
  return port_at(model->inputs, index, "input");
}
const Port& output_at(const pare_model* model, int index) {
  if (model == nullptr) throw pare::Error("model", "is NULL");
  return port_at(model->outputs, index, "output");
}

pare_model* load(const char* path, int64_t batch, int threads) {
  if (path == nullptr) throw pare::Error("path", "is NULL");
  if (batch < 1) throw pare::Error("batch", "must be at least 1, got " + std::to_string(batch));
  if (threads < 0) throw pare::Error("threads", "must not be negative");
  const pare::ir::Model read = pare::formats::read_pare(path);
  if (read.graphs.empty()) throw pare::Error(path, "has no graph to run, only weights");
  if (threads == 0) threads = pare::available_threads();
  auto model = std::make_unique<pare_model>(
      pare_model{pare::runtime::Session(read, {.batch = batch, .threads = threads}), {}, {}});
  const pare::ir::Graph& graph = read.main();
  const pare::runtime::Session& session = model->session;
  for (int i = 0; i < session.input_count(); ++i) {
    model->inputs.push_back({graph.value(graph.inputs[static_cast<size_t>(i)]).name,
                             session.input_dims(i), session.input_dtype(i)});
  }
  for (int i = 0; i < session.output_count(); ++i) {
    model->outputs.push_back({graph.value(graph.outputs[static_cast<size_t>(i)]).name,
                              session.output_dims(i), session.output_dtype(i)});
  }
  return model.release();
}

}  // namespace

const char* pare_version(void) { return PARE_VERSION; }
const char* pare_last_error(void) { return last_error.c_str(); }

pare_model* pare_load(const char* path, int64_t batch, int threads) {
  return guarded<pare_model*>(nullptr, [&] { return load(path, batch, threads); });
}
void pare_free(pare_model* model) { delete model; }

int pare_input_count(const pare_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->inputs.size());
}
int pare_output_count(const pare_model* model) {
  return model == nullptr ? 0 : static_cast<int>(model->outputs.size());
}

const char* pare_input_name(const pare_model* model, int index) {
  return guarded<const char*>(nullptr, [&] { return input_at(model, index).name.c_str(); });
}
const char* pare_output_name(const pare_model* model, int index) {
  return guarded<const char*>(nullptr, [&] { return output_at(model, index).name.c_str(); });
}
int pare_input_rank(const pare_model* model, int index) {
  return guarded(-1, [&] { return static_cast<int>(input_at(model, index).dims.size()); });
}
int pare_output_rank(const pare_model* model, int index) {
  return guarded(-1, [&] { return static_cast<int>(output_at(model, index).dims.size()); });
}
const int64_t* pare_input_dims(const pare_model* model, int index) {
  return guarded<const int64_t*>(nullptr, [&] { return input_at(model, index).dims.data(); });
}
const int64_t* pare_output_dims(const pare_model* model, int index) {
  return guarded<const int64_t*>(nullptr, [&] { return output_at(model, index).dims.data(); });
}
pare_dtype pare_input_dtype(const pare_model* model, int index) {
  return guarded(PARE_OTHER, [&] { return dtype_of(input_at(model, index).dtype); });
}
pare_dtype pare_output_dtype(const pare_model* model, int index) {
  return guarded(PARE_OTHER, [&] { return dtype_of(output_at(model, index).dtype); });
}
size_t pare_input_bytes(const pare_model* model, int index) {
  return guarded(size_t{0}, [&] {
    const Port& port = input_at(model, index);
    return static_cast<size_t>(pare::ir::byte_size(port.dtype, port.dims));
  });
}
size_t pare_output_bytes(const pare_model* model, int index) {
  return guarded(size_t{0}, [&] {
    const Port& port = output_at(model, index);
    return static_cast<size_t>(pare::ir::byte_size(port.dtype, port.dims));
  });
}

void* pare_input(pare_model* model, int index) {
  return guarded<void*>(nullptr, [&]() -> void* {
    input_at(model, index);
    return model->session.input_bytes(index).data();
  });
}
const void* pare_output(const pare_model* model, int index) {
  return guarded<const void*>(nullptr, [&]() -> const void* {
    output_at(model, index);
    return model->session.output_bytes(index).data();
  });
}

int pare_run(pare_model* model) {
  return guarded(-1, [&] {
    if (model == nullptr) throw pare::Error("model", "is NULL");
    model->session.run();
    return 0;
  });
}
