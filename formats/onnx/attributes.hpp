// SPDX-License-Identifier: Apache-2.0
// AttributeProto to ir::Attribute and back. Attributes that mean nothing to the IR (deprecated or
// internal ones) are dropped; graphs and tensors are handled by the importer.
#pragma once

#include <map>
#include <string>

#include "lib/ir/graph.hpp"

namespace pare::onnx {
class NodeProto;
class AttributeProto;
}  // namespace pare::onnx

namespace pare::formats {

// Null when the node has no such attribute.
const onnx::AttributeProto* find_attribute(const onnx::NodeProto& node, const std::string& name);
// Numbers, texts and lists of numbers; a list of texts becomes one text, separated by commas.
// Throws Error(node_name) on a kind that the IR has no form for.
std::map<std::string, ir::Attribute> attributes_of(const onnx::NodeProto& node,
                                                   const std::string& node_name);
void set_attribute(onnx::NodeProto& node, const std::string& name, const ir::Attribute& value);

}  // namespace pare::formats
