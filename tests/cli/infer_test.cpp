// SPDX-License-Identifier: Apache-2.0
// pare-infer against a session in this process: the same arrays in, the same bits out.
#include <cstring>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/rng.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/numpy/npz.hpp"
#include "lib/runtime/session.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::write_model;

namespace numpy = pare::numpy;

namespace {

constexpr int64_t kItems = 3;

Finished infer(const Folder& folder, std::vector<std::string> arguments) {
  return pare::test::run(folder, {.arguments = std::move(arguments), .program = "pare-infer"});
}

std::vector<float> random_items(int64_t count) {
  pare::Rng rng(1, pare::stream_of("infer test"));
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = rng.normal();
  return values;
}

std::vector<float> expected(const std::string& path, const std::vector<float>& values) {
  pare::runtime::Session session(pare::formats::read(path), {.batch = kItems});
  std::ranges::copy(values, session.input().begin());
  session.run();
  return {session.output().begin(), session.output().end()};
}

}  // namespace

TEST_CASE("pare-infer writes the outputs of a session, as one array or by name") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const std::vector<float> values = random_items(kItems * 784);
  const numpy::Array items = numpy::view_of({kItems, 1, 28, 28}, values);
  numpy::write_npy(items, folder.at("x.npy"));
  const std::vector<float> logits = expected(folder.at("m.pare"), values);

  CHECK(infer(folder, {"m.pare", "--input", "x.npy", "--output", "y.npy"}).code == 0);
  CHECK(numpy::to_f32(numpy::read_npy(folder.at("y.npy")), "y.npy") == logits);

  const pare::ir::Model model = pare::formats::read(folder.at("m.pare"));
  const pare::ir::Graph& graph = model.main();
  const std::string input = graph.value(graph.inputs[0]).name;
  const std::string output = graph.value(graph.outputs[0]).name;
  numpy::write_npz(std::vector<numpy::NamedArray>{{input, items}}, folder.at("x.npz"));
  CHECK(infer(folder, {"m.pare", "--input", "x.npz", "--output", "y.npz"}).code == 0);
  const numpy::NpzReader outputs(folder.at("y.npz"));
  CHECK(outputs.names() == std::vector<std::string>{output});
  CHECK(numpy::to_f32(outputs.load(output), "y.npz") == logits);
}

TEST_CASE("pare-infer refuses inputs that do not fit in one line") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  const std::vector<float> values = random_items(10);
  numpy::write_npy(numpy::view_of({10}, values), folder.at("x.npy"));
  numpy::write_npz(std::vector<numpy::NamedArray>{{"other", numpy::view_of({10}, values)}},
                   folder.at("x.npz"));
  const Finished shape = infer(folder, {"m.pare", "--input", "x.npy"});
  CHECK(shape.code == 1);
  CHECK(shape.err == "pare: error: x.npy: has shape [10], the model takes [batch, 1, 28, 28]\n");
  const Finished name = infer(folder, {"m.pare", "--input", "x.npz"});
  CHECK(name.code == 1);
  CHECK(name.err == "pare: error: x.npz: has no array named input, which the model takes\n");
  CHECK(infer(folder, {"m.pare", "--input", "absent.npy"}).code == 1);
  CHECK(infer(folder, {"m.pare"}).code == 2);
}
