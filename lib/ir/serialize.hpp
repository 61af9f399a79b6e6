// SPDX-License-Identifier: Apache-2.0
// Graphs and metadata as JSON, the form `.pare` stores (docs/format.md). Tensors are not part of
// it.
#pragma once

#include "lib/ir/model.hpp"

namespace pare::ir {

Json to_json(const Graph& graph);
// Throws Error(subject, ...) on anything unexpected; the result still has to pass verify().
Graph graph_from_json(const Json& json, std::string_view subject);
Json to_json(const Metadata& metadata);
Metadata metadata_from_json(const Json& json, std::string_view subject);
Json to_json(const QuantScheme& scheme);
QuantScheme scheme_from_json(const Json& json, std::string_view subject);
Json to_json(const SparseLayout& layout);
SparseLayout layout_from_json(const Json& json, std::string_view subject);

}  // namespace pare::ir
