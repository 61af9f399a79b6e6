// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/import_graph.hpp"

#include <algorithm>
#include <cmath>

#include "formats/onnx/attributes.hpp"
#include "formats/onnx/dtypes.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/quantized_import.hpp"
#include "formats/onnx/tensors.hpp"
#include "formats/onnx/upgrade.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/bind.hpp"
#include "lib/ir/ops.hpp"

namespace pare::formats {

namespace {

using ir::ValueId;
constexpr double kLargestBoundDim = 1 << 30;

using Names = std::map<std::string, Bound>;

class Importer {
 public:
  Importer(const ImportOptions& options, ir::Model& model)
      : options_(options),
        model_(model),
        editor_(model, graph_),
        quantized_(editor_, options.read.note) {}

  void run(onnx::GraphProto& proto) {
    scopes_.emplace_back();
    count_uses(proto);
    initializers(proto);
    inputs(proto);
    for (auto& node : *proto.mutable_node()) add(node);
    for (const auto& output : proto.output()) add_output(output.name());
    quantized_.check_biases();
    editor_.remove_unused();
    model_.graphs.push_back(std::move(graph_));
  }

 private:
  // --- names

  void define(const std::string& name, const Bound& bound) {
    if (!scopes_.back().emplace(name, bound).second) {
      throw Error(escaped(name), "is defined twice");
    }
    ++names_of_[bound.id];
  }
  void define(const std::string& name, ValueId id) { define(name, Bound{.id = id, .codes = {}}); }

  Bound resolve(const std::string& name, const std::string& user) const {
    if (name.empty()) return {};
    for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
      const auto found = scope->find(name);
      if (found != scope->end()) return found->second;
    }
    throw Error(user, "uses " + escaped(name) + " before it is made");
  }

  // How each name is read, branches included: outputs nobody reads are dropped.
  void count_uses(const onnx::GraphProto& proto) {
    for (const auto& node : proto.node()) {
      const bool quantizes = node.op_type() == "QuantizeLinear" && node.input_size() > 1;
      for (int i = 0; i < node.input_size(); ++i) {
        std::string use = "read";
        if (quantizes && i == 0) {
          use = "quantized:" + node.input(1) + ":" + (node.input_size() > 2 ? node.input(2) : "");
        }
        used_[node.input(i)].insert(use);
      }
      for (const auto& attribute : node.attribute()) {
        if (attribute.has_g()) count_uses(attribute.g());
      }
    }
    for (const auto& output : proto.output()) used_[output.name()].insert("read");
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
    bind_inputs();
  }

  // A name is that of an input, which becomes a constant, or of a symbolic dimension, which gets a
  // size.
  void bind_inputs() {
    const auto name_of = [&](ValueId id) -> const std::string& { return graph_.value(id).name; };
    for (const auto& [name, values] : options_.read.bind) {
      const bool input = std::ranges::find(graph_.inputs, name, name_of) != graph_.inputs.end();
      if (input || !fix_dimension(name, values)) ir::bind_input(model_, graph_, name, values);
    }
  }

  bool fix_dimension(const std::string& symbol, const std::vector<double>& values) {
    bool found = false;
    for (const ValueId id : graph_.inputs) {
      for (ir::Dim& dim : graph_.value(id).shape) {
        if (dim.known() || dim.symbol != symbol) continue;
        const double size = values.size() == 1 ? values.front() : -1;
        if (!(size >= 1 && size <= kLargestBoundDim) || size != std::floor(size)) {
          throw Error(escaped(symbol), "a dimension is bound to one whole number");
        }
        dim = ir::Dim(static_cast<int64_t>(size));
        found = true;
      }
    }
    return found;
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
    if (QuantizedImport::handles(is_default(proto) ? "" : proto.domain(), proto.op_type())) {
      return add_quantized(proto, name);
    }
    require_supported(proto, name);
    ir::Node node{.op = proto.op_type(), .name = name, .inputs = {}, .outputs = {}};
    Bound codes;
    for (const std::string& input : proto.input()) {
      const Bound bound = resolve(input, name);
      if (bound.codes) codes = bound;
      node.inputs.push_back(bound.id);
    }
    while (!node.inputs.empty() && !node.inputs.back().valid()) node.inputs.pop_back();
    if (node.op == "ConstantOfShape") take_fill(proto, node);
    node.attributes.merge(attributes_of(proto, name));
    std::vector<std::string> outputs = outputs_of(proto);
    upgrade(node, outputs.size(), options_.opset, editor_);
    if (codes.codes) require_movement(node, codes);
    if (node.op == "Identity") {
      if (node.inputs.size() != 1) throw Error(escaped(name), "Identity should have one input");
      return define(outputs.front(),
                    codes.codes ? codes : Bound{.id = node.inputs.at(0), .codes = {}});
    }
    const std::vector<ValueId> made = editor_.add(std::move(node), outputs);
    for (int i = 0; i < proto.output_size() && i < static_cast<int>(made.size()); ++i) {
      if (proto.output(i).empty()) continue;
      const ValueId id = made[static_cast<size_t>(i)];
      define(proto.output(i),
             codes.codes ? quantized_.moved(codes, id) : Bound{.id = id, .codes = {}});
    }
  }

  // The one-element tensor that ConstantOfShape repeats: a number and a type's name.
  void take_fill(onnx::NodeProto& proto, ir::Node& node) {
    for (int i = 0; i < proto.attribute_size(); ++i) {
      if (proto.attribute(i).name() != "value" || !proto.attribute(i).has_t()) continue;
      const ir::Tensor fill = decode(*proto.mutable_attribute(i)->mutable_t());
      if (fill.count() != 1) throw Error(escaped(node.name), "the value should be one element");
      const bool real = ir::info(fill.dtype()).is_float;
      const ir::DType dtype = real ? ir::DType::kF32 : fill.dtype();
      node.attributes["dtype"] = std::string(ir::name_of(dtype));
      if (real) node.attributes["value"] = double{ir::to_f32(fill).front()};
      if (!real) node.attributes["value"] = ir::to_i64(fill, node.name).front();
      proto.mutable_attribute()->DeleteSubrange(i, 1);
      return;
    }
  }

  void add_quantized(const onnx::NodeProto& proto, const std::string& name) {
    QuantizedNode node{.op = proto.op_type(),
                       .domain = is_default(proto) ? "" : proto.domain(),
                       .name = name,
                       .inputs = {},
                       .attributes = attributes_of(proto, name),
                       .output = outputs_of(proto).front()};
    for (const std::string& input : proto.input()) node.inputs.push_back(resolve(input, name));
    if (node.inputs.empty()) throw Error(escaped(name), node.op + " without inputs");
    const auto uses = used_.find(proto.input(0));
    node.only_quantized = uses->second.size() == 1 && !uses->second.contains("read") &&
                          names_of_[node.inputs[0].id] == 1;
    define(node.output, quantized_.add(node));
  }

  // Codes go through operators that move elements; others would compute with them.
  static void require_movement(const ir::Node& node, const Bound& codes) {
    const ir::OpRow* row = ir::find_op(node.op);
    if (row && row->integer == ir::IntegerRule::kPassThrough && !node.inputs.empty() &&
        node.inputs[0] == codes.id)
      return;
    throw Error(escaped(node.name), "operator " + node.op + " on integer codes is not supported");
  }

  static std::string name_of(const onnx::NodeProto& proto) {
    if (!proto.name().empty()) return proto.name();
    return proto.output_size() > 0 && !proto.output(0).empty() ? proto.output(0) : proto.op_type();
  }

  static bool is_default(const onnx::NodeProto& proto) {
    return proto.domain().empty() || proto.domain() == "ai.onnx";
  }

  static void require_supported(const onnx::NodeProto& proto, const std::string& name) {
    if (is_default(proto) && ir::find_op(lowered(proto.op_type()))) return;
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
    const ValueId condition =
        proto.input_size() == 1 ? resolve(proto.input(0), name).id : ValueId{};
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
    std::vector<Bound> results;
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
    ValueId id = resolve(name, "graph").id;
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
  QuantizedImport quantized_;
  std::vector<Names> scopes_;
  std::map<std::string, std::set<std::string>> used_;
  std::map<ValueId, int> names_of_;
  int unnamed_ = 1;
};

}  // namespace

void import_graph(onnx::GraphProto& proto, const ImportOptions& options, ir::Model& model) {
  Importer(options, model).run(proto);
}

}  // namespace pare::formats
