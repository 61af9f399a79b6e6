// SPDX-License-Identifier: Apache-2.0
#include "formats/inspect.hpp"

#include <filesystem>

#include "formats/formats.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/ir/element_reader.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/pass/pass.hpp"

namespace pare::formats {

namespace {

// Reads the parts that zero_count() does not, so that damage anywhere is found.
void touch_parts(const ir::Tensor& tensor) {
  for (int i = 0; i < ir::kPartCount; ++i) {
    if (const ir::Tensor* part = tensor.part(static_cast<ir::Part>(i))) (void)part->view();
  }
}

double ratio(double part, double whole) { return whole > 0 ? part / whole : 0.0; }

// Weights and biases, as opposed to shapes and axes that graphs keep as i64 parameters.
bool is_weight(const ir::Tensor& tensor) {
  return ir::info(tensor.dtype()).is_float || tensor.dtype() == ir::DType::kI32;
}

struct Totals {
  int64_t bytes = 0;
  int64_t weight_bytes = 0;
  int64_t weights = 0;
  int64_t zeros = 0;
};

Json describe(const std::string& name, const ir::Tensor& tensor, Totals& totals) {
  const int64_t zeros = ir::zero_count(tensor, available_threads());
  touch_parts(tensor);
  const int64_t bytes = tensor.stored_bytes();
  totals.bytes += bytes;
  if (is_weight(tensor)) {
    totals.weight_bytes += bytes;
    totals.weights += tensor.count();
    totals.zeros += zeros;
  }
  const auto count = static_cast<double>(tensor.count());
  return {{"name", name},
          {"dims", tensor.dims()},
          {"dtype", ir::name_of(tensor.dtype())},
          {"scheme", storage_name(tensor)},
          {"sparsity", ratio(static_cast<double>(zeros), count)},
          {"bytes", bytes},
          {"bits_per_weight", ratio(8.0 * static_cast<double>(bytes), count)}};
}

Json endpoints(const ir::Graph& graph, const std::vector<ir::ValueId>& ids) {
  Json out = Json::array();
  for (const ir::ValueId id : ids) {
    const ir::Value& value = graph.value(id);
    out.push_back({{"name", value.name},
                   {"dtype", ir::name_of(value.dtype)},
                   {"shape", ir::to_string(value.shape)}});
  }
  return out;
}

Json graphs_of(const ir::Model& model) {
  Json out = Json::array();
  for (const ir::Graph& graph : model.graphs) {
    int64_t quantized = 0;
    for (const ir::Value& value : graph.values()) quantized += value.quant.has_value();
    out.push_back({{"name", graph.name},
                   {"inputs", endpoints(graph, graph.inputs)},
                   {"outputs", endpoints(graph, graph.outputs)},
                   {"nodes", graph.nodes().size()},
                   {"integer_values", quantized}});
  }
  return out;
}

Json history_of(const ir::Metadata& metadata) {
  Json out = Json::array();
  for (const ir::HistoryEntry& entry : metadata.history) {
    out.push_back({{"step", pass::to_text({{entry.pass, entry.options}})},
                   {"pass", entry.pass},
                   {"options", entry.options},
                   {"seed", entry.seed},
                   {"tool_version", entry.tool_version},
                   {"inputs", entry.inputs}});
  }
  return out;
}

int64_t bytes_of_file(const std::string& path) {
  std::error_code failure;
  const auto size = std::filesystem::file_size(path, failure);
  if (failure) throw Error(path, failure.message());
  return static_cast<int64_t>(size);
}

Json macs_of(const ir::Model& model, const std::string& path) {
  if (model.graphs.empty()) return nullptr;
  int64_t total = 0;
  try {
    for (const ir::Graph& graph : model.graphs) {
      total = checked_add(total, ir::mac_count(model, graph), graph.name);
    }
  } catch (const Error& error) {
    throw Error(path, error.what());  // of a graph or node
  }
  return total;
}

void add_header(Json& out, const ir::Model& model, const std::string& path) {
  out["schema_version"] = 1;
  out["path"] = path;
  const FormatRow& format = format_of(path);
  out["format"] = format.name;
  if (format.name == "pare") out["format_version"] = kPareFormatVersion;
  out["file_bytes"] = bytes_of_file(path);
  const Json metadata = ir::to_json(model.metadata);
  out["task"] = model.metadata.task;
  out["labels"] = model.metadata.labels;
  out["preprocessing"] =
      model.metadata.preprocessing.stated ? metadata.at("preprocessing") : Json(nullptr);
  out["source"] = model.metadata.source;
  out["parameters"] = ir::parameter_count(model);
  out["macs"] = macs_of(model, path);
}

}  // namespace

std::string storage_name(const ir::Tensor& tensor) {
  const ir::Tensor* codes = tensor.part(ir::Part::kCodes);
  std::string out(ir::name_of(codes ? codes->dtype() : tensor.dtype()));
  if (const ir::QuantScheme* scheme = tensor.scheme()) {
    if (scheme->group_size > 0) {
      out += " group " + std::to_string(scheme->group_size);
    } else {
      out += scheme->axis >= 0 ? " per-channel" : " per-tensor";
    }
    if (!scheme->symmetric) out += " asymmetric";
    if (scheme->super_group > 0) out += " two-level";
    if (scheme->codebook) out += " codebook";
  }
  const ir::SparseLayout layout = tensor.layout();
  switch (layout.kind) {
    case ir::SparseKind::kDense:
      return out;
    case ir::SparseKind::kBitmask:
      return out + " bitmask";
    case ir::SparseKind::kNOfM:
      return out + " " + std::to_string(layout.n) + ":" + std::to_string(layout.m);
    case ir::SparseKind::kBlock:
      return out + " block " + std::to_string(layout.block);
  }
  throw Bug("every sparse layout has a name");
}

Json inspect(const ir::Model& model, const std::string& path) {
  Json out;
  add_header(out, model, path);
  Totals totals;
  Json tensors = Json::array();
  for (const auto& [name, tensor] : model.parameters.entries()) {
    tensors.push_back(describe(name, tensor, totals));
  }
  const auto weights = static_cast<double>(totals.weights);
  out["tensor_bytes"] = totals.bytes;
  out["bits_per_weight"] = ratio(8.0 * static_cast<double>(totals.weight_bytes), weights);
  out["sparsity"] = ratio(static_cast<double>(totals.zeros), weights);
  out["graphs"] = graphs_of(model);
  out["assets"] = Json::object();
  for (const auto& [name, bytes] : model.assets) out["assets"][name] = bytes.size();
  out["history"] = history_of(model.metadata);
  out["tensors"] = std::move(tensors);
  return out;
}

}  // namespace pare::formats
