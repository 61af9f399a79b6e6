// SPDX-License-Identifier: Apache-2.0
// From what torch.save was given to named weights.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "formats/pytorch/pytorch_format.hpp"
#include "formats/pytorch/tensors.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats {

namespace {

using pytorch::Kind;
using pytorch::Pickle;
using pytorch::Ref;
using pytorch::Value;

constexpr int kDeepestNesting = 32;
// Keys under which training scripts keep the weights, the likeliest first.
constexpr auto kWeightKeys = std::to_array<std::string_view>(
    {"state_dict", "model_state_dict", "model", "module", "net", "network", "weights", "params"});
// Prefixes that wrappers of a model put before every name.
constexpr auto kWrappers = std::to_array<std::string_view>({"module.", "_orig_mod."});
// State of the optimization: tensors, but no weights.
constexpr auto kTrainingState =
    std::to_array<std::string_view>({"optim", "scheduler", "lr_sched", "scaler", "amp", "rng"});

bool is_training_state(std::string_view key) {
  return std::ranges::any_of(kTrainingState, [&](auto start) { return key.starts_with(start); });
}

std::string text_of(const Value& key) {
  return key.kind == Kind::kInt ? std::to_string(key.integer) : key.text;
}

class CheckpointReader {
 public:
  CheckpointReader(const std::string& path, const ReadOptions& options)
      : path_(path),
        options_(options),
        file_(pytorch::open_saved_file(path)),
        pickle_(*file_.pickle),
        tensors_(file_, path) {}

  ir::Model read() {
    const Value* weights = &pickle_.root();
    if (tensors_.is_tensor(*weights)) {
      add("tensor", *weights);
    } else {
      weights = descend(*weights);
      collect(*weights, "", 0);
    }
    if (model_.parameters.entries().empty()) throw Error(path_, "holds no tensors");
    if (const int64_t narrowed = tensors_.narrowed()) {
      options_.note(std::to_string(narrowed) + " tensors of 64-bit floats became f32");
    }
    strip_wrappers();
    if (!file_.metadata.empty()) {
      model_.metadata = ir::metadata_from_json(parse_json(file_.metadata, path_), path_);
    }
    return std::move(model_);
  }

 private:
  bool is_container(const Value& value) const {
    return value.kind == Kind::kDict || value.kind == Kind::kList || value.kind == Kind::kTuple;
  }

  // Whether a tensor lies anywhere inside. Answers are kept: values may be shared, or contain
  // themselves.
  bool holds_tensors(const Value& value, int depth = 0) {
    if (tensors_.is_tensor(value)) return true;
    if (!is_container(value) || depth > kDeepestNesting) return false;
    const auto [known, is_new] = holds_tensors_.emplace(&value, false);
    if (is_new) {
      known->second = std::ranges::any_of(
          value.items, [&](Ref item) { return holds_tensors(pickle_.at(item), depth + 1); });
    }
    return known->second;
  }

  bool holds_tensors_itself(const Value& dict) const {
    for (size_t i = 1; i < dict.items.size(); i += 2) {
      if (tensors_.is_tensor(pickle_.item(dict, i))) return true;
    }
    return false;
  }

  struct Entry {
    std::string key;
    const Value* value = nullptr;
  };

  // The dictionaries inside `dict` that hold tensors and may be weights.
  std::vector<Entry> candidates(const Value& dict) {
    std::vector<Entry> out;
    for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
      const std::string key = text_of(pickle_.item(dict, i));
      const Value& value = pickle_.item(dict, i + 1);
      if (!is_training_state(key) && is_container(value) && holds_tensors(value)) {
        out.push_back({key, &value});
      }
    }
    return out;
  }

  // Down to the dictionary that holds the weights.
  const Value* descend(const Value& root) {
    const Value* at = &root;
    std::string taken;
    for (int depth = 0; depth < kDeepestNesting; ++depth) {
      if (at->kind != Kind::kDict || holds_tensors_itself(*at)) break;
      const std::vector<Entry> found = candidates(*at);
      const Entry* chosen = found.size() == 1 ? found.data() : nullptr;
      for (size_t i = kWeightKeys.size(); i-- > 0;) {
        for (const Entry& entry : found) {
          if (entry.key == kWeightKeys[i]) chosen = &entry;
        }
      }
      if (!chosen) break;
      taken += (taken.empty() ? "" : ".") + chosen->key;
      at = chosen->value;
    }
    if (!taken.empty()) options_.note("the weights are those under \"" + escaped(taken) + "\"");
    return at;
  }

  void add(const std::string& name, const Value& value) {
    if (model_.parameters.contains(name)) {
      throw Error(path_, "holds two tensors named " + escaped(name));
    }
    model_.parameters.set(name, *tensors_.tensor(value));
  }

  void collect(const Value& container, const std::string& prefix, int depth) {
    if (!is_container(container) || depth > kDeepestNesting) return;
    if (!collected_.insert(&container).second) return;
    const bool dict = container.kind == Kind::kDict;
    const size_t step = dict ? 2 : 1;
    for (size_t i = 0; i + step <= container.items.size(); i += step) {
      const std::string key = dict ? text_of(pickle_.item(container, i)) : std::to_string(i);
      const Value& value = pickle_.item(container, i + step - 1);
      if (depth == 0 && is_training_state(key) && is_container(value)) continue;
      if (tensors_.is_tensor(value)) {
        add(prefix + key, value);
      } else {
        collect(value, prefix + key + ".", depth + 1);
      }
    }
  }

  void strip_wrappers() {
    for (const std::string_view wrapper : kWrappers) {
      const auto& entries = model_.parameters.entries();
      if (!std::ranges::all_of(entries, [&](const auto& e) { return e.name.starts_with(wrapper); }))
        continue;
      ir::ParameterTable stripped;
      for (const auto& [name, tensor] : entries) {
        stripped.set(name.substr(wrapper.size()), tensor);
      }
      model_.parameters = std::move(stripped);
      options_.note("the prefix \"" + std::string(wrapper) + "\" of every name was stripped");
    }
  }

  const std::string& path_;
  const ReadOptions& options_;
  pytorch::SavedFile file_;
  const Pickle& pickle_;
  pytorch::TensorReader tensors_;
  std::map<const Value*, bool> holds_tensors_;
  std::set<const Value*> collected_;
  ir::Model model_;
};

}  // namespace

bool is_pytorch(std::span<const std::byte> head) { return pytorch::is_saved_file(head); }

ir::Model read_pytorch(const std::string& path, const ReadOptions& options) {
  return CheckpointReader(path, options).read();
}

}  // namespace pare::formats
