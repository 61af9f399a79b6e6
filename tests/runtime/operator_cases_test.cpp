// SPDX-License-Identifier: Apache-2.0
// Every operator of the table against what NumPy and PyTorch compute (make_operator_cases.py), by
// the reference kernels and by the fastest ones.
#include <cmath>
#include <cstring>
#include <fstream>
#include <limits>
#include <set>
#include <sstream>

#include <doctest/doctest.h>

#include "lib/core/json.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/session.hpp"

using namespace pare;

namespace {

template <class T>
ir::Tensor tensor_as(ir::DType dtype, const ir::Dims& dims, const Json& values) {
  std::vector<T> out;
  for (const Json& v : values) {
    if (v.is_string()) {
      const double infinity = std::numeric_limits<double>::infinity();
      const std::string text = v.get<std::string>();
      out.push_back(static_cast<T>(text == "nan"   ? std::nan("")
                                   : text == "inf" ? infinity
                                                   : -infinity));
    } else {
      out.push_back(v.get<T>());
    }
  }
  return ir::Tensor::of<T>(dtype, dims, out);
}

ir::Tensor tensor_of(const Json& json) {
  const ir::DType dtype = ir::dtype_from_name(json.at("dtype").get<std::string>()).value();
  const auto dims = json.at("dims").get<ir::Dims>();
  const Json& values = json.at("values");
  switch (dtype) {
    case ir::DType::kF32:
      return tensor_as<float>(dtype, dims, values);
    case ir::DType::kI64:
      return tensor_as<int64_t>(dtype, dims, values);
    case ir::DType::kI32:
      return tensor_as<int32_t>(dtype, dims, values);
    case ir::DType::kI16:
      return tensor_as<int16_t>(dtype, dims, values);
    case ir::DType::kI8:
      return tensor_as<int8_t>(dtype, dims, values);
    default:
      return tensor_as<uint8_t>(dtype, dims, values);
  }
}

ir::Attribute attribute_of(const Json& json) {
  if (json.is_number_integer()) return json.get<int64_t>();
  if (json.is_number()) return json.get<double>();
  if (json.is_string()) return json.get<std::string>();
  if (!json.empty() && json[0].is_number_float()) return json.get<std::vector<double>>();
  return json.get<std::vector<int64_t>>();
}

// One node; inputs are graph inputs unless the table wants them constant.
struct Case {
  ir::Model model;
  std::vector<ir::Tensor> inputs, outputs;

  explicit Case(const Json& json) {
    ir::Graph graph;
    const std::string op = json.at("op").get<std::string>();
    const ir::OpRow* row = ir::find_op(op);
    REQUIRE(row != nullptr);
    std::vector<ir::ValueId> ids;
    for (const Json& input : json.at("inputs")) {
      const std::string name = "x" + std::to_string(ids.size());
      if (input.is_null()) {
        ids.emplace_back();
        continue;
      }
      const ir::Tensor tensor = tensor_of(input);
      if (ir::wants_constant(*row, ids.size())) {
        model.parameters.set(name, tensor);
        ids.push_back(graph.add_parameter(name, tensor.dtype(), tensor.dims()));
      } else {
        ids.push_back(graph.add_input(name, ir::shape_of(tensor.dims()), tensor.dtype()));
        inputs.push_back(tensor);
      }
    }
    std::map<std::string, ir::Attribute> attributes;
    for (const auto& [key, value] : json.at("attributes").items()) {
      attributes[key] = attribute_of(value);
    }
    for (const Json& output : json.at("outputs")) outputs.push_back(tensor_of(output));
    graph.add(op, ids, attributes, "node", static_cast<int>(outputs.size()));
    graph.outputs = graph.nodes().front().outputs;
    ir::infer_shapes(model, graph);
    model.graphs.push_back(std::move(graph));
    ir::verify(model);
  }
};

void check_floats(const ir::Tensor& expected, std::span<const float> got) {
  const std::vector<float> values = ir::to_f32(expected);
  REQUIRE(values.size() == got.size());
  for (size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(values[i]) || std::isinf(values[i])) {
      CHECK(std::isnan(values[i]) == std::isnan(got[i]));
      CHECK((std::isnan(got[i]) || values[i] == got[i]));
      continue;
    }
    // Sums of at most 210 terms of magnitude up to 8 with half-ulp errors each, in another order:
    // 210 * 8 * 2^-24 = 1e-4 at worst, and about its root in practice.
    CHECK(std::abs(values[i] - got[i]) <= 2e-5 + 2e-5 * std::abs(values[i]));
  }
}

void run_case(const Case& c, bool reference) {
  runtime::Session session(c.model, {.reference = reference});
  REQUIRE(session.input_count() == static_cast<int>(c.inputs.size()));
  for (size_t i = 0; i < c.inputs.size(); ++i) {
    const auto to = session.input_bytes(static_cast<int>(i));
    const ir::BufferView from = c.inputs[i].view();
    REQUIRE(to.size() == from.bytes().size());
    std::memcpy(to.data(), from.bytes().data(), to.size());
  }
  session.run();
  for (size_t i = 0; i < c.outputs.size(); ++i) {
    const int index = static_cast<int>(i);
    const ir::Tensor& expected = c.outputs[i];
    CHECK(session.output_dtype(index) == expected.dtype());
    REQUIRE(session.output_dims(index) == expected.dims());
    if (expected.dtype() == ir::DType::kF32) {
      check_floats(expected, session.output(index));
      continue;
    }
    const auto got = session.output_bytes(index);
    const ir::BufferView want = expected.view();
    CHECK(std::ranges::equal(got, want.bytes()));
  }
}

Json all_cases() {
  std::ifstream file("tests/runtime/fixtures/operator_cases.json");
  std::ostringstream text;
  text << file.rdbuf();
  return Json::parse(text.str());
}

}  // namespace

TEST_CASE("every operator computes what NumPy and PyTorch compute") {
  std::set<std::string> seen;
  for (const Json& json : all_cases()) {
    seen.insert(json.at("op").get<std::string>());
    CAPTURE(json.at("op").get<std::string>());
    CAPTURE(json.at("attributes").dump());
    const Case c(json);
    for (const bool reference : {true, false}) run_case(c, reference);
  }
  for (const ir::OpRow& row : ir::all_ops()) {
    CAPTURE(std::string(row.name));
    CHECK(seen.contains(std::string(row.name)));
  }
}
