// SPDX-License-Identifier: Apache-2.0
// The parameter table: a vector for order, a map from name to position beside it.
#include "lib/ir/model.hpp"

#include "lib/core/error.hpp"

namespace pare::ir {

bool ParameterTable::contains(std::string_view name) const { return index_.contains(name); }

const Tensor& ParameterTable::at(std::string_view name) const {
  const auto it = index_.find(name);
  if (it == index_.end()) throw Bug("parameter " + std::string(name) + " is in the table");
  return entries_[it->second].tensor;
}

void ParameterTable::set(const std::string& name, Tensor tensor) {
  const auto [it, inserted] = index_.try_emplace(name, entries_.size());
  if (inserted) {
    entries_.push_back({name, std::move(tensor)});
  } else {
    entries_[it->second].tensor = std::move(tensor);
  }
}

void ParameterTable::erase(std::string_view name) {
  const auto it = index_.find(name);
  if (it == index_.end()) return;
  const size_t at = it->second;
  entries_.erase(entries_.begin() + static_cast<std::ptrdiff_t>(at));
  index_.erase(it);
  for (auto& [ignored, position] : index_) {
    if (position > at) --position;
  }
}

namespace {

template <class GraphList>
auto& main_of(GraphList& graphs) {
  for (auto& graph : graphs) {
    if (graph.name == "main") return graph;
  }
  if (graphs.size() == 1) return graphs.front();
  throw Error("model", graphs.empty() ? "holds weights only, no graph"
                                      : "has several graphs and none is called main");
}

}  // namespace

const Graph& Model::main() const { return main_of(graphs); }
Graph& Model::main() { return main_of(graphs); }

}  // namespace pare::ir
