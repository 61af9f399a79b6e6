// SPDX-License-Identifier: Apache-2.0
// In-memory data sets and the making of splits from them.
#include "lib/data/array.hpp"

#include <algorithm>
#include <mutex>
#include <numeric>

#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/rng.hpp"
#include "lib/data/statistics.hpp"

namespace pare::data {
namespace {

class ArrayDataset : public Dataset {
 public:
  ArrayDataset(std::shared_ptr<const Array> array, std::shared_ptr<const DatasetInfo> info)
      : array_(std::move(array)), info_(std::move(info)) {
    count_ = static_cast<size_t>(ir::element_count(info_->item, info_->source));
  }
  const DatasetInfo& info() const override { return *info_; }
  int64_t size() const override { return array_->size(); }
  void read(int64_t index, std::span<float> out) const override {
    const size_t at = static_cast<size_t>(index) * count_;
    if (!array_->bytes.empty()) {
      std::copy_n(array_->bytes.begin() + static_cast<std::ptrdiff_t>(at), count_, out.begin());
    } else {
      std::copy_n(array_->floats.begin() + static_cast<std::ptrdiff_t>(at), count_, out.begin());
    }
  }
  std::span<const uint8_t> bytes(int64_t index) const override {
    if (array_->bytes.empty()) return {};
    return {array_->bytes.data() + static_cast<size_t>(index) * count_, count_};
  }
  int64_t label(int64_t index) const override { return array_->labels[static_cast<size_t>(index)]; }
  std::span<const float> targets(int64_t index) const override {
    const size_t width = info_->targets.size();
    return std::span(array_->targets).subspan(static_cast<size_t>(index) * width, width);
  }
  std::string fingerprint() const override {
    std::call_once(once_, [&] { fingerprint_ = hash_of_items(*this); });
    return fingerprint_;
  }

 private:
  std::shared_ptr<const Array> array_;
  std::shared_ptr<const DatasetInfo> info_;
  size_t count_ = 0;
  mutable std::once_flag once_;
  mutable std::string fingerprint_;
};

class SubsetDataset : public Dataset {
 public:
  SubsetDataset(std::shared_ptr<const Dataset> whole, std::vector<int64_t> items)
      : whole_(std::move(whole)), items_(std::move(items)) {}
  const DatasetInfo& info() const override { return whole_->info(); }
  int64_t size() const override { return static_cast<int64_t>(items_.size()); }
  void read(int64_t index, std::span<float> out) const override { whole_->read(at(index), out); }
  std::span<const uint8_t> bytes(int64_t index) const override { return whole_->bytes(at(index)); }
  int64_t label(int64_t index) const override { return whole_->label(at(index)); }
  std::span<const float> targets(int64_t index) const override {
    return whole_->targets(at(index));
  }
  std::string fingerprint() const override {
    std::call_once(once_, [&] { fingerprint_ = hash_of_items(*this); });
    return fingerprint_;
  }

 private:
  int64_t at(int64_t index) const { return items_[static_cast<size_t>(index)]; }
  std::shared_ptr<const Dataset> whole_;
  std::vector<int64_t> items_;
  mutable std::once_flag once_;
  mutable std::string fingerprint_;
};

void check_labels(const Array& part, const std::vector<std::string>& classes) {
  if (part.size() == 0) throw Error(part.source, "holds 0 items");
  for (size_t i = 0; i < part.labels.size(); ++i) {
    const int64_t label = part.labels[i];
    if (label < 0 || label >= static_cast<int64_t>(classes.size())) {
      throw Error(part.source, "item " + std::to_string(i) + " has label " + std::to_string(label) +
                                   ", expected 0 to " + std::to_string(classes.size() - 1));
    }
  }
}

void warn_of_missing_classes(const Array& part, const DatasetInfo& info, Progress& progress) {
  std::vector<int64_t> counts(info.classes.size());
  for (const int64_t label : part.labels) ++counts[static_cast<size_t>(label)];
  std::string names;
  int64_t missing = 0;
  for (size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] > 0) continue;
    if (++missing <= 5) names += (names.empty() ? "" : ", ") + escaped(info.classes[c]);
  }
  if (missing == 0) return;
  progress.warn(escaped(part.source) + ": no item of " + std::to_string(missing) + " of " +
                std::to_string(counts.size()) + " classes: " + names +
                (missing > 5 ? ", ..." : ""));
}

std::vector<int64_t> complement(const std::vector<int64_t>& ascending, int64_t size) {
  std::vector<int64_t> rest;
  rest.reserve(static_cast<size_t>(size) - ascending.size());
  size_t next = 0;
  for (int64_t i = 0; i < size; ++i) {
    if (next < ascending.size() && ascending[next] == i) {
      ++next;
    } else {
      rest.push_back(i);
    }
  }
  return rest;
}

// Cuts validation out of splits.train unless the source brought its own.
void cut_validation(Splits& splits, const OpenOptions& options) {
  if (options.validation_fraction < 0 || options.validation_fraction >= 1) {
    throw UsageError("--validation-fraction", "must be at least 0 and below 1");
  }
  if (!splits.train || splits.validation) return;
  const int64_t size = splits.train->size();
  const auto count =
      static_cast<int64_t>(static_cast<double>(size) * options.validation_fraction + 0.5);
  if (count <= 0 || count >= size) return;
  auto items = stratified_pick(*splits.train, count, options.split_seed, "validation");
  auto rest = complement(items, size);
  splits.validation = subset(splits.train, std::move(items));
  splits.train = subset(splits.train, std::move(rest));
}

}  // namespace

std::vector<std::string> classes_of_integer_labels(const RawData& raw) {
  int64_t largest = -1;
  const Array* worst = nullptr;
  std::vector<bool> seen;
  for (const auto* part : {&raw.train, &raw.validation, &raw.test}) {
    if (!*part) continue;
    const Array& array = **part;
    for (size_t i = 0; i < array.labels.size(); ++i) {
      const int64_t label = array.labels[i];
      if (label < 0 || label >= kMaxClasses) {
        throw Error(array.source, "item " + std::to_string(i) + " has label " +
                                      std::to_string(label) + ", expected 0 to " +
                                      std::to_string(kMaxClasses - 1));
      }
      if (label > largest) largest = label, worst = &array;
      if (static_cast<int64_t>(seen.size()) <= label) seen.resize(static_cast<size_t>(label) + 1);
      seen[static_cast<size_t>(label)] = true;
    }
  }
  const auto present = std::count(seen.begin(), seen.end(), true);
  if (worst != nullptr && present * 2 <= largest) {
    throw Error(worst->source, "labels out of range: they run to " + std::to_string(largest) +
                                   ", but only " + std::to_string(present) + " classes have items");
  }
  std::vector<std::string> classes;
  for (int64_t c = 0; c <= largest; ++c) classes.push_back(std::to_string(c));
  return classes;
}

void place_part(RawData& raw, Array part, const OpenOptions& options, const std::string& guess) {
  const std::string& split = options.split.empty() ? guess : options.split;
  auto* slot = split == "test"                     ? &raw.test
               : split == "validation"             ? &raw.validation
               : split.empty() || split == "train" ? &raw.train
                                                   : nullptr;
  if (slot == nullptr) {
    throw UsageError("--split", "'" + escaped(split) + "' is not train, validation or test");
  }
  if (*slot) {
    throw Error(part.source, "is a second " + (split.empty() ? std::string("train") : split) +
                                 " part, the first is " + escaped((*slot)->source));
  }
  *slot = std::move(part);
}

Splits make_splits(RawData raw, const OpenOptions& options) {
  Splits splits;
  const int64_t count = ir::element_count(raw.info.item, raw.info.source);
  if (count == 0) throw Error(raw.info.source, "items are empty: " + ir::to_string(raw.info.item));
  for (const auto* part : {&raw.train, &raw.validation, &raw.test}) {
    if (!*part) continue;
    const size_t values = std::max((*part)->bytes.size(), (*part)->floats.size());
    require(values == static_cast<size_t>(count * (*part)->size()), "data: items and labels agree");
    if (raw.info.is_regression()) {
      require((*part)->targets.size() == raw.info.targets.size() * (*part)->labels.size(),
              "data: items and targets agree");
    } else {
      check_labels(**part, raw.info.classes);
      warn_of_missing_classes(**part, raw.info, *options.progress);
    }
  }
  if (!raw.train && !raw.validation && !raw.test) throw Error(raw.info.source, "holds 0 items");

  // Every part shares one info, whose preprocessing is filled in once the train split is known.
  auto info = std::make_shared<DatasetInfo>(std::move(raw.info));
  const auto dataset_of = [&](std::optional<Array>& part) -> std::shared_ptr<const Dataset> {
    if (!part) return nullptr;
    return std::make_shared<ArrayDataset>(std::make_shared<Array>(std::move(*part)), info);
  };
  splits.train = dataset_of(raw.train);
  splits.validation = dataset_of(raw.validation);
  splits.test = dataset_of(raw.test);
  cut_validation(splits, options);
  info->preprocessing = measured_preprocessing(*info, splits.train.get());
  if (options.limit > 0) {
    for (auto* part : {&splits.train, &splits.validation, &splits.test}) {
      if (*part) *part = sample(*part, options.limit, options.split_seed);
    }
  }
  return splits;
}

std::vector<int64_t> stratified_pick(const Dataset& dataset, int64_t count, uint64_t seed,
                                     std::string_view stream) {
  const int64_t size = dataset.size();
  require(count > 0 && count <= size, "stratified_pick: 0 < count <= size");
  std::vector<std::vector<int64_t>> by_class(std::max<size_t>(dataset.info().classes.size(), 1));
  for (int64_t i = 0; i < size; ++i) by_class[static_cast<size_t>(dataset.label(i))].push_back(i);
  // Largest remainder: floor of each class's share, then one more by remainder, ties by class.
  std::vector<std::pair<int64_t, size_t>> remainders;
  std::vector<int64_t> quota(by_class.size());
  int64_t given = 0;
  for (size_t c = 0; c < by_class.size(); ++c) {
    const __int128 share = static_cast<__int128>(count) * static_cast<int64_t>(by_class[c].size());
    quota[c] = static_cast<int64_t>(share / size);
    remainders.emplace_back(-static_cast<int64_t>(share % size), c);
    given += quota[c];
  }
  std::sort(remainders.begin(), remainders.end());
  for (size_t i = 0; given < count; ++i, ++given) ++quota[remainders[i].second];

  std::vector<int64_t> picked;
  picked.reserve(static_cast<size_t>(count));
  for (size_t c = 0; c < by_class.size(); ++c) {
    Rng rng(seed, stream_of(stream) + c);
    rng.shuffle(std::span<int64_t>(by_class[c]));
    picked.insert(picked.end(), by_class[c].begin(), by_class[c].begin() + quota[c]);
  }
  std::sort(picked.begin(), picked.end());
  return picked;
}

std::shared_ptr<const Dataset> subset(std::shared_ptr<const Dataset> dataset,
                                      std::vector<int64_t> items) {
  for (const int64_t item : items) {
    require(item >= 0 && item < dataset->size(), "subset: item inside the data set");
  }
  return std::make_shared<SubsetDataset>(std::move(dataset), std::move(items));
}

std::shared_ptr<const Dataset> sample(std::shared_ptr<const Dataset> dataset, int64_t count,
                                      uint64_t seed) {
  if (count <= 0) throw UsageError("samples", "must be at least 1, is " + std::to_string(count));
  if (count >= dataset->size()) return dataset;
  auto items = stratified_pick(*dataset, count, seed, "sample");
  return subset(std::move(dataset), std::move(items));
}

}  // namespace pare::data
