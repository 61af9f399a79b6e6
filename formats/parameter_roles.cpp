// SPDX-License-Identifier: Apache-2.0
#include "formats/parameter_roles.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "lib/ir/ops.hpp"

namespace pare::formats {

namespace {

struct Synonym {
  std::string_view ending;  // of the name, in lower case
  std::string_view word;
};

constexpr auto kSynonyms = std::to_array<Synonym>({
    {"running_mean", "mean"},
    {"moving_mean", "mean"},
    {"running_var", "var"},
    {"moving_variance", "var"},
    {"variance", "var"},
    {"gamma", "weight"},
    {"scale", "weight"},
    {"kernel", "weight"},
    {"embeddings", "weight"},
    {"beta", "bias"},
});

constexpr std::array<std::string_view, 5> kNormalization{"", "weight", "bias", "mean", "var"};

std::string_view role_of_input(const ir::Node& node, size_t input) {
  if (node.op == "BatchNormalization") return input < 5 ? kNormalization[input] : "";
  if (node.op == "LSTM" || node.op == "GRU") return input >= 1 && input <= 3 ? "recurrent" : "";
  const ir::OpRow* row = ir::find_op(node.op);
  if (!row || row->weight_input < 0) return "";
  if (static_cast<int>(input) == row->weight_input) return "weight";
  return static_cast<int>(input) == row->weight_input + 1 ? "bias" : "";
}

}  // namespace

std::map<std::string, std::string, std::less<>> roles_in(const ir::Model& model) {
  std::map<std::string, std::string, std::less<>> roles;
  for (const ir::Graph& graph : model.graphs) {
    for (const ir::Node& node : graph.nodes()) {
      for (size_t i = 0; i < node.inputs.size(); ++i) {
        if (!node.inputs[i].valid()) continue;
        const std::string& parameter = graph.value(node.inputs[i]).parameter;
        const std::string_view role = role_of_input(node, i);
        if (!parameter.empty() && !role.empty()) roles.emplace(parameter, role);
      }
    }
  }
  return roles;
}

std::vector<std::string> canonical_words(std::string_view name) {
  std::string text(name.substr(0, name.rfind(':')));
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  for (const Synonym& synonym : kSynonyms) {
    if (!text.ends_with(synonym.ending)) continue;
    text.replace(text.size() - synonym.ending.size(), std::string::npos, synonym.word);
    break;
  }
  std::vector<std::string> words(1);
  for (const char c : text) {
    if (c != '.' && c != '/' && c != '_') {
      words.back() += c;
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

std::string role_of_name(std::string_view name) { return canonical_words(name).back(); }

bool ends_alike(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  const size_t shared = std::min(a.size(), b.size());
  return std::equal(a.end() - static_cast<std::ptrdiff_t>(shared), a.end(),
                    b.end() - static_cast<std::ptrdiff_t>(shared));
}

}  // namespace pare::formats
