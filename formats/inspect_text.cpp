// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

#include "formats/inspect.hpp"
#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

constexpr size_t kLabelWidth = 15;
constexpr size_t kMostLabels = 12;

std::string grouped(int64_t number) {
  std::string out = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3) {
    out.insert(static_cast<size_t>(at), ",");
  }
  return out;
}

std::string number(double value, const char* format) {
  std::array<char, 40> text{};
  std::snprintf(text.data(), text.size(), format, value);
  return text.data();
}

std::string percent(const Json& fraction) {
  return number(100.0 * fraction.get<double>(), "%.1f") + " %";
}

std::string line(const std::string& label, const std::string& text) {
  return label + std::string(kLabelWidth - label.size(), ' ') + text + "\n";
}

std::string joined(const Json& texts, size_t most) {
  std::string out;
  for (size_t i = 0; i < std::min(most, texts.size()); ++i) {
    out += (i == 0 ? "" : ", ") + escaped(texts[i].get<std::string>(), 40);
  }
  return texts.size() > most ? out + ", ..." : out;
}

std::string numbers(const Json& values) {
  std::string out;
  for (const Json& value : values) {
    out += (out.empty() ? "" : ", ") + number(value.get<double>(), "%.6g");
  }
  return values.size() == 1 ? out : "[" + out + "]";
}

std::string preprocessing(const Json& given) {
  if (given.is_null()) return "not stated";
  std::string out = "x = raw";
  const auto scale = given.value("input_scale", 1.0);
  if (scale != 1.0) out += " * " + number(scale, "%.9g");
  if (given.contains("mean") && !given.at("mean").empty()) {
    out = "x = (" + out.substr(4) + " - " + numbers(given.at("mean")) + ")";
  }
  if (given.contains("std") && !given.at("std").empty()) out += " / " + numbers(given.at("std"));
  if (given.contains("layout")) out += "   " + escaped(given.at("layout").get<std::string>(), 20);
  if (given.contains("size")) out += " " + to_text(given.at("size"));
  return out;
}

std::string header(const Json& model) {
  std::string format = model.at("format").get<std::string>();
  if (model.contains("format_version")) format += " " + to_text(model.at("format_version"));
  std::string out = line("file", escaped(model.at("path").get<std::string>(), 1000));
  out += line("format", format + ", " + grouped(model.at("file_bytes")) + " bytes");
  std::string task = escaped(model.at("task").get<std::string>(), 80);
  const Json& labels = model.at("labels");
  if (!labels.empty()) {
    task += ", " + grouped(static_cast<int64_t>(labels.size())) +
            " labels: " + joined(labels, kMostLabels);
  }
  out += line("task", task);
  out += line("preprocessing", preprocessing(model.at("preprocessing")));
  if (!model.at("source").empty()) {
    out += line("source", escaped(to_text(model.at("source")), 300));
  }
  out += line("parameters", grouped(model.at("parameters")) + ", " +
                                number(model.at("bits_per_weight"), "%.2f") +
                                " bits a weight, sparsity " + percent(model.at("sparsity")));
  if (!model.at("macs").is_null()) out += line("MACs", grouped(model.at("macs")) + " an item");
  return out;
}

std::string endpoints(const Json& list) {
  std::string out;
  for (const Json& end : list) {
    out += (out.empty() ? "" : ", ") + escaped(end.at("name").get<std::string>(), 60) + " " +
           end.at("dtype").get<std::string>() + " " +
           escaped(end.at("shape").get<std::string>(), 100);
  }
  return out;
}

std::string graphs(const Json& model) {
  std::string out;
  for (const Json& graph : model.at("graphs")) {
    out +=
        line("graph", escaped(graph.at("name").get<std::string>(), 60) + ": " +
                          to_text(graph.at("nodes")) + " nodes, " +
                          to_text(graph.at("integer_values")) + " values in integers, " +
                          endpoints(graph.at("inputs")) + " -> " + endpoints(graph.at("outputs")));
  }
  if (model.at("graphs").empty()) out += line("graph", "none: weights only");
  for (const auto& [name, bytes] : model.at("assets").items()) {
    out += line("asset", escaped(name, 80) + ", " + grouped(bytes.get<int64_t>()) + " bytes");
  }
  return out;
}

std::string history(const Json& steps) {
  if (steps.empty()) return "";
  std::string out = "\nhistory\n";
  int64_t position = 0;
  for (const Json& step : steps) {
    out += "  " + std::to_string(++position) + "  " +
           escaped(step.at("step").get<std::string>(), 2000) + "\n";
    std::string detail = "seed " + to_text(step.at("seed")) + ", pare " +
                         escaped(step.at("tool_version").get<std::string>(), 40);
    for (const auto& [name, hash] : step.at("inputs").items()) {
      const std::string text = hash.is_string() ? hash.get<std::string>() : to_text(hash);
      detail += ", " + escaped(name, 60) + " " + escaped(text.substr(0, 12));
    }
    out += "     " + detail + "\n";
  }
  return out;
}

using Row = std::array<std::string, 6>;

// The first three columns are words and set left, the others numbers and set right.
std::string table(const std::vector<Row>& rows) {
  std::array<size_t, 6> width{};
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) width[c] = std::max(width[c], row[c].size());
  }
  std::string out;
  for (const Row& row : rows) {
    for (size_t c = 0; c < row.size(); ++c) {
      const std::string padding(width[c] - row[c].size(), ' ');
      out += "  " + (c < 3 ? row[c] + padding : padding + row[c]);
    }
    out += "\n";
  }
  return out;
}

std::string tensors(const Json& model) {
  std::vector<Row> rows = {{"tensor", "dims", "stored as", "sparsity", "bytes", "bits/weight"}};
  for (const Json& tensor : model.at("tensors")) {
    rows.push_back({escaped(tensor.at("name").get<std::string>(), 60), to_text(tensor.at("dims")),
                    tensor.at("scheme").get<std::string>(), percent(tensor.at("sparsity")),
                    grouped(tensor.at("bytes")), number(tensor.at("bits_per_weight"), "%.2f")});
  }
  const int64_t container =
      model.at("file_bytes").get<int64_t>() - model.at("tensor_bytes").get<int64_t>();
  // Less than nothing: tensors of PyTorch files may share bytes, shards lie in other files.
  if (container >= 0) {
    rows.push_back({"graph, history, index", "", "", "", grouped(container), ""});
  }
  rows.push_back({"file", "", "", "", grouped(model.at("file_bytes")), ""});
  return "\ntensors\n" + table(rows);
}

}  // namespace

std::string inspection_text(const Json& inspection, const std::string& graph) {
  std::string out = header(inspection) + graphs(inspection) + history(inspection.at("history")) +
                    tensors(inspection);
  if (!graph.empty()) out += "\ngraph\n" + graph + (graph.back() == '\n' ? "" : "\n");
  return out;
}

}  // namespace pare::formats
