// SPDX-License-Identifier: Apache-2.0
// Replays every reader's corpus: files that once broke a reader or libhdf5, and files made to.
#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "tests/formats/replay.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;

// Of the files of a corpus, those that are read.
std::vector<std::string> read_of(std::string_view format) {
  std::vector<std::string> out;
  const std::string folder = "tests/formats/" + std::string(format) + "/corpus";
  REQUIRE(fs::exists(folder));
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string path = entry.path().string();
    if (tests::read_wholly(path, nullptr, std::string(format)).empty()) {
      out.push_back(entry.path().filename().string());
    }
  }
  std::ranges::sort(out);
  return out;
}

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("every reader has a corpus, whose files are read or refused in one line") {
  for (const FormatRow& row : all_formats()) {
    CAPTURE(std::string(row.name));
    if (row.read) (void)read_of(row.name);
  }
}

TEST_CASE("of hostile weights none is read but those that hold what they say") {
  CHECK(read_of("npz") ==
        Names{"deflated_zeros.npz", "shape_of_nothing.npz", "valid.npz", "valid_fortran.npz"});
  CHECK(read_of("safetensors") ==
        Names{"packed_groups.safetensors", "shape_of_nothing.safetensors", "valid.safetensors"});
  CHECK(read_of("pytorch") == Names{"many_elements_zip.pt", "valid_legacy.pt", "valid_zip.pt"});
  CHECK(read_of("pare") == Names{});
}

}  // namespace pare::formats
