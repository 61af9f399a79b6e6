// SPDX-License-Identifier: Apache-2.0
// What every file is read into and every pass maps: named graphs over one ordered parameter table,
// binary assets and metadata. A file of weights without a graph is a Model with no graph.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/ir/graph.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::ir {

// Ordered by insertion, looked up by name.
class ParameterTable {
 public:
  struct Entry {
    std::string name;
    Tensor tensor;
  };
  const std::vector<Entry>& entries() const { return entries_; }
  bool contains(std::string_view name) const;
  // Throws Bug when absent: names in graphs are verified on reading.
  const Tensor& at(std::string_view name) const;
  // Adds or replaces (keeping the position).
  void set(const std::string& name, Tensor tensor);
  void erase(std::string_view name);

 private:
  std::vector<Entry> entries_;
  std::map<std::string, size_t, std::less<>> index_;
};

// What turns a raw item into the model's input: x = (raw * input_scale - mean[c]) / std[c], laid
// out as `layout`. Applied by trainer, evaluator and predict alike, so that they cannot disagree.
struct Preprocessing {
  bool stated = false;  // false: the model says nothing, and eval warns
  float input_scale = 1.0F;
  std::vector<float> mean;  // one a channel, or one for all, or empty (0)
  std::vector<float> std;   // likewise, empty: 1
  std::string layout = "NCHW";
  Dims size;  // item dims without batch, e.g. {1, 28, 28} or {784}
  bool operator==(const Preprocessing&) const = default;
};

struct HistoryEntry {
  std::string pass;  // "train", "prune", ...
  Json options;      // those that can change the result, resolved
  std::string tool_version;
  uint64_t seed = 0;
  Json inputs;  // name -> sha256 of what went in (models, data)
};

struct Metadata {
  std::string task = "classification";
  std::vector<std::string> labels;
  Preprocessing preprocessing;
  Json source;  // source architecture config: {"arch": "resnet8", "width": 16, ...}; CSV
                // vocabularies
  std::vector<HistoryEntry> history;
};

struct Model {
  std::vector<Graph> graphs;
  ParameterTable parameters;
  std::map<std::string, Bytes> assets;
  Metadata metadata;

  // The graph called "main", or the only one. Throws Error when the model has none.
  const Graph& main() const;
  Graph& main();
};

// Elements of all floating or quantized parameters before any sparsity, without running means and
// variances of batch norms and without constant limits (Clip, Pad): what PyTorch's numel over
// parameters() gives.
int64_t parameter_count(const Model& model);
// Multiply-accumulates of one item through `graph`: Conv, Gemm and MatMul; symbolic dimensions
// are 1.
int64_t mac_count(const Model& model, const Graph& graph);
int64_t node_macs(const Graph& graph, const Node& node);

}  // namespace pare::ir
