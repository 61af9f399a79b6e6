// SPDX-License-Identifier: Apache-2.0
// CSV data sets: which files are train and test, and one coding for all of them.
// Convention: X.data with X.test (UCI), or names that differ in "train" and "test"; a folder holds
// such a pair or a single file. A file without a partner is train.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "lib/core/error.hpp"
#include "lib/data/csv_coding.hpp"
#include "lib/data/csv_table.hpp"
#include "lib/data/readers.hpp"

namespace pare::data {
namespace {

namespace fs = std::filesystem;

constexpr const char* kExtensions[] = {".csv", ".tsv", ".data", ".test"};

bool has_csv_extension(const fs::path& path) {
  return std::any_of(std::begin(kExtensions), std::end(kExtensions),
                     [&](const char* extension) { return path.extension() == extension; });
}

std::vector<fs::path> csv_files_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (entry.is_regular_file() && has_csv_extension(entry.path())) out.push_back(entry.path());
  }
  std::sort(out.begin(), out.end());
  return out;
}

bool is_test_name(const fs::path& path) {
  return path.extension() == ".test" || path.stem().string().find("test") != std::string::npos;
}

struct Files {
  std::string train, test;
};

// The test file that belongs to a train file, "" when there is none.
std::string partner_of(const fs::path& train) {
  fs::path partner = train;
  const std::string stem = train.stem().string();
  const size_t at = stem.find("train");
  if (train.extension() == ".data") {
    partner.replace_extension(".test");
  } else if (at != std::string::npos) {
    partner.replace_filename(stem.substr(0, at) + "test" + stem.substr(at + 5) +
                             train.extension().string());
  }
  std::error_code ignored;
  return partner != train && fs::is_regular_file(partner, ignored) ? partner.string() : "";
}

Files files_in(const std::string& path) {
  if (!fs::is_directory(path)) {
    return is_test_name(path) ? Files{"", path} : Files{path, partner_of(path)};
  }
  std::vector<std::string> trains, tests;
  for (const fs::path& file : csv_files_of(path)) {
    (is_test_name(file) ? tests : trains).push_back(file.string());
  }
  if (trains.size() != 1 || tests.size() > 1) {
    throw Error(path, "holds " + std::to_string(trains.size()) + " train and " +
                          std::to_string(tests.size()) +
                          " test tables, expected one of each; name the file instead");
  }
  return {trains[0], tests.empty() ? "" : tests[0]};
}

}  // namespace

bool is_csv_path(const std::string& path) {
  if (fs::is_directory(path)) return !csv_files_of(path).empty();
  return has_csv_extension(path);
}

RawData read_csv(const std::string& path, const OpenOptions& options) {
  const Files files = files_in(path);
  std::optional<CsvCoding> coding;
  if (!options.columns.is_null()) coding = CsvCoding::from_json(options.columns, "model");
  RawData raw;
  raw.info.source = path;
  raw.info.kind = "csv";
  const auto read_part = [&](const std::string& file, const std::string& split) {
    const CsvTable table =
        read_csv_table(file, coding ? coding->known_header() : std::vector<std::string>{});
    if (!coding)
      coding = CsvCoding::learn(table, options.label_column, options.task == "regression");
    OpenOptions placed = options;
    placed.split = split;
    place_part(raw, coding->encode(table, *options.progress), placed);
  };
  if (!files.train.empty() && !files.test.empty()) {
    read_part(files.train, "train");
    read_part(files.test, "test");
  } else {
    // A file alone is what --split says; a test file alone needs no train file.
    const std::string guess = files.train.empty() ? "test" : "train";
    read_part(files.train.empty() ? files.test : files.train,
              options.split.empty() ? guess : options.split);
  }
  raw.info.item = {coding->features()};
  raw.info.classes = coding->classes();
  if (coding->predicts_numbers()) raw.info.targets = {coding->label_name()};
  raw.info.columns = coding->to_json();
  return raw;
}

}  // namespace pare::data
