// SPDX-License-Identifier: Apache-2.0
// Labelled items. A Dataset yields raw values (pixels 0..255, CSV columns after one-hot); what a
// model wants is made of them by batch.hpp with the model's own Preprocessing. Reading is const and
// thread-safe; memory does not grow with what is read.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/core/progress.hpp"
#include "lib/ir/model.hpp"

namespace pare::data {

struct DatasetInfo {
  std::string source;  // path or "synthetic:glyphs"
  std::string kind;    // "idx", "images", "csv", "npz", "hdf5", "synthetic"
  ir::Dims item;       // raw item: {C, H, W} for images, {features} for tables
  std::vector<std::string> classes;
  // Names of the numbers to predict of each item, when these are no classes: then `classes` is
  // empty and every label 0.
  std::vector<std::string> targets;
  bool is_regression() const { return !targets.empty(); }
  bool is_image() const { return item.size() == 3; }
  // What a model trained on this should state: images /255 with per-channel mean and std measured
  // on the train split; tables standardised per column.
  ir::Preprocessing preprocessing;
  Json columns;  // CSV: column names, vocabularies, label column; stored in the model
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual const DatasetInfo& info() const = 0;
  virtual int64_t size() const = 0;
  // Raw values of item `index`, product(info().item) of them.
  virtual void read(int64_t index, std::span<float> out) const = 0;
  // The same values where they are stored as bytes (pixels), else empty: the fast path of
  // load_batch.
  virtual std::span<const uint8_t> bytes(int64_t index) const {
    (void)index;
    return {};
  }
  virtual int64_t label(int64_t index) const = 0;
  // The numbers to predict, info().targets.size() of them; empty for classes.
  virtual std::span<const float> targets(int64_t index) const {
    (void)index;
    return {};
  }
  // SHA-256 over raw values and labels or targets in order, hex: the identity recorded in history.
  virtual std::string fingerprint() const = 0;
};

struct Splits {
  std::shared_ptr<const Dataset> train;       // without the validation part
  std::shared_ptr<const Dataset> validation;  // cut from train, deterministic, stratified
  std::shared_ptr<const Dataset> test;
};

struct OpenOptions {
  std::string split;                  // which part a path without a convention is ("train", "test")
  double validation_fraction = 0.08;  // of train
  uint64_t split_seed = 0;            // fixed by default: validation never moves between runs
  std::string label_column;           // CSV; default: the last
  // What labels are: "classification", "regression", or "": arrays of fractions are numbers to
  // predict, everything else classes.
  std::string task;
  std::string test_path;  // CSV and arrays: the test file, when not found by convention
  Json columns;           // CSV: vocabularies of a model, so that test is coded as train was
  int threads = 1;
  int64_t limit = 0;  // > 0: N of each split, classes in proportion
  Progress* progress = &no_progress();
};

// Opens a folder, a file or "synthetic:glyphs[?train=N&test=N&seed=S]". Parts that do not exist are
// null. Throws Error(path, ...) on anything malformed, empty, or with labels out of range.
Splits open(const std::string& path, const OpenOptions& options);

// The same data, items picked by index; used for validation, calibration subsets and limits.
std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset,
                                      std::vector<int64_t> items);
// `count` items, classes in proportion, deterministic by seed.
std::shared_ptr<const Dataset> sample(std::shared_ptr<const Dataset> dataset, int64_t count,
                                      uint64_t seed);

}  // namespace pare::data
