// SPDX-License-Identifier: Apache-2.0
// Which reader a path belongs to: the name for "synthetic:", how a file begins, what lies in a
// folder.
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

// In this order: signatures and fixed names first. A folder of class folders may hold a table too
// (a list of its images): folders win.
constexpr ReaderRow kReaders[] = {
    {is_npz_file, read_npz},   {is_npy_path, read_npy}, {is_hdf5_file, read_hdf5},
    {is_idx_folder, read_idx}, {is_idx_file, read_idx}, {is_image_folder, read_image_folder},
    {is_csv_path, read_csv},
};

RawData read_raw(const std::string& path, const OpenOptions& options) {
  if (path.rfind("synthetic:", 0) == 0) return generate_glyphs(path, options);
  std::error_code failure;
  if (!fs::exists(path, failure)) throw Error(path, "no such file or folder");
  for (const ReaderRow& row : kReaders) {
    if (row.accepts(path)) return row.read(path, options);
  }
  throw Error(path, fs::is_directory(path)
                        ? "is a folder without a data set: expected IDX files with MNIST's names, "
                          "class folders with images, CSV tables or NPY arrays"
                        : "is not a data set: expected IDX, CSV, NPZ, NPY or HDF5");
}

// The file given as the test part of a data set that has none.
void add_test_part(RawData& raw, const OpenOptions& options) {
  OpenOptions as_test = options;
  as_test.split = "test";
  as_test.columns = raw.info.columns;
  RawData other = read_raw(options.test_path, as_test);
  if (!other.test) throw Error(options.test_path, "has no test part");
  if (other.info.item != raw.info.item) {
    throw Error(options.test_path, "items are " + ir::to_string(other.info.item) + ", in train " +
                                       ir::to_string(raw.info.item));
  }
  if (raw.info.targets.size() != other.info.targets.size()) {
    throw Error(options.test_path, "has " + std::to_string(other.info.targets.size()) +
                                       " numbers to predict an item, train " +
                                       std::to_string(raw.info.targets.size()));
  }
  if (raw.info.classes.size() < other.info.classes.size()) {
    throw Error(options.test_path,
                "has labels up to " + std::to_string(other.info.classes.size() - 1) +
                    ", train up to " + std::to_string(raw.info.classes.size() - 1));
  }
  raw.test = std::move(other.test);
}

}  // namespace

Splits open(const std::string& path, const OpenOptions& options) {
  RawData raw = read_raw(path, options);
  if (!options.test_path.empty()) add_test_part(raw, options);
  return make_splits(std::move(raw), options);
}

}  // namespace pare::data
