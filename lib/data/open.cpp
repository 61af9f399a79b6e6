// SPDX-License-Identifier: Apache-2.0
// Which reader a path belongs to: the name for "synthetic:", what lies in a folder, how a file
// begins.
#include <filesystem>
#include <string_view>

#include "lib/core/error.hpp"
#include "lib/data/array.hpp"
#include "lib/data/readers.hpp"

namespace pare::data {
namespace {

namespace fs = std::filesystem;

struct ReaderRow {
  bool (*accepts)(const std::string& path);
  RawData (*read)(const std::string& path, const OpenOptions& options);
};

bool is_idx_file(const std::string& path) {
  return fs::is_regular_file(path) && path.find("-ubyte") != std::string::npos;
}

constexpr ReaderRow kReaders[] = {
    {is_idx_folder, read_idx},
    {is_idx_file, read_idx},
};

}  // namespace

Splits open(const std::string& path, const OpenOptions& options) {
  if (path.rfind("synthetic:", 0) == 0) return make_splits(generate_glyphs(path, options), options);
  std::error_code failure;
  if (!fs::exists(path, failure)) throw Error(path, "no such file or folder");
  for (const ReaderRow& row : kReaders) {
    if (row.accepts(path)) return make_splits(row.read(path, options), options);
  }
  throw Error(path, "is not a data set pare can read");
}

}  // namespace pare::data
