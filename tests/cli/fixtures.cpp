// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/fixtures.hpp"

#include <filesystem>

#include "formats/formats.hpp"
#include "lib/ir/architectures.hpp"
#include "tests/cli/child_process.hpp"

namespace pare::test {

namespace {

std::string big_endian(uint32_t value) {
  std::string out;
  for (const int shift : {24, 16, 8, 0}) out += static_cast<char>((value >> shift) & 0xFF);
  return out;
}

void write_idx_pair(const std::string& prefix, int count, const std::function<int(int)>& label) {
  constexpr uint32_t kImages = 0x00000803, kLabels = 0x00000801;
  const auto n = static_cast<uint32_t>(count);
  std::string images = big_endian(kImages) + big_endian(n) + big_endian(28) + big_endian(28);
  std::string labels = big_endian(kLabels) + big_endian(n);
  uint32_t state = 1;
  for (int i = 0; i < count; ++i) {
    for (int p = 0; p < 28 * 28; ++p) {
      state = state * 1664525U + 1013904223U;
      images += static_cast<char>(state >> 24);
    }
    labels += static_cast<char>(label ? label(i) : i % 10);
  }
  write_file(prefix + "-images-idx3-ubyte", images);
  write_file(prefix + "-labels-idx1-ubyte", labels);
}

}  // namespace

ir::Model small_model(const std::string& architecture) {
  ir::Model model = ir::build_architecture(architecture, {1, 28, 28}, 10);
  ir::initialise(model, 7);
  for (int i = 0; i < 10; ++i) model.metadata.labels.push_back(std::to_string(i));
  model.metadata.preprocessing = {.stated = true,
                                  .input_scale = 1.0F / 255.0F,
                                  .mean = {0.2F},
                                  .std = {0.3F},
                                  .layout = "NCHW",
                                  .size = {1, 28, 28}};
  return model;
}

void write_model(const std::string& path, const std::function<void(ir::Model&)>& change) {
  ir::Model model = small_model();
  if (change) change(model);
  formats::write(model, path);
}

void set_values(ir::Model& model, const std::string& parameter,
                const std::function<float(int64_t)>& value) {
  const ir::Tensor& old = model.parameters.at(parameter);
  std::vector<float> values(static_cast<size_t>(old.count()));
  for (size_t i = 0; i < values.size(); ++i) values[i] = value(static_cast<int64_t>(i));
  model.parameters.set(parameter, ir::Tensor::f32(old.dims(), values));
}

std::string first_weight(const ir::Model& model) {
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (tensor.dims().size() >= 2) return name;
  }
  return "";
}

void write_idx(const std::string& folder, int train, int test,
               const std::function<int(int)>& label) {
  std::filesystem::create_directories(folder);
  write_idx_pair(folder + "/train", train, label);
  write_idx_pair(folder + "/t10k", test, {});
}

}  // namespace pare::test
