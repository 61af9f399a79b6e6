// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/diagnose/layer_pairs.hpp"

#include <algorithm>
#include <set>

#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/fuse.hpp"
#include "lib/runtime/session.hpp"

namespace pare::eval {
namespace {

constexpr const char* kCoded = ".as_codes";

bool is_float_parameter(const ir::Graph& graph, ir::ValueId id) {
  return id.valid() && !graph.value(id).parameter.empty() &&
         graph.value(id).dtype == ir::DType::kF32;
}

// [rows, columns] of a 2-d tensor turned round.
ir::Tensor transposed(const ir::Tensor& tensor) {
  const auto rows = static_cast<size_t>(tensor.dims()[0]);
  const auto columns = static_cast<size_t>(tensor.dims()[1]);
  const std::vector<float> values = ir::to_f32(tensor);
  std::vector<float> out(values.size());
  for (size_t r = 0; r < rows; ++r) {
    for (size_t c = 0; c < columns; ++c) out[c * rows + r] = values[r * columns + c];
  }
  return ir::Tensor::f32({tensor.dims()[1], tensor.dims()[0]}, out);
}

bool same_values(const ir::Tensor& a, const ir::Tensor& b) {
  return a.dims() == b.dims() && ir::to_f32(a) == ir::to_f32(b);
}

// The counterpart of each node of `candidate` in `base`, or empty when some have none.
std::vector<size_t> by_name(const ir::Graph& base, const ir::Graph& candidate) {
  std::map<std::string, size_t> named;
  for (size_t n = 0; n < base.nodes().size(); ++n) named.emplace(base.nodes()[n].name, n);
  std::vector<size_t> out;
  for (const ir::Node& node : candidate.nodes()) {
    const auto found = named.find(node.name);
    if (found == named.end()) return {};
    out.push_back(found->second);
  }
  return out;
}

bool same_operator(const ir::Node& a, const ir::Node& b) {
  const auto product = [](const ir::Node& node) {
    return node.op == "Gemm" || node.op == "MatMul";
  };
  return a.op == b.op || (product(a) && product(b));
}

class Pairing {
 public:
  Pairing(const ir::Model& base, const ir::Model& candidate, const std::string& base_path,
          const std::string& candidate_path)
      : base_(runtime::fold_batch_norm(base)),
        candidate_(runtime::fold_batch_norm(candidate)),
        base_path_(base_path),
        candidate_path_(candidate_path) {
    for (ir::Model* model : {&base_, &candidate_}) ir::infer_shapes(*model, model->main());
    match_nodes();
  }

  LayerPairs run() {
    add_preprocessing();
    add_input();
    for (const runtime::Fusion& step : runtime::fuse(candidate_, graph())) add_step(step);
    make_skeleton();
    return std::move(out_);
  }

 private:
  const ir::Graph& graph() const { return candidate_.main(); }

  [[noreturn]] void refuse(const std::string& fact) const {
    throw Error(candidate_path_, "is not a compressed form of " + base_path_ + ": " + fact);
  }

  void match_nodes() {
    const auto& theirs = base_.main().nodes();
    const auto& ours = graph().nodes();
    counterpart_ = by_name(base_.main(), graph());
    if (counterpart_.empty() && ours.size() == theirs.size()) {
      for (size_t n = 0; n < ours.size(); ++n) counterpart_.push_back(n);
    }
    if (counterpart_.empty()) refuse("they have no layers in common");
    for (size_t n = 0; n < ours.size(); ++n) {
      const ir::Node& other = theirs[counterpart_[n]];
      if (same_operator(ours[n], other)) continue;
      refuse("node " + escaped(ours[n].name) + " is " + ours[n].op + " here and " + other.op +
             " there");
    }
  }

  void add_preprocessing() {
    out_.base_preprocessing = base_.metadata.preprocessing;
    out_.candidate_preprocessing = candidate_.metadata.preprocessing;
    if (out_.base_preprocessing == out_.candidate_preprocessing) return;
    out_.parts.push_back(
        {.kind = PartKind::kPreprocessing, .name = "preprocessing", .differs = true});
  }

  void add_input() {
    for (const ir::ValueId id : graph().inputs) {
      Part part{.kind = PartKind::kInput, .name = graph().value(id).name, .op = "input"};
      part.output = part.name;
      part.candidate.quant = graph().value(id).quant;
      if (!base_.main().inputs.empty()) {
        part.base.quant = base_.main().value(base_.main().inputs.front()).quant;
      }
      part.differs = part.base.quant != part.candidate.quant;
      if (part.differs) out_.parts.push_back(std::move(part));
    }
  }

  // The codes that this step alone gives its output: steps that only move elements pass on those of
  // their input.
  static std::optional<ir::ActivationQuant> own_quant(const ir::Graph& graph, const ir::Node& main,
                                                      ir::ValueId output) {
    const auto& quant = graph.value(output).quant;
    const ir::OpRow* row = ir::find_op(main.op);
    const bool moves = row != nullptr && row->integer == ir::IntegerRule::kPassThrough;
    if (moves && main.inputs.front().valid() && graph.value(main.inputs.front()).quant == quant) {
      return std::nullopt;
    }
    return quant;
  }

  void add_step(const runtime::Fusion& step) {
    const ir::Node& main = graph().node(step.main);
    const ir::ValueId output = graph().node(step.last()).outputs.front();
    Part part{.kind = PartKind::kOther, .name = main.name, .op = main.op};
    part.output = graph().value(output).name;
    const ir::ValueId first = main.inputs.empty() ? ir::ValueId{} : main.inputs.front();
    if (first.valid()) part.input = graph().value(first).name;
    part.candidate.quant = own_quant(graph(), main, output);
    if (!part.candidate.quant && graph().value(output).quant) out_.passed_on.insert(part.output);
    const ir::ValueId theirs = base_.main().find(part.output);
    if (theirs.valid()) {
      part.base.quant =
          own_quant(base_.main(), base_.main().nodes()[counterpart_of(step.main)], theirs);
    }
    for (const ir::NodeId id : {step.main, step.add, step.activation}) {
      if (id.valid()) add_parameters(id, part);
    }
    describe_weight(main, part);
    part.differs = part.base.quant != part.candidate.quant;
    for (const auto& [name, tensor] : part.candidate.parameters) {
      part.differs = part.differs || !same_values(tensor, part.base.parameters.at(name));
    }
    if (part.differs || part.kind == PartKind::kLayer) out_.parts.push_back(std::move(part));
  }

  size_t counterpart_of(ir::NodeId id) const { return counterpart_[static_cast<size_t>(id.index)]; }

  void add_parameters(ir::NodeId id, Part& part) {
    const ir::Node& node = graph().node(id);
    const ir::Node& other = base_.main().nodes()[counterpart_of(id)];
    for (size_t i = 0; i < node.inputs.size(); ++i) {
      if (!is_float_parameter(graph(), node.inputs[i])) continue;
      const std::string& name = graph().value(node.inputs[i]).parameter;
      if (!taken_.insert(name).second) continue;  // shared: the first step that uses it has it
      part.candidate.parameters.emplace(name, effective(node, i));
      part.base.parameters.emplace(name, base_tensor(node, other, i));
    }
  }

  ir::Tensor base_tensor(const ir::Node& node, const ir::Node& other, size_t input) const {
    const ir::Tensor& ours = candidate_.parameters.at(graph().value(node.inputs[input]).parameter);
    if (input >= other.inputs.size() || !is_float_parameter(base_.main(), other.inputs[input])) {
      refuse("layer " + escaped(node.name) + " has a parameter that the base does not have");
    }
    const ir::Tensor& theirs =
        base_.parameters.at(base_.main().value(other.inputs[input]).parameter);
    if (ours.dims() == theirs.dims() && !turned(node, other)) return theirs;
    const ir::Dims reversed(theirs.dims().rbegin(), theirs.dims().rend());
    if (input == 1 && turned(node, other) && ours.dims() == reversed) return transposed(theirs);
    refuse("layer " + escaped(node.name) + " is " + ir::to_string(ir::shape_of(ours.dims())) +
           " here and " + ir::to_string(ir::shape_of(theirs.dims())) + " there");
  }

  // Quantizing in groups turns [in, out] weights to [out, in].
  static bool turned(const ir::Node& node, const ir::Node& other) {
    return same_operator(node, other) && node.op == "Gemm" &&
           ir::attr_int(node, "transB", 0) != ir::attr_int(other, "transB", 0);
  }

  // The parameter as the candidate's arithmetic sees it: integer layers add the codes of a bias to
  // their sums, whatever scale is written beside them.
  ir::Tensor effective(const ir::Node& node, size_t input) const {
    const ir::Tensor& tensor =
        candidate_.parameters.at(graph().value(node.inputs[input]).parameter);
    const ir::QuantScheme* scheme = tensor.scheme();
    if (input != 2 || scheme == nullptr || scheme->code != ir::DType::kI32) return tensor;
    const auto& quant = graph().value(node.inputs[0]).quant;
    const ir::Tensor& weight = candidate_.parameters.at(graph().value(node.inputs[1]).parameter);
    const ir::Tensor* scales = weight.part(ir::Part::kScales);
    if (!quant || scales == nullptr) return tensor;
    const std::vector<float> weight_scales = ir::to_f32(*scales);
    const std::vector<int32_t> codes = ir::to_codes(tensor);
    if (weight_scales.size() != 1 && weight_scales.size() != codes.size()) return tensor;
    std::vector<float> values(codes.size());
    for (size_t c = 0; c < codes.size(); ++c) {
      const float scale = weight_scales[weight_scales.size() == 1 ? 0 : c];
      values[c] = static_cast<float>(codes[c]) * (quant->scale * scale);
    }
    return ir::Tensor::f32(tensor.dims(), values);
  }

  void describe_weight(const ir::Node& main, Part& part) const {
    const ir::OpRow* row = ir::find_op(main.op);
    if (row == nullptr || row->integer != ir::IntegerRule::kLinear) return;
    const auto at = static_cast<size_t>(row->weight_input);
    if (at >= main.inputs.size() || !is_float_parameter(graph(), main.inputs[at])) return;
    part.weight = graph().value(main.inputs[at]).parameter;
    if (!part.candidate.parameters.contains(part.weight)) {
      part.weight.clear();  // an earlier step has it
      return;
    }
    part.kind = PartKind::kLayer;
    const ir::Dims& dims = part.candidate.parameters.at(part.weight).dims();
    part.output_axis = ir::weight_output_axis(main, static_cast<int>(dims.size()));
    part.depthwise = main.op == "Conv" && dims.size() > 2 && dims[1] == 1 &&
                     ir::attr_int(main, "group", 1) == dims[0] && dims[0] > 1;
  }

  void make_skeleton() {
    out_.skeleton = candidate_;
    ir::Graph& graph = out_.skeleton.main();
    for (size_t v = 0; v < graph.values().size(); ++v) {
      graph.value(ir::ValueId{static_cast<int32_t>(v)}).quant.reset();
    }
    for (const Part& part : out_.parts) {
      for (const auto& [name, tensor] : part.base.parameters) {
        out_.skeleton.parameters.set(name, tensor);
      }
    }
    out_.skeleton.metadata.preprocessing = out_.base_preprocessing;
  }

  ir::Model base_, candidate_;
  std::string base_path_, candidate_path_;
  std::vector<size_t> counterpart_;  // base node of each candidate node
  std::set<std::string> taken_;
  LayerPairs out_;
};

// Values in `quants` are rounded to codes before anyone takes them.
void round_to_codes(ir::Graph& graph, const std::map<std::string, ir::ActivationQuant>& quants,
                    const std::set<std::string>& passed_on) {
  std::map<ir::ValueId, ir::ValueId> rounded;
  std::vector<ir::Node> nodes;
  const auto round = [&](ir::ValueId id) {
    const auto quant = quants.find(graph.value(id).name);
    if (quant == quants.end()) return;
    graph.value(id).quant = quant->second;
    ir::Value value = graph.value(id);
    value.name += kCoded;
    const ir::ValueId after = graph.add_value(value);
    nodes.push_back({.op = "Identity", .name = value.name, .inputs = {id}, .outputs = {after}});
    rounded.emplace(id, after);
  };
  const auto replaced = [&](ir::ValueId id) {
    const auto found = rounded.find(id);
    return found == rounded.end() ? id : found->second;
  };
  for (const ir::ValueId id : graph.inputs) round(id);
  for (const ir::Node& original : graph.nodes()) {
    ir::Node node = original;
    for (ir::ValueId& id : node.inputs) id = replaced(id);
    nodes.push_back(node);
    const ir::ValueId made = node.outputs.front();
    if (passed_on.contains(graph.value(made).name) && node.inputs.front().valid()) {
      graph.value(made).quant = graph.value(node.inputs.front()).quant;
    }
    for (const ir::ValueId id : node.outputs) round(id);
  }
  for (ir::ValueId& id : graph.outputs) id = replaced(id);
  graph.rebuild(std::move(nodes));
}

}  // namespace

LayerPairs pair_layers(const ir::Model& base, const ir::Model& candidate,
                       const std::string& base_path, const std::string& candidate_path) {
  return Pairing(base, candidate, base_path, candidate_path).run();
}

ir::Model mixture(const LayerPairs& pairs, const std::vector<bool>& from_candidate) {
  require(from_candidate.size() == pairs.parts.size(), "a mixture says where each part is from");
  ir::Model model = pairs.skeleton;
  std::map<std::string, ir::ActivationQuant> quants;
  for (size_t i = 0; i < pairs.parts.size(); ++i) {
    const Part& part = pairs.parts[i];
    const PartSide& side = from_candidate[i] ? part.candidate : part.base;
    for (const auto& [name, tensor] : side.parameters) model.parameters.set(name, tensor);
    if (side.quant) quants.emplace(part.output, *side.quant);
    if (part.kind == PartKind::kPreprocessing && from_candidate[i]) {
      model.metadata.preprocessing = pairs.candidate_preprocessing;
    }
  }
  round_to_codes(model.main(), quants, pairs.passed_on);
  return model;
}

ir::ValueId output_in(const ir::Graph& mixture, const Part& part) {
  const ir::ValueId rounded = mixture.find(part.output + kCoded);
  return rounded.valid() ? rounded : mixture.find(part.output);
}

}  // namespace pare::eval
