// SPDX-License-Identifier: Apache-2.0
#include "formats/onnx/attributes.hpp"

#include "formats/onnx/onnx.pb.h"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

using Proto = onnx::AttributeProto;

// Files of the first IR version leave the type out.
Proto::AttributeType type_of(const Proto& attribute) {
  if (attribute.type() != Proto::UNDEFINED) return attribute.type();
  if (attribute.has_f()) return Proto::FLOAT;
  if (attribute.has_i()) return Proto::INT;
  if (attribute.has_s()) return Proto::STRING;
  if (attribute.has_t()) return Proto::TENSOR;
  if (attribute.has_g()) return Proto::GRAPH;
  if (attribute.floats_size() > 0) return Proto::FLOATS;
  if (attribute.strings_size() > 0) return Proto::STRINGS;
  return Proto::INTS;
}

std::string joined(const Proto& attribute) {
  std::string out;
  for (const std::string& text : attribute.strings()) out += (out.empty() ? "" : ",") + text;
  return out;
}

}  // namespace

const Proto* find_attribute(const onnx::NodeProto& node, const std::string& name) {
  for (const Proto& attribute : node.attribute()) {
    if (attribute.name() == name) return &attribute;
  }
  return nullptr;
}

std::map<std::string, ir::Attribute> attributes_of(const onnx::NodeProto& node,
                                                   const std::string& node_name) {
  std::map<std::string, ir::Attribute> out;
  for (const Proto& attribute : node.attribute()) {
    const std::string& key = attribute.name();
    if (key == "consumed_inputs") continue;  // of the first operator sets, without effect
    switch (type_of(attribute)) {
      case Proto::FLOAT:
        out[key] = static_cast<double>(attribute.f());
        break;
      case Proto::INT:
        out[key] = static_cast<int64_t>(attribute.i());
        break;
      case Proto::STRING:
        out[key] = attribute.s();
        break;
      case Proto::FLOATS:
        out[key] = std::vector<double>(attribute.floats().begin(), attribute.floats().end());
        break;
      case Proto::INTS:
        out[key] = std::vector<int64_t>(attribute.ints().begin(), attribute.ints().end());
        break;
      case Proto::STRINGS:
        out[key] = joined(attribute);
        break;
      default:
        throw Error(node_name, "attribute " + escaped(key) + " of " + escaped(node.op_type()) +
                                   " is a graph, a tensor or a function's parameter");
    }
  }
  return out;
}

void set_attribute(onnx::NodeProto& node, const std::string& name, const ir::Attribute& value) {
  Proto& out = *node.add_attribute();
  out.set_name(name);
  if (const auto* i = std::get_if<int64_t>(&value)) {
    out.set_type(Proto::INT);
    out.set_i(*i);
  } else if (const auto* f = std::get_if<double>(&value)) {
    out.set_type(Proto::FLOAT);
    out.set_f(static_cast<float>(*f));
  } else if (const auto* s = std::get_if<std::string>(&value)) {
    out.set_type(Proto::STRING);
    out.set_s(*s);
  } else if (const auto* ints = std::get_if<std::vector<int64_t>>(&value)) {
    out.set_type(Proto::INTS);
    out.mutable_ints()->Add(ints->begin(), ints->end());
  } else {
    out.set_type(Proto::FLOATS);
    for (const double x : std::get<std::vector<double>>(value)) {
      out.add_floats(static_cast<float>(x));
    }
  }
}

}  // namespace pare::formats
