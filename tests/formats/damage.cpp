// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/damage.hpp"

#include <filesystem>

#include "formats/formats.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::tests {

namespace {

std::string copy_name(const std::string& path) {
  return "copy" + std::filesystem::path(path).extension().string();
}

}  // namespace

size_t cuts_read(const std::string& path) {
  const ScratchFolder scratch;
  const std::string copy = scratch.file(copy_name(path));
  const std::vector<char> whole = slurp(path);
  size_t read = 0;
  for (size_t size = 0; size < whole.size(); ++size) {
    spill(copy, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    if (read_wholly(copy).empty()) ++read;
  }
  return read;
}

size_t flips_that_differ(const std::string& path) {
  const ScratchFolder scratch;
  const std::string copy = scratch.file(copy_name(path));
  const std::vector<char> whole = slurp(path);
  const ir::Model original = formats::read(path);
  size_t differing = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int mask : {0xFF, 1 << at % 8}) {
      std::vector<char> bytes = whole;
      bytes[at] = static_cast<char>(bytes[at] ^ mask);
      spill(copy, bytes);
      ir::Model model;
      if (read_wholly(copy, &model).empty() && !difference(model, original).empty()) ++differing;
    }
  }
  return differing;
}

}  // namespace pare::tests
