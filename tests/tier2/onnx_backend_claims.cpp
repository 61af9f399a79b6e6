// SPDX-License-Identifier: Apache-2.0
#include "tests/tier2/onnx_backend_claims.hpp"

#include <algorithm>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include "formats/onnx/attributes.hpp"
#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/upgrade.hpp"
#include "lib/ir/ops.hpp"

namespace pare::tests {

namespace {

using onnx::TensorProto;

// Cases that operators and types alone would claim: a pattern of the name ('*' stands for anything)
// and the reason.
struct Exclusion {
  std::string_view pattern;
  std::string_view reason;
};
constexpr Exclusion kExclusions[] = {
    {"*_training_mode*", "training"},
    {"test_training_dropout*", "training"},
    {"test_dropout_default_mask*", "the mask of Dropout, an output of training"},
};

bool matches(std::string_view pattern, std::string_view name) {
  if (pattern.empty()) return name.empty();
  if (pattern.front() == '*') {
    for (size_t i = 0; i <= name.size(); ++i) {
      if (matches(pattern.substr(1), name.substr(i))) return true;
    }
    return false;
  }
  return !name.empty() && name.front() == pattern.front() &&
         matches(pattern.substr(1), name.substr(1));
}

// Types whose values the IR holds exactly, and compares exactly.
bool is_exact(int type) {
  static const std::set<int> kTypes = {TensorProto::FLOAT, TensorProto::INT64, TensorProto::INT32,
                                       TensorProto::INT16, TensorProto::INT8,  TensorProto::UINT8,
                                       TensorProto::BOOL};
  return kTypes.contains(type);
}

std::string type_refusal(int type) {
  return type < 0 ? "values that are no tensors" : "element type " + formats::onnx_type_name(type);
}

class Examination {
 public:
  Examination(const std::string& name, const onnx::ModelProto& model,
              const std::set<int>& data_types)
      : model_(model) {
    check_name(name);
    check_opset();
    for (const int type : data_types) check_type(type);
    check_graph(model.graph(), true);
  }

  Case take() {
    case_.refusal = refusal_;
    return case_;
  }

 private:
  void refuse(const std::string& reason) {
    if (refusal_.empty()) refusal_ = reason;
  }

  void check_name(const std::string& name) {
    for (const Exclusion& exclusion : kExclusions) {
      if (matches(exclusion.pattern, name)) refuse(std::string(exclusion.reason));
    }
  }

  void check_opset() {
    for (const auto& set : model_.opset_import()) {
      if (!set.domain().empty() && set.domain() != "ai.onnx") continue;
      opset_ = static_cast<int>(set.version());
    }
    if (opset_ < formats::kOldestOpset || opset_ > formats::kNewestOpset) {
      refuse("operator set " + std::to_string(opset_));
    }
    if (model_.functions_size() > 0) refuse("local functions");
  }

  void check_type(int type) {
    if (!is_exact(type)) refuse(type_refusal(type));
  }

  void check_graph(const onnx::GraphProto& graph, bool outermost) {
    std::set<std::string> initializers;
    for (const auto& tensor : graph.initializer()) {
      initializers.insert(tensor.name());
      types_[tensor.name()] = tensor.data_type();
      check_type(tensor.data_type());
    }
    for (const auto& input : graph.input()) {
      const bool tensor = input.type().has_tensor_type();
      const int type = tensor ? input.type().tensor_type().elem_type() : -1;
      types_[input.name()] = type;
      check_type(type);
      if (outermost && !initializers.contains(input.name())) case_.inputs.push_back(input.name());
    }
    for (const auto& node : graph.node()) check_node(node);
  }

  void check_node(const onnx::NodeProto& node) {
    if (!node.domain().empty() && node.domain() != "ai.onnx") {
      return refuse("operator " + node.domain() + "." + node.op_type());
    }
    if (const auto* to = formats::find_attribute(node, "to")) check_type(static_cast<int>(to->i()));
    for (const auto& attribute : node.attribute()) {
      if (attribute.has_t()) check_type(attribute.t().data_type());
      if (attribute.has_g()) check_graph(attribute.g(), false);
    }
    if (node.op_type() == "If" || node.op_type() == "Constant") {
      if (node.op_type() == "If") bind(node, 0);
      return;
    }
    const ir::OpRow* row = ir::find_op(formats::lowered(node.op_type()));
    if (!row) return refuse("operator " + node.op_type());
    check_outputs(*row, node);
    if (row->types == ir::TypeSet::kFloat) check_float(node);
    for (int i = 0; i < node.input_size(); ++i) {
      if (ir::wants_constant(*row, static_cast<size_t>(i))) bind(node, i);
    }
  }

  void check_float(const onnx::NodeProto& node) {
    const auto type = node.input_size() > 0 ? types_.find(node.input(0)) : types_.end();
    if (type != types_.end() && type->second != TensorProto::FLOAT) {
      refuse("integers in " + node.op_type());
    }
  }

  void check_outputs(const ir::OpRow& row, const onnx::NodeProto& node) {
    int wanted = 0;
    for (int i = 0; i < node.output_size(); ++i) {
      if (!node.output(i).empty()) wanted = i + 1;
    }
    if (row.max_outputs >= 0 && wanted > row.max_outputs) {
      refuse("output " + std::to_string(wanted - 1) + " of " + node.op_type());
    }
  }

  void bind(const onnx::NodeProto& node, int input) {
    const auto& inputs = case_.inputs;
    if (std::ranges::find(inputs, node.input(input)) != inputs.end()) {
      case_.bound.insert(node.input(input));
    }
  }

  const onnx::ModelProto& model_;
  int opset_ = 1;
  std::map<std::string, int> types_;
  std::string refusal_;
  Case case_;
};

}  // namespace

std::set<int> data_types(const std::filesystem::path& folder) {
  std::set<int> types;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.path().extension() != ".pb") continue;
    std::ifstream in(entry.path(), std::ios::binary);
    TensorProto proto;
    const bool parsed = proto.ParseFromString({std::istreambuf_iterator<char>(in), {}});
    types.insert(parsed && proto.data_type() > 0 ? proto.data_type() : -1);
  }
  return types;
}

Case examine(const std::string& name, const std::string& model_bytes,
             const std::set<int>& data_types) {
  onnx::ModelProto model;
  if (!model.ParseFromString(model_bytes)) return {.inputs = {}, .bound = {}, .refusal = "damaged"};
  return Examination(name, model, data_types).take();
}

}  // namespace pare::tests
