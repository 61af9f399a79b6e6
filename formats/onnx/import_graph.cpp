// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/import_graph.hpp"

#include <algorithm>

#include "formats/onnx/attributes.hpp"
#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/tensors.hpp"
#include "formats/onnx/upgrade.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/ops.hpp"

namespace pare::formats {

namespace {

using ir::ValueId;
using Names = std::map<std::string, ValueId>;

class Importer {
 public:
  Importer(const ImportOptions& options, ir::Model& model)
      : options_(options), model_(model), editor_(model, graph_) {}

  void run(onnx::GraphProto& proto) {
    scopes_.emplace_back();
    count_uses(proto);
    initializers(proto);
    inputs(proto);
    for (auto& node : *proto.mutable_node()) add(node);
    for (const auto& output : proto.output()) add_output(output.name());
    editor_.remove_unused();
    model_.graphs.push_back(std::move(graph_));
  }

 private:
  // --- names

  void define(const std::string& name, ValueId id) {
    if (!scopes_.back().emplace(name, id).second) {
      throw Error(escaped(name), "is defined twice");
    }
  }

  ValueId resolve(const std::string& name, const std::string& user) const {
    if (name.empty()) return {};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      const auto found = scope->find(name);
      if (found != scope->end()) return found->second;
    }
    throw Error(user, "uses " + escaped(name) + " before it is made");
  }

  // Which names anything reads, branches included: outputs nobody reads are dropped.
  void count_uses(const onnx::GraphProto& proto) {
    for (const auto& node : proto.node()) {
      used_.insert(node.input().begin(), node.input().end());
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) count_uses(attribute.g());
      }
    }
    for (const auto& output : proto.output()) used_.insert(output.name());
  }

  // --- constants and inputs

  void initializers(onnx::GraphProto& proto) {
    if (proto.sparse_initializer_size() > 0) {
      throw Error("sparse_initializer", "sparse tensors are not supported");
    }
    for (auto& tensor : *proto.mutable_initializer()) {
      define(tensor.name(), editor_.parameter(tensor.name(), decode(tensor)));
    }
  }

  ir::Tensor decode(onnx::TensorProto& tensor) { return decode_tensor(tensor, options_.external); }

  void inputs(const onnx::GraphProto& proto) {
    for (const auto& input : proto.input()) {
      // Before IR version 4 initializers were listed as inputs as well.
      if (scopes_.back().contains(input.name())) continue;
      const auto& type = input.type();
      if (!type.has_tensor_type()) throw Error(escaped(input.name()), "input is not a tensor");
      const int element = type.tensor_type().elem_type();
      std::optional<ir::DType> dtype = dtype_of_onnx(element);
      if (!dtype) throw Error(escaped(input.name()), "element type " + onnx_type_name(element));
      if (ir::info(*dtype).is_float && element != onnx::TensorProto::FLOAT) {
        options_.read.note("input " + escaped(input.name()) + " takes f32 instead of " +
                           onnx_type_name(element));
        dtype = ir::DType::kF32;
      }
      define(input.name(), editor_.input(input.name(), shape_of(input), *dtype));
    }
  }

  ir::Shape shape_of(const onnx::ValueInfoProto& input) {
    ir::Shape shape;
    for (const auto& dim : input.type().tensor_type().shape().dim()) {
      if (dim.has_dim_value() && dim.dim_value() >= 0) {
        shape.emplace_back(int64_t{dim.dim_value()});
      } else if (!dim.dim_param().empty()) {
        shape.emplace_back(dim.dim_param());
      } else {
        const bool batch = shape.empty();
        shape.emplace_back(batch ? std::string("batch") : "dim_" + std::to_string(unnamed_++));
      }
    }
    return shape;
  }

  // --- nodes

  void add(onnx::NodeProto& proto) {
    const std::string name = name_of(proto);
    if (proto.op_type() == "If" && is_default(proto)) return inline_branch(proto, name);
    if (proto.op_type() == "Constant" && is_default(proto)) return add_constant(proto, name);
    require_supported(proto, name);
    ir::Node node{.op = proto.op_type(), .name = name, .inputs = {}, .outputs = {}};
    for (const std::string& input : proto.input()) node.inputs.push_back(resolve(input, name));
    while (!node.inputs.empty() && !node.inputs.back().valid()) node.inputs.pop_back();
    node.attributes = attributes_of(proto, name);
    std::vector<std::string> outputs = outputs_of(proto);
    upgrade(node, outputs.size(), options_.opset, editor_);
    if (node.op == "Identity") return define(outputs.front(), node.inputs.at(0));
    const std::vector<ValueId> made = editor_.add(std::move(node), outputs);
    for (int i = 0; i < proto.output_size() && i < static_cast<int>(made.size()); ++i) {
      if (!proto.output(i).empty()) define(proto.output(i), made[static_cast<size_t>(i)]);
    }
  }

  static std::string name_of(const onnx::NodeProto& proto) {
    if (!proto.name().empty()) return proto.name();
    return proto.output_size() > 0 && !proto.output(0).empty() ? proto.output(0) : proto.op_type();
  }

  static bool is_default(const onnx::NodeProto& proto) {
    return proto.domain().empty() || proto.domain() == "ai.onnx";
  }

  static void require_supported(const onnx::NodeProto& proto, const std::string& name) {
    const bool old = proto.op_type() == "Upsample" || proto.op_type() == "Scatter" ||
                     proto.op_type() == "Dropout";
    if (is_default(proto) && (old || ir::find_op(proto.op_type()))) return;
    const std::string domain = is_default(proto) ? "" : escaped(proto.domain()) + ".";
    throw Error(escaped(name),
                "operator " + domain + escaped(proto.op_type()) + " is not supported");
  }

  // Names of the outputs up to the last one that is used; nameless ones get a name.
  std::vector<std::string> outputs_of(const onnx::NodeProto& proto) const {
    std::vector<std::string> names(proto.output().begin(), proto.output().end());
    const auto wanted = [&](const std::string& n) { return !n.empty() && used_.contains(n); };
    while (names.size() > 1 && !wanted(names.back())) names.pop_back();
    for (size_t i = 0; i < names.size(); ++i) {
      if (names[i].empty()) names[i] = name_of(proto) + ":" + std::to_string(i);
    }
    if (names.empty()) throw Error(escaped(name_of(proto)), "has no output");
    return names;
  }

  void add_constant(onnx::NodeProto& proto, const std::string& name) {
    if (proto.attribute_size() != 1 || proto.output_size() != 1) {
      throw Error(escaped(name), "Constant should have one value");
    }
    auto& attribute = *proto.mutable_attribute(0);
    const std::string& output = proto.output(0);
    if (attribute.has_t()) {
      if (attribute.t().name().empty()) attribute.mutable_t()->set_name(output);
      return define(output, editor_.parameter(output, decode(*attribute.mutable_t())));
    }
    const auto attributes = attributes_of(proto, name);
    const ir::Node node{
        .op = "Constant", .name = name, .inputs = {}, .outputs = {}, .attributes = attributes};
    define(output, editor_.add(node, {output}).front());
  }

  // --- If

  void inline_branch(onnx::NodeProto& proto, const std::string& name) {
    const ValueId condition = proto.input_size() == 1 ? resolve(proto.input(0), name) : ValueId{};
    const ir::Tensor* value = editor_.constant(condition);
    if (!value || value->count() != 1) {
      throw Error(escaped(name),
                  "the condition of If is known only at run time; --bind makes inputs constant");
    }
    const bool taken = ir::to_f32(*value).front() != 0;
    onnx::GraphProto* branch = nullptr;
    for (auto& attribute : *proto.mutable_attribute()) {
      if (attribute.name() == (taken ? "then_branch" : "else_branch") && attribute.has_g()) {
        branch = attribute.mutable_g();
      }
    }
    if (!branch || branch->output_size() != proto.output_size()) {
      throw Error(escaped(name), "If has no branch with its outputs");
    }
    scopes_.emplace_back();
    initializers(*branch);
    for (auto& node : *branch->mutable_node()) add(node);
    std::vector<ValueId> results;
    for (const auto& output : branch->output()) results.push_back(resolve(output.name(), name));
    scopes_.pop_back();
    for (int i = 0; i < proto.output_size(); ++i) {
      if (!proto.output(i).empty()) define(proto.output(i), results[static_cast<size_t>(i)]);
    }
  }

  // --- outputs

  // An output is a value of its own that has the file's name: a runtime cannot hand out a constant
  // or an input.
  void add_output(const std::string& name) {
    ValueId id = resolve(name, "graph");
    if (!id.valid()) throw Error("graph", "an output has no name");
    const auto among = [&](const std::vector<ValueId>& ids) {
      return std::ranges::find(ids, id) != ids.end();
    };
    const bool own =
        graph_.value(id).parameter.empty() && !among(graph_.inputs) && !among(graph_.outputs);
    if (!own) {
      id = editor_.add_kept("Identity", id, name);
    } else if (graph_.value(id).name != name) {
      editor_.rename(id, name);
    }
    graph_.outputs.push_back(id);
  }

  const ImportOptions& options_;
  ir::Model& model_;
  ir::Graph graph_;
  GraphEditor editor_;
  std::vector<Names> scopes_;
  std::set<std::string> used_;
  int unnamed_ = 1;
};

}  // namespace

void import_graph(onnx::GraphProto& proto, const ImportOptions& options, ir::Model& model) {
  Importer(options, model).run(proto);
}

}  // namespace pare::formats
