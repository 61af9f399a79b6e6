// SPDX-License-Identifier: Apache-2.0
#include "lib/data/describe.hpp"

#include <algorithm>
#include <cstring>
#include <unordered_map>

#include "lib/core/rng.hpp"
#include "lib/data/statistics.hpp"

namespace pare::data {
namespace {

constexpr size_t kListedConstants = 20;

// Values of one item in the form in which they are compared; valid until the next call, and no
// longer than the reader.
class ItemReader {
 public:
  explicit ItemReader(const Dataset& dataset)
      : dataset_(dataset), floats_(static_cast<size_t>(ir::element_count(dataset.info().item))) {}
  std::span<const std::byte> operator()(int64_t index) {
    if (const auto pixels = dataset_.bytes(index); !pixels.empty()) return std::as_bytes(pixels);
    dataset_.read(index, floats_);
    return std::as_bytes(std::span<const float>(floats_));
  }

 private:
  const Dataset& dataset_;
  std::vector<float> floats_;
};

uint64_t hash_of(std::span<const std::byte> bytes) {
  uint64_t hash = bytes.size();
  while (!bytes.empty()) {
    uint64_t word = 0;
    const size_t n = std::min(bytes.size(), sizeof(word));
    std::memcpy(&word, bytes.data(), n);
    hash = mix64(hash + 0x9E3779B97F4A7C15ULL + word);
    bytes = bytes.subspan(n);
  }
  return hash;
}

// Items seen so far, each once; equality is of the values, the hash only finds candidates.
class SeenItems {
 public:
  struct Match {
    bool found = false;
    int64_t label = 0;
  };
  Match find(std::span<const std::byte> bytes) const {
    const auto [first, last] = items_.equal_range(hash_of(bytes));
    for (auto it = first; it != last; ++it) {
      ItemReader reader(*it->second.dataset);
      const auto other = reader(it->second.index);
      const bool same = other.size() == bytes.size() &&
                        std::memcmp(other.data(), bytes.data(), bytes.size()) == 0;
      if (same) return {true, it->second.dataset->label(it->second.index)};
    }
    return {};
  }
  void add(std::span<const std::byte> bytes, const Dataset& dataset, int64_t index) {
    items_.emplace(hash_of(bytes), Place{&dataset, index});
  }

 private:
  struct Place {
    const Dataset* dataset;
    int64_t index;
  };
  std::unordered_multimap<uint64_t, Place> items_;
};

Json describe_split(const Dataset& dataset, SeenItems& seen) {
  std::vector<int64_t> per_class(dataset.info().classes.size());
  const bool classes = !dataset.info().is_regression();
  int64_t duplicates = 0;
  int64_t conflicts = 0;
  ItemReader item(dataset);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    if (classes) ++per_class[static_cast<size_t>(dataset.label(i))];
    const auto bytes = item(i);
    const auto match = seen.find(bytes);
    if (!match.found) {
      seen.add(bytes, dataset, i);
      continue;
    }
    ++duplicates;
    conflicts += match.label != dataset.label(i) ? 1 : 0;
  }
  return {{"items", dataset.size()},
          {"per_class", per_class},
          {"fingerprint", dataset.fingerprint()},
          {"duplicates", duplicates},
          {"label_conflicts", conflicts}};
}

int64_t count_of_known(const Dataset& dataset, const std::vector<const SeenItems*>& known) {
  int64_t out = 0;
  ItemReader item(dataset);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const auto bytes = item(i);
    out += std::any_of(known.begin(), known.end(),
                       [&](const SeenItems* seen) { return seen->find(bytes).found; });
  }
  return out;
}

// One name a feature: "age", "colour=grey"; "column 7" where nothing is known.
std::vector<std::string> feature_names(const DatasetInfo& info) {
  std::vector<std::string> out;
  if (info.columns.is_object()) {
    for (const Json& column : info.columns.at("columns")) {
      const auto name = column.at("name").get<std::string>();
      if (column.at("kind") == "numeric") {
        out.push_back(name);
        continue;
      }
      for (const Json& value : column.at("values")) {
        out.push_back(name + "=" + value.get<std::string>());
      }
    }
    return out;
  }
  const int64_t count = ir::element_count(info.item);
  for (int64_t i = 0; i < count; ++i) out.push_back("column " + std::to_string(i + 1));
  return out;
}

std::vector<std::string> channel_names(const DatasetInfo& info) {
  if (info.item[0] == 1) return {"grey"};
  if (info.item[0] == 3) return {"red", "green", "blue"};
  std::vector<std::string> out;
  for (int64_t c = 0; c < info.item[0]; ++c) out.push_back("channel " + std::to_string(c));
  return out;
}

// Positions whose value is the same in every item.
std::vector<int64_t> constant_positions(const Dataset& dataset) {
  std::vector<float> first(static_cast<size_t>(ir::element_count(dataset.info().item)));
  dataset.read(0, first);
  std::vector<float> item(first.size());
  std::vector<uint8_t> varies(first.size());
  for (int64_t i = 1; i < dataset.size(); ++i) {
    dataset.read(i, item);
    for (size_t k = 0; k < item.size(); ++k) varies[k] |= static_cast<uint8_t>(item[k] != first[k]);
  }
  std::vector<int64_t> out;
  for (size_t k = 0; k < varies.size(); ++k) {
    if (varies[k] == 0) out.push_back(static_cast<int64_t>(k));
  }
  return out;
}

Json statistics_of(const Dataset& dataset, const std::string& split) {
  const DatasetInfo& info = dataset.info();
  const auto names = info.is_image() ? channel_names(info) : feature_names(info);
  const Moments moments = moments_of(dataset);
  Json rows = Json::array();
  for (size_t r = 0; r < moments.mean.size(); ++r) {
    rows.push_back({{"name", names[r]},
                    {"min", moments.low[r]},
                    {"max", moments.high[r]},
                    {"mean", moments.mean[r]},
                    {"std", moments.std[r]}});
  }
  const auto constant = constant_positions(dataset);
  Json listed = Json::array();
  for (size_t k = 0; k < std::min(constant.size(), kListedConstants); ++k) {
    const int64_t at = constant[k];
    listed.push_back(info.is_image() ? "pixel " + std::to_string(at)
                                     : names[static_cast<size_t>(at)]);
  }
  return {{"of", split},
          {"input_scale", info.preprocessing.input_scale},
          {"rows", std::move(rows)},
          {"constant_features", std::move(listed)},
          {"constant_count", constant.size()}};
}

}  // namespace

Json describe(const Splits& splits) {
  Json out{{"schema_version", 1}};
  Json parts = Json::object();
  SeenItems in_train, in_validation, in_test;
  struct Part {
    const char* name;
    const Dataset* dataset;
    SeenItems& seen;
  };
  const Dataset* first = nullptr;
  const Part all[] = {{"train", splits.train.get(), in_train},
                      {"validation", splits.validation.get(), in_validation},
                      {"test", splits.test.get(), in_test}};
  for (const Part& part : all) {
    if (part.dataset == nullptr) continue;
    if (first == nullptr) {
      first = part.dataset;
      const DatasetInfo& info = first->info();
      out["source"] = info.source;
      out["kind"] = info.kind;
      out["synthetic"] = info.kind == "synthetic";
      out["item"] = info.item;
      out["classes"] = info.classes;
      out["statistics"] = statistics_of(*first, part.name);
    }
    parts[part.name] = describe_split(*part.dataset, part.seen);
  }
  out["splits"] = std::move(parts);
  out["test_items_in_train"] = nullptr;
  if (splits.train && splits.test) {
    out["test_items_in_train"] = count_of_known(*splits.test, {&in_train, &in_validation});
  }
  return out;
}

}  // namespace pare::data
