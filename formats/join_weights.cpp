// SPDX-License-Identifier: Apache-2.0
#include "formats/join_weights.hpp"

#include <algorithm>
#include <set>

#include "formats/parameter_roles.hpp"
#include "formats/recurrent_weights.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/ops.hpp"

namespace pare::formats {

namespace {

constexpr size_t kNamed = 4;  // how many names a message lists

bool is_float(const ir::Tensor& tensor) { return ir::info(tensor.dtype()).is_float; }

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    out += (i ? ", " : "") + escaped(names[i]);
  }
  return names.size() > kNamed ? out + " and " + std::to_string(names.size() - kNamed) + " more"
                               : out;
}

ir::Dims reversed(ir::Dims dims) {
  std::ranges::reverse(dims);
  return dims;
}

ir::Tensor transposed(const ir::Tensor& matrix) {
  const auto rows = static_cast<size_t>(matrix.dims()[0]);
  const auto columns = static_cast<size_t>(matrix.dims()[1]);
  const std::vector<float> from = ir::to_f32(matrix);
  std::vector<float> to(from.size());
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) to[c * rows + r] = from[r * columns + c];
  }
  return ir::Tensor::f32(reversed(matrix.dims()), to);
}

class Joiner {
 public:
  Joiner(const ir::Model& weights, const std::string& path, const ReadOptions& options,
         ir::Model graph)
      : path_(path), options_(options), model_(std::move(graph)), roles_(roles_in(model_)) {
    for (const auto& entry : weights.parameters.entries()) {
      // How often a batch norm was updated matters to nobody afterwards.
      if (!entry.name.ends_with("num_batches_tracked")) left_.push_back(&entry);
    }
    for (const auto& entry : model_.parameters.entries()) {
      if (is_float(entry.tensor)) wanted_.push_back(entry.name);
    }
    find_right_factors();
  }

  ir::Model join() {
    match([](const std::string& mine, const std::string& theirs) { return mine == theirs; });
    for (const std::string& name : wanted_) words_.emplace(name, canonical_words(name));
    for (const Entry* entry : left_) words_.emplace(entry->name, canonical_words(entry->name));
    match([this](const std::string& mine, const std::string& theirs) {
      return ends_alike(words_.at(mine), words_.at(theirs));
    });
    match_by_order();
    match_recurrent();
    report();
    return std::move(model_);
  }

 private:
  using Entry = ir::ParameterTable::Entry;

  // Matrices [in, out]: PyTorch stores them [out, in].
  void find_right_factors() {
    for (const ir::Graph& graph : model_.graphs) {
      for (const ir::Node& node : graph.nodes()) {
        if (ir::weight_output_axis(node, 2) != 1 || !node.inputs[1].valid()) continue;
        right_factors_.insert(graph.value(node.inputs[1]).parameter);
      }
    }
  }

  bool fits(const std::string& mine, const ir::Tensor& tensor) const {
    const ir::Dims& dims = model_.parameters.at(mine).dims();
    if (!is_float(tensor)) return false;
    return dims == tensor.dims() ||
           (dims.size() == 2 && right_factors_.contains(mine) && reversed(dims) == tensor.dims());
  }

  void take(const std::string& mine, const Entry* theirs) {
    const ir::Dims& dims = model_.parameters.at(mine).dims();
    const bool turn = dims != theirs->tensor.dims();
    model_.parameters.set(mine, turn ? transposed(theirs->tensor) : theirs->tensor);
    turned_ += turn ? 1 : 0;
    ++matched_;
    std::erase(wanted_, mine);
    std::erase(left_, theirs);
  }

  // Pairs each wanted parameter with the only one left that `same` and the shape allow.
  template <class Same>
  void match(const Same& same) {
    for (const std::string& mine : std::vector<std::string>(wanted_)) {
      const Entry* found = nullptr;
      size_t count = 0;
      for (const Entry* theirs : left_) {
        if (!same(mine, theirs->name) || !fits(mine, theirs->tensor)) continue;
        found = theirs;
        ++count;
      }
      if (count == 1) take(mine, found);
    }
  }

  void match_by_order() {
    std::map<std::pair<std::string, ir::Dims>, std::vector<std::string>> mine;
    std::map<std::pair<std::string, ir::Dims>, std::vector<const Entry*>> theirs;
    for (const std::string& name : wanted_) {
      const auto role = roles_.find(name);
      if (role == roles_.end()) continue;
      const ir::Dims& dims = model_.parameters.at(name).dims();
      const bool turn = dims.size() == 2 && right_factors_.contains(name);
      mine[{role->second, turn ? reversed(dims) : dims}].push_back(name);
    }
    for (const Entry* entry : left_) {
      theirs[{role_of_name(entry->name), entry->tensor.dims()}].push_back(entry);
    }
    for (const auto& [kind, names] : mine) {
      const auto found = theirs.find(kind);
      if (found == theirs.end() || found->second.size() != names.size()) continue;
      for (size_t i = 0; i < names.size(); ++i) take(names[i], found->second[i]);
      by_order_ += names.size();
    }
  }

  void match_recurrent() {
    for (const RecurrentMatch& match : match_recurrent_weights(model_, wanted_, left_)) {
      for (const auto& [name, tensor] : match.parameters) {
        model_.parameters.set(name, tensor);
        std::erase(wanted_, name);
        ++matched_;
      }
      for (const Entry* used : match.used) std::erase(left_, used);
    }
  }

  // A constant of a graph file that no layer takes as a weight keeps its value.
  std::vector<std::string> missing() const {
    std::vector<std::string> out;
    for (const std::string& name : wanted_) {
      const bool layer = roles_.contains(name) || !options_.architecture.empty();
      if (layer) out.push_back(name + " " + ir::to_string(model_.parameters.at(name).dims()));
    }
    return out;
  }

  void report() const {
    const std::vector<std::string> lacking = missing();
    std::vector<std::string> names;
    for (const Entry* entry : left_) {
      names.push_back(entry->name + " " + ir::to_string(entry->tensor.dims()));
    }
    const std::string spare = names.empty() ? "" : "; the file has left over " + listed(names);
    const std::string graph =
        options_.architecture.empty() ? options_.graph : options_.architecture;
    if (!lacking.empty()) {
      throw Error(path_, "does not fit " + escaped(graph) + ": " + std::to_string(matched_) +
                             " parameters matched, missing " + listed(lacking) + spare);
    }
    options_.note(std::to_string(matched_) + " parameters matched " + escaped(graph) +
                  (by_order_ ? ", " + std::to_string(by_order_) + " of them by their order" : "") +
                  (turned_ ? ", " + std::to_string(turned_) + " transposed" : "") + spare);
  }

  const std::string& path_;
  const ReadOptions& options_;
  ir::Model model_;
  std::map<std::string, std::string, std::less<>> roles_;
  std::set<std::string> right_factors_;
  std::map<std::string, std::vector<std::string>> words_;  // of the names that differ
  std::vector<std::string> wanted_;
  std::vector<const Entry*> left_;
  size_t matched_ = 0, by_order_ = 0, turned_ = 0;
};

// The items an architecture takes, as far as its first weight tells: channels, or features. Images
// of one channel are taken to be 28 x 28, others 32 x 32.
ir::Dims item_of(const ir::Model& weights, const std::string& path) {
  for (const auto& [name, tensor] : weights.parameters.entries()) {
    if (tensor.dims().size() == 2) return {tensor.dims()[1]};
    if (tensor.dims().size() != 4) continue;
    const int64_t channels = tensor.dims()[1];
    const int64_t size = channels == 1 ? 28 : 32;
    return {channels, size, size};
  }
  throw Error(path, "holds no layer's weight");
}

// The outputs of the last weight.
int64_t classes_of(const ir::Model& weights) {
  int64_t classes = 1;
  for (const auto& [name, tensor] : weights.parameters.entries()) {
    if (tensor.dims().size() >= 2) classes = tensor.dims()[0];
  }
  return classes;
}

}  // namespace

ir::Model join_weights(const ir::Model& weights, const std::string& path,
                       const ReadOptions& options) {
  if (!weights.graphs.empty()) {
    throw UsageError(options.architecture.empty() ? "--graph" : "--arch",
                     "has no effect: " + escaped(path) + " has a graph of its own");
  }
  const Json& source = weights.metadata.source;
  if (source.is_object() && source.value("format", "") == "keras") {
    throw Error(path,
                "holds the weights of a Keras model, in its order of axes, and joins no graph: "
                "in Keras, save the whole model as .h5");
  }
  ir::Model graph;
  if (!options.architecture.empty()) {
    const ir::Dims item = item_of(weights, path);
    graph = ir::build_architecture(options.architecture, item, classes_of(weights));
    options.note("the graph is " + escaped(options.architecture) + " for items of " +
                 ir::to_string(item));
  } else {
    graph = read(options.graph, {.bind = options.bind, .note = options.note});
    if (graph.graphs.empty()) throw Error(options.graph, "has no graph to take");
    // How the graph file's own weights were made is not how these were.
    graph.metadata.history = weights.metadata.history;
  }
  return Joiner(weights, path, options, std::move(graph)).join();
}

}  // namespace pare::formats
