// SPDX-License-Identifier: Apache-2.0
// Outputs of two files: a message and its external data, a source and its header. rename() below
// stands for the one of the C library, so that a test sees the folder as it is whenever the writer
// could be stopped between two renames, and can make one of them fail.
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <functional>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "formats/formats.hpp"
#include "formats/onnx/onnx_format.hpp"
#include "lib/core/error.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace {

// Called before a file takes its name; false makes that fail.
std::function<bool()> g_before_rename;

}  // namespace

// NOLINTNEXTLINE: takes the place of libc's
extern "C" int rename(const char* from, const char* to) noexcept {
  if (g_before_rename && !g_before_rename()) {
    errno = EIO;
    return -1;
  }
  return static_cast<int>(::syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0));
}

namespace pare::formats {

namespace {

namespace fs = std::filesystem;
using tests::refusal;
using tests::ScratchFolder;

// Every tensor of at least 1024 bytes goes beside the message.
constexpr int64_t kNothingInside = 0;

std::string slurp(const std::string& path) {
  const std::vector<char> bytes = tests::slurp(path);
  return {bytes.begin(), bytes.end()};
}

struct Hook {
  explicit Hook(std::function<bool()> before) { g_before_rename = std::move(before); }
  ~Hook() { g_before_rename = nullptr; }
};

ir::Model filled(float value) {
  ir::Model model = tests::int8_resnet8();
  const ir::Tensor old = model.parameters.at("conv1.weight");
  model.parameters.set(
      "conv1.weight",
      ir::Tensor::f32(old.dims(), std::vector<float>(static_cast<size_t>(old.count()), value)));
  return model;
}

// The number that fills conv1.weight.
float filling(const std::string& path) {
  return ir::to_f32(read(path).parameters.at("conv1.weight")).front();
}

void write_beside(float value, const std::string& path) {
  write_onnx(filled(value), path, {}, kNothingInside);
}

std::string data_file(const ScratchFolder& folder) {
  std::string found;
  for (const auto& entry : fs::directory_iterator(folder.file(""))) {
    if (entry.path().extension() == ".data") found = entry.path().string();
  }
  return found;
}

}  // namespace

TEST_CASE("a message and its data are the old or the new ones whenever the writer is stopped") {
  const ScratchFolder folder;
  const std::string path = folder.file("m.onnx");
  write_beside(1, path);
  CHECK(folder.entries() == 2);
  int renames = 0;
  {
    const Hook hook([&] {
      ++renames;
      CHECK(filling(path) == 1);
      return true;
    });
    write_beside(2, path);
  }
  CHECK(renames == 2);
  CHECK(filling(path) == 2);
  CHECK(folder.entries() == 2);
}

TEST_CASE("a message whose rename fails leaves the old pair, and the next write cleans up") {
  const ScratchFolder folder;
  const std::string path = folder.file("m.onnx");
  write_beside(1, path);
  int renames = 0;
  {
    const Hook hook([&] { return ++renames < 2; });
    CHECK(refusal([&] { write_beside(2, path); }).starts_with(path + ": cannot be written"));
  }
  CHECK(filling(path) == 1);
  write_beside(3, path);
  CHECK(filling(path) == 3);
  CHECK(folder.entries() == 2);
  write_onnx(filled(4), path, {});  // small enough for the message
  CHECK(filling(path) == 4);
  CHECK(folder.entries() == 1);
}

TEST_CASE("data files of other models stay") {
  const ScratchFolder folder;
  write_beside(1, folder.file("m.onnx"));
  write_beside(1, folder.file("m.onnx.onnx"));
  std::ofstream(folder.file("m.onnx.0123456789abcdeX.data")) << "mine";
  write_beside(2, folder.file("m.onnx"));
  CHECK(filling(folder.file("m.onnx.onnx")) == 1);
  CHECK(folder.entries() == 5);
}

TEST_CASE("the same model gives the same data file") {
  const ScratchFolder a, b;
  write_beside(1, a.file("m.onnx"));
  write_beside(1, b.file("m.onnx"));
  CHECK(slurp(a.file("m.onnx")) == slurp(b.file("m.onnx")));
  CHECK(fs::path(data_file(a)).filename() == fs::path(data_file(b)).filename());
  CHECK(slurp(data_file(a)) == slurp(data_file(b)));
}

TEST_CASE("a data file that is missing, short, elsewhere or a link out is refused in one line") {
  const ScratchFolder folder, outside;
  const std::string path = folder.file("m.onnx");
  write_beside(1, path);
  const std::string data = data_file(folder), name = fs::path(data).filename().string();
  const std::string bytes = slurp(data), message = slurp(path);
  const auto refused = [&](const std::string& fact) {
    const std::string line = refusal([&] { read(path); });
    CAPTURE(line);
    CHECK(line.find(fact) != std::string::npos);
    CHECK(line.find('\n') == std::string::npos);
  };
  fs::remove(data);
  refused("no such file");
  std::ofstream(data, std::ios::binary) << bytes.substr(0, bytes.size() - 1);
  refused("ends past its external data");
  std::ofstream(outside.file("data"), std::ios::binary) << bytes;
  fs::remove(data);
  fs::create_symlink(outside.file("data"), data);
  refused("lies outside the model's folder");
  fs::remove(data);
  fs::create_directory(data);
  refused("is a folder");
  // Names of the same length that lead out of the folder.
  for (const std::string& start : {std::string("../"), std::string("/"), std::string("a/../../")}) {
    std::string damaged = message;
    const std::string other = start + name.substr(start.size());
    for (size_t at = 0; (at = damaged.find(name, at)) != std::string::npos;) {
      damaged.replace(at, name.size(), other);
    }
    std::ofstream(path, std::ios::binary) << damaged;
    refused("lies outside the model's folder");
  }
}

TEST_CASE("source and header are on disk before either takes its name") {
  const ScratchFolder folder;
  const std::string source = folder.file("m.c"), header = folder.file("m.h");
  write(tests::int8_resnet8(), source);
  const std::string old_source = slurp(source), old_header = slurp(header);
  ir::Model other = tests::int8_resnet8();
  other.metadata.labels = {"other"};
  int renames = 0;
  const Hook hook([&] {
    ++renames;
    CHECK(slurp(source) == old_source);
    CHECK((slurp(header) == old_header) == (renames == 1));
    return true;
  });
  write(other, source);
  CHECK(renames == 2);
}

}  // namespace pare::formats
