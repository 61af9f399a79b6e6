// SPDX-License-Identifier: Apache-2.0
// Shape arithmetic as exporters write it, folded before and while shapes are inferred; inputs bound
// to constants; values of other types than f32 through a session.
#include "lib/runtime/fold.hpp"

#include <algorithm>
#include <cstring>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/bind.hpp"
#include "lib/ir/ops.hpp"
#include "lib/runtime/session.hpp"

using namespace pare;

namespace {

using Ints = std::vector<int64_t>;

struct Built {
  ir::Model model;
  ir::Graph graph;

  ir::ValueId ints(const std::string& name, const ir::Dims& dims, const Ints& values) {
    model.parameters.set(name, ir::Tensor::i64(dims, values));
    return graph.add_parameter(name, ir::DType::kI64, dims);
  }
  ir::Model finish(ir::ValueId output, bool fold = true) {
    graph.outputs = {output};
    model.graphs = {graph};
    if (fold) runtime::fold_shape_arithmetic(model, model.graphs[0]);
    ir::infer_shapes(model, model.graphs[0]);
    ir::verify(model);
    return model;
  }
};

// x.view(x.size(0), -1) as exporters write it.
Built flattening() {
  Built b;
  const ir::ValueId x = b.graph.add_input("x", {ir::Dim("batch"), ir::Dim(3), ir::Dim(4)});
  const ir::ValueId size = b.graph.add("Shape", {x});
  const ir::ValueId first =
      b.graph.add("Gather", {size, b.ints("zero", {}, {0})}, {{"axis", int64_t{0}}});
  const ir::ValueId row = b.graph.add("Unsqueeze", {first, b.ints("axes", {1}, {0})});
  const ir::ValueId target =
      b.graph.add("Concat", {row, b.ints("rest", {1}, {-1})}, {{"axis", int64_t{0}}});
  b.graph.outputs = {b.graph.add("Reshape", {x, target}, {}, "view")};
  return b;
}

template <class T>
std::vector<T> output_of(runtime::Session& session) {
  const auto bytes = session.output_bytes(0);
  std::vector<T> values(bytes.size() / sizeof(T));
  if (!values.empty()) std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

}  // namespace

TEST_CASE("a view by the batch's size becomes a Reshape with 0 and -1") {
  Built b = flattening();
  const ir::Model model = b.finish(b.graph.outputs[0]);
  REQUIRE(model.main().nodes().size() == 1);
  const ir::Node& node = model.main().nodes()[0];
  CHECK(node.op == "Reshape");
  const std::string& target = model.main().value(node.inputs[1]).parameter;
  CHECK(ir::to_i64(model.parameters.at(target)) == Ints{0, -1});
  CHECK(model.parameters.entries().size() == 1);
  CHECK(model.main().value(model.main().outputs[0]).shape ==
        ir::Shape{ir::Dim("batch"), ir::Dim(12)});
}

TEST_CASE("shape arithmetic that is not folded still decides shapes and runs") {
  Built b = flattening();
  const ir::Model model = b.finish(b.graph.outputs[0], false);
  CHECK(model.main().value(model.main().outputs[0]).shape ==
        ir::Shape{ir::Dim("batch"), ir::Dim(12)});
  runtime::Session session(model, {.batch = 5});
  CHECK(session.output_dims(0) == ir::Dims{5, 12});
}

TEST_CASE("constants fold through arithmetic, comparison and casts") {
  Built b;
  const ir::ValueId x = b.graph.add_input("x", {ir::Dim(1), ir::Dim(6)});
  const ir::ValueId size = b.graph.add("Shape", {x}, {{"start", int64_t{1}}});  // [6]
  const ir::ValueId half = b.graph.add("Div", {size, b.ints("two", {1}, {2})});
  const ir::ValueId is_3 = b.graph.add("Equal", {half, b.ints("three", {1}, {3})});
  const ir::ValueId picked = b.graph.add("Where", {is_3, half, b.ints("other", {1}, {-7})});
  const ir::ValueId narrow = b.graph.add("Cast", {picked}, {{"to", std::string("i32")}});
  const ir::ValueId wide = b.graph.add("Cast", {narrow}, {{"to", std::string("i64")}});
  const ir::ValueId filled = b.graph.add("ConstantOfShape", {wide},
                                         {{"value", int64_t{1}}, {"dtype", std::string("i64")}});
  const ir::ValueId scaled = b.graph.add("Mul", {filled, b.ints("parts", {3}, {1, 2, 3})});
  const ir::Model model = b.finish(b.graph.add("Reshape", {x, scaled}, {}, "view"));
  CHECK(model.main().nodes().size() == 1);
  CHECK(model.main().value(model.main().outputs[0]).shape == ir::shape_of(Ints{1, 2, 3}));
}

TEST_CASE("a small file does not fold into a large constant") {
  Built b;
  const ir::ValueId large =
      b.graph.add("ConstantOfShape", {b.ints("dims", {2}, {1 << 14, 1 << 14})});
  const ir::Model model = b.finish(b.graph.add("Relu", {large}));
  CHECK(model.main().nodes().size() == 2);
}

TEST_CASE("a bound input decides a shape, and one that does not fit is refused") {
  Built b;
  const ir::ValueId x = b.graph.add_input("x", {ir::Dim(2), ir::Dim(6)});
  const ir::ValueId target = b.graph.add_input("target", {ir::Dim(2)}, ir::DType::kI64);
  const ir::ValueId y = b.graph.add("Reshape", {x, target}, {}, "view");
  CHECK_THROWS_AS(b.finish(y), Error);
  CHECK_THROWS_AS(ir::bind_input(b.model, b.graph, "nothing", ir::Tensor::i64({2}, Ints{3, 4})),
                  Error);
  CHECK_THROWS_AS(ir::bind_input(b.model, b.graph, "target", ir::Tensor::i64({3}, Ints{3, 4, 1})),
                  Error);
  CHECK_THROWS_AS(
      ir::bind_input(b.model, b.graph, "target", ir::Tensor::f32({2}, std::vector<float>{3, 4})),
      Error);
  CHECK_THROWS_AS(ir::bind_input(b.model, b.graph, "target", std::vector<double>{3, 0.5}), Error);
  ir::bind_input(b.model, b.graph, "target", std::vector<double>{3, -1});
  const ir::Model model = b.finish(y);
  CHECK(model.main().inputs.size() == 1);
  CHECK(model.main().value(model.main().outputs[0]).shape == ir::shape_of(Ints{3, 4}));
}

TEST_CASE("integers and booleans pass through a session in their own type") {
  Built b;
  const ir::ValueId a = b.graph.add_input("a", {ir::Dim(3)}, ir::DType::kI64);
  const ir::ValueId c = b.graph.add_input("b", {ir::Dim(2), ir::Dim(1)}, ir::DType::kI64);
  const ir::ValueId sum = b.graph.add("Add", {a, c});
  Built comparing = b;
  const ir::Model adding = b.finish(sum);
  runtime::Session session(adding, {});
  const Ints first = {1, int64_t{1} << 40, -3}, second = {10, -20};
  std::memcpy(session.input_bytes(0).data(), first.data(), sizeof(int64_t) * 3);
  std::memcpy(session.input_bytes(1).data(), second.data(), sizeof(int64_t) * 2);
  session.run();
  CHECK(session.output_dtype(0) == ir::DType::kI64);
  CHECK(output_of<int64_t>(session) ==
        Ints{11, (int64_t{1} << 40) + 10, 7, -19, (int64_t{1} << 40) - 20, -23});
  const ir::Model model = comparing.finish(comparing.graph.add("Greater", {sum, a}));
  runtime::Session flags(model, {});
  std::memcpy(flags.input_bytes(0).data(), first.data(), sizeof(int64_t) * 3);
  std::memcpy(flags.input_bytes(1).data(), second.data(), sizeof(int64_t) * 2);
  flags.run();
  CHECK(flags.output_dtype(0) == ir::DType::kBool);
  CHECK(output_of<uint8_t>(flags) == std::vector<uint8_t>{1, 1, 1, 0, 0, 0});
}

TEST_CASE("an output that is a constant appears in the session's output") {
  Built b;
  const ir::ValueId x = b.graph.add_input("x", {ir::Dim(2), ir::Dim(6)});
  const ir::Model model = b.finish(b.graph.add("Shape", {x}));
  CHECK(model.main().nodes().empty());
  runtime::Session session(model, {});
  session.run();
  CHECK(output_of<int64_t>(session) == Ints{2, 6});
  CHECK(session.output()[1] == 6.0F);
}
