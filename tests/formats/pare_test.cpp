// SPDX-License-Identifier: Apache-2.0
// What a .pare file keeps, what it costs and what it promises. Damaged ones: pare_damage_test.cpp.
#include <cstdlib>

#include <doctest/doctest.h>
#include <unistd.h>

#include "formats/formats.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/ir/ops.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::refusal;
using tests::ScratchFolder;

std::string golden(const std::string& name) { return "tests/formats/golden/" + name; }

int64_t tensor_bytes(const ir::Model& model) {
  int64_t total = 0;
  for (const auto& entry : model.parameters.entries()) total += entry.tensor.stored_bytes();
  return total;
}

}  // namespace

TEST_CASE("reading undoes writing for every kind of model") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.pare");
  for (const ir::Model& model : {tests::small_mlp(), tests::every_storage(), tests::two_graphs(),
                                 tests::int8_resnet8(), ir::Model{}}) {
    write(model, path);
    CHECK(tests::difference(model, read(path)) == "");
  }
}

TEST_CASE("the same model gives the same bytes, also when read back first") {
  const ScratchFolder scratch;
  write(tests::int8_resnet8(), scratch.file("a.pare"));
  ::usleep(1'100'000);  // timestamps in HDF5 count seconds
  write(tests::int8_resnet8(), scratch.file("b.pare"));
  write(read(scratch.file("a.pare")), scratch.file("c.pare"));
  CHECK(tests::slurp(scratch.file("a.pare")) == tests::slurp(scratch.file("b.pare")));
  CHECK(tests::slurp(scratch.file("a.pare")) == tests::slurp(scratch.file("c.pare")));
}

TEST_CASE("a file can be written over itself while it is mapped") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("a.pare");
  write(tests::int8_resnet8(), path);
  const ir::Model model = read(path);
  write(model, path);
  CHECK(tests::difference(model, read(path)) == "");
}

TEST_CASE("the container of an int8 ResNet8 costs at most 8 KB and 2 %") {
  const ScratchFolder scratch;
  const ir::Model model = tests::int8_resnet8();
  // MLPerf Tiny counts batch normalization's running statistics too.
  int64_t elements = 0;
  for (const auto& entry : model.parameters.entries()) elements += entry.tensor.count();
  CHECK(elements == 78'666);
  write(model, scratch.file("a.pare"));
  const auto file_bytes = static_cast<int64_t>(tests::slurp(scratch.file("a.pare")).size());
  const int64_t stored = tensor_bytes(model);
  MESSAGE("tensors ", stored, " bytes, container ", file_bytes - stored, " bytes");
  CHECK(file_bytes - stored <= 8192 + stored / 50);
}

TEST_CASE("large parts are aligned to 64 bytes and mapped, not copied") {
  const ScratchFolder scratch;
  write(tests::int8_resnet8(), scratch.file("a.pare"));
  int64_t large = 0;
  for (const hdf5::Array& array : hdf5::read(scratch.file("a.pare")).arrays) {
    if (!array.name.starts_with("tensors/")) continue;
    ++large;
    CHECK(array.file_offset % 64 == 0);
    CHECK(array.file_offset > 0);
  }
  CHECK(large == 7);  // 3x3 convolutions but the first, and the last 1x1
}

TEST_CASE("a deferred tensor is evaluated once, and not before its turn") {
  const ScratchFolder scratch;
  ir::Model model;
  int made = 0;
  int alive = 0;
  int most_alive = 0;
  for (int i = 0; i < 5; ++i) {
    const auto make = [&, i] {
      ++made;
      most_alive = std::max(most_alive, ++alive);
      --alive;
      return ir::Bytes(4000, static_cast<std::byte>(i));
    };
    model.parameters.set("t" + std::to_string(i),
                         ir::Tensor(ir::DType::kF32, {1000}, ir::Buffer::deferred(4000, make)));
  }
  write(model, scratch.file("a.pare"));
  CHECK(made == 5);
  const ir::Model back = read(scratch.file("a.pare"));
  CHECK(back.parameters.at("t3").view().bytes()[0] == std::byte{3});
}

TEST_CASE("golden files of every format version open for ever") {
  CHECK(tests::difference(read(golden("mlp_v1.pare")), tests::small_mlp()) == "");
  CHECK(tests::difference(read(golden("every_storage_v1.pare")), tests::every_storage()) == "");
  CHECK(tests::difference(read(golden("two_graphs_v1.pare")), tests::two_graphs()) == "");
}

TEST_CASE("h5dump and h5py-style readers open the file") {
  if (std::system("command -v h5dump >/dev/null 2>&1") != 0) {
    MESSAGE("skipped: h5dump is not installed");
    return;
  }
  const ScratchFolder scratch;
  for (const ir::Model& model : {tests::small_mlp(), tests::every_storage()}) {
    write(model, scratch.file("a.pare"));
    const std::string command = "h5dump " + scratch.file("a.pare") + " > /dev/null 2>&1";
    CHECK(std::system(command.c_str()) == 0);
  }
}

// Names of the rows that read, or that write.
std::string known(bool reading) {
  std::string out;
  for (const FormatRow& row : all_formats()) {
    if (reading ? !row.read : !row.write) continue;
    out += (out.empty() ? "" : ", ") + std::string(row.name);
  }
  return out;
}

TEST_CASE("formats are chosen by content, else by extension, and refused by name") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("model.txt");
  write(tests::small_mlp(), path, {.format = "pare"});
  CHECK(tests::difference(read(path), tests::small_mlp()) == "");
  CHECK(format_of(path).name == "pare");
  CHECK(refusal([&] { write(tests::small_mlp(), path); }) ==
        path + ": has no extension of a known format; known: " + known(false));
  CHECK(refusal([&] { read(path, {.format = "gguf"}); }) ==
        "gguf: is not a known format; known: " + known(true));
  tests::spill(path, {'h', 'e', 'l', 'l', 'o'});
  CHECK(refusal([&] { read(path); }) ==
        path + ": is not a model file; known formats: " + known(true));
  tests::spill(scratch.file("x.pare"), {'h', 'e', 'l', 'l', 'o'});
  CHECK(refusal([&] { read(scratch.file("x.pare")); }) ==
        scratch.file("x.pare") + ": is not a .pare file");
  CHECK(refusal([&] { read(scratch.file("none.pare")); }) ==
        scratch.file("none.pare") + ": no such file");
  CHECK_THROWS_AS(writer_for("a.unknown"), UsageError);
}

}  // namespace pare::formats
