// SPDX-License-Identifier: Apache-2.0
// ONNX's own backend tests (the folders that onnx.backend.test generates), read by our reader and
// run by our runtime. A case is claimed when every operator of its graph has a row in
// lib/ir/ops.cpp or is lowered by the reader, every element type is one of the IR's, and no rule
// below excludes it; a claimed case that fails is a failure. Inputs whose values decide shapes
// (constant_inputs of the ops table) are bound to the test's values before planning, as `pare
// convert --bind` does.
//
// usage: onnx_backend FOLDER [NAME]        FOLDER holds node/, simple/, pytorch-converted/, ...
//   Prints the failures, then `passed / claimed / all`; exit code 1 when a claimed case fails. With
//   NAME, runs the cases whose name contains it and says why the others are not claimed.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "formats/formats.hpp"
#include "formats/onnx/onnx.pb.h"
#include "formats/onnx/tensors.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/session.hpp"
#include "tests/tier2/onnx_backend_claims.hpp"

namespace pare::tests {

namespace {

namespace fs = std::filesystem;

// As onnx.backend.test compares.
constexpr double kRelative = 1e-3, kAbsolute = 1e-7;

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

onnx::TensorProto tensor_file(const fs::path& path) {
  onnx::TensorProto proto;
  if (!proto.ParseFromString(slurp(path))) throw Error(path.string(), "is no tensor");
  return proto;
}

struct DataSet {
  std::vector<onnx::TensorProto> inputs, outputs;
};

DataSet data_set(const fs::path& folder) {
  DataSet out;
  for (int i = 0; fs::exists(folder / ("input_" + std::to_string(i) + ".pb")); ++i) {
    out.inputs.push_back(tensor_file(folder / ("input_" + std::to_string(i) + ".pb")));
  }
  for (int i = 0; fs::exists(folder / ("output_" + std::to_string(i) + ".pb")); ++i) {
    out.outputs.push_back(tensor_file(folder / ("output_" + std::to_string(i) + ".pb")));
  }
  return out;
}

std::vector<double> numbers(const ir::Tensor& tensor) {
  if (ir::info(tensor.dtype()).is_float) {
    const std::vector<float> floats = ir::to_f32(tensor);
    return {floats.begin(), floats.end()};
  }
  const std::vector<int64_t> integers = ir::to_i64(tensor);
  return {integers.begin(), integers.end()};
}

std::string compare(const runtime::Session& session, int at, const ir::Tensor& expected) {
  const ir::DType dtype = session.output_dtype(at);
  if (dtype != expected.dtype()) {
    return "type " + std::string(ir::name_of(dtype)) + ", expected " +
           std::string(ir::name_of(expected.dtype()));
  }
  if (session.output_dims(at) != expected.dims()) {
    return "shape " + ir::to_string(session.output_dims(at)) + ", expected " +
           ir::to_string(expected.dims());
  }
  const ir::BufferView wanted = expected.view();
  const std::span<const std::byte> got = session.output_bytes(at);
  if (dtype != ir::DType::kF32) {
    return std::equal(got.begin(), got.end(), wanted.bytes().begin()) ? "" : "other integers";
  }
  const std::vector<float> reference = ir::to_f32(expected);
  for (size_t i = 0; i < reference.size(); ++i) {
    float value = 0;
    std::memcpy(&value, got.data() + i * sizeof(float), sizeof(float));
    const bool same = value == reference[i] || (std::isnan(value) && std::isnan(reference[i]));
    const double error = std::abs(double{value} - double{reference[i]});
    if (!same && !(error <= kAbsolute + kRelative * std::abs(double{reference[i]}))) {
      return "element " + std::to_string(i) + " is " + std::to_string(value) + ", expected " +
             std::to_string(reference[i]);
    }
  }
  return "";
}

// "" or what is wrong.
std::string run(const fs::path& model_file, const Case& test, const fs::path& data) {
  DataSet set = data_set(data);
  formats::ExternalData external(model_file.string());
  std::vector<ir::Tensor> inputs;
  for (auto& tensor : set.inputs) inputs.push_back(formats::decode_tensor(tensor, external));
  formats::ReadOptions options;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string& name = test.inputs.at(i);
    if (test.bound.contains(name)) options.bind[name] = numbers(inputs[i]);
  }
  ir::Model model = formats::read(model_file.string(), options);
  for (size_t i = 0; i < inputs.size(); ++i) {
    const ir::ValueId id = model.main().find(test.inputs[i]);
    if (id.valid()) model.main().value(id).shape = ir::shape_of(inputs[i].dims());
  }
  runtime::Session session(model, {});
  const ir::Graph& graph = model.main();
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const std::string& name = graph.value(graph.inputs[i]).name;
    const auto at = std::ranges::find(test.inputs, name) - test.inputs.begin();
    const ir::BufferView bytes = inputs.at(static_cast<size_t>(at)).view();
    const std::span<std::byte> target = session.input_bytes(static_cast<int>(i));
    if (target.size() != bytes.bytes().size()) return "input " + name + " has another size";
    std::copy(bytes.bytes().begin(), bytes.bytes().end(), target.begin());
  }
  session.run();
  for (size_t i = 0; i < set.outputs.size(); ++i) {
    const ir::Tensor expected = formats::decode_tensor(set.outputs[i], external);
    const std::string found = compare(session, static_cast<int>(i), expected);
    if (!found.empty()) return "output " + std::to_string(i) + ": " + found;
  }
  return "";
}

std::string outcome(const fs::path& folder, const Case& test) {
  try {
    for (const auto& entry : fs::directory_iterator(folder)) {
      if (!entry.is_directory()) continue;
      const std::string found = run(folder / "model.onnx", test, entry.path());
      if (!found.empty()) return found;
    }
    return "";
  } catch (const std::exception& error) {
    return error.what();
  }
}

struct Counts {
  int passed = 0, claimed = 0, all = 0;
};

void add(const fs::path& folder, const std::string& filter, Counts& counts) {
  const std::string name = folder.filename().string();
  if (name.find(filter) == std::string::npos) return;
  ++counts.all;
  const Case test = examine(name, slurp(folder / "model.onnx"), data_types(folder));
  if (!test.refusal.empty()) {
    if (!filter.empty()) std::printf("not claimed: %s: %s\n", name.c_str(), test.refusal.c_str());
    return;
  }
  ++counts.claimed;
  const std::string found = outcome(folder, test);
  if (found.empty()) ++counts.passed;
  if (!found.empty()) std::printf("FAILED: %s: %s\n", name.c_str(), found.c_str());
}

}  // namespace

int run_all(const std::string& root, const std::string& filter) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    if (entry.path().filename() == "model.onnx") folders.push_back(entry.path().parent_path());
  }
  std::ranges::sort(folders);
  Counts counts;
  for (const fs::path& folder : folders) add(folder, filter, counts);
  std::printf("ONNX backend tests: %d passed / %d claimed / %d all\n", counts.passed,
              counts.claimed, counts.all);
  return counts.passed == counts.claimed && counts.claimed > 0 ? 0 : 1;
}

}  // namespace pare::tests

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fprintf(stderr, "usage: onnx_backend FOLDER [NAME]\n");
    return 2;
  }
  try {
    return pare::tests::run_all(argv[1], argc == 3 ? argv[2] : "");
  } catch (const std::exception& error) {
    std::fprintf(stderr, "onnx_backend: %s\n", error.what());
    return 2;
  }
}
