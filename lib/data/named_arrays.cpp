// SPDX-License-Identifier: Apache-2.0
#include "lib/data/named_arrays.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <optional>
#include <string_view>

#include "lib/core/checked.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::data {
namespace {

constexpr std::string_view kItemNames[] = {"x", "images", "image", "data", "features", "inputs"};
constexpr std::string_view kLabelNames[] = {"y", "labels", "label", "targets", "target", "classes"};

struct SplitWord {
  std::string_view word, split;
};
constexpr SplitWord kSplitWords[] = {{"train", "train"},
                                     {"val", "validation"},
                                     {"valid", "validation"},
                                     {"validation", "validation"},
                                     {"test", "test"}};

// "train/Images" -> "train_images"
std::string normalised(const std::string& name) {
  std::string out;
  for (const char c : name) {
    const bool separator = c == '/' || c == '-' || c == '.' || c == ' ';
    out += separator ? '_' : c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return out;
}

struct Role {
  std::string word;   // "x", "labels"
  std::string split;  // as in PartNames
};

Role role_of(const std::string& name) {
  const std::string text = normalised(name);
  for (const SplitWord& split : kSplitWords) {
    const std::string word(split.word);
    if (text.rfind(word + "_", 0) == 0) {
      return {text.substr(word.size() + 1), std::string(split.split)};
    }
    if (text.size() > word.size() && text.ends_with("_" + word)) {
      return {text.substr(0, text.size() - word.size() - 1), std::string(split.split)};
    }
  }
  return {text, ""};
}

float element_at(const NamedArray& array, size_t index) {
  const auto load = [&](auto value) {
    std::memcpy(&value, array.bytes.data() + index * sizeof(value), sizeof(value));
    return value;
  };
  using hdf5::Element;
  switch (array.element) {
    case Element::kU8:
      return load(uint8_t{});
    case Element::kI8:
      return load(int8_t{});
    case Element::kU16:
      return load(uint16_t{});
    case Element::kI16:
      return load(int16_t{});
    case Element::kU32:
      return static_cast<float>(load(uint32_t{}));
    case Element::kI32:
      return static_cast<float>(load(int32_t{}));
    case Element::kU64:
      return static_cast<float>(load(uint64_t{}));
    case Element::kI64:
      return static_cast<float>(load(int64_t{}));
    case Element::kF16:
      return ir::f16_to_f32(load(uint16_t{}));
    case Element::kF32:
      return load(float{});
    case Element::kF64:
      return static_cast<float>(load(double{}));
    case Element::kText:
      break;
  }
  throw Bug("named arrays: text is refused before");
}

std::vector<int64_t> labels_of(const NamedArray& array, const std::string& subject) {
  const int64_t count = checked_product(array.dims, subject);
  const bool column = array.dims.size() == 2 && array.dims[1] == 1;
  if (array.dims.size() != 1 && !column) {
    throw Error(subject, "labels have shape " + ir::to_string(array.dims) +
                             ", expected one class index an item");
  }
  std::vector<int64_t> out(static_cast<size_t>(count));
  for (size_t i = 0; i < out.size(); ++i) {
    const float value = element_at(array, i);
    if (!(value >= 0) || value >= static_cast<float>(kMaxClasses) || value != std::floor(value)) {
      throw Error(subject, "item " + std::to_string(i) + " has label " + std::to_string(value) +
                               ", expected a whole number from 0 to " +
                               std::to_string(kMaxClasses - 1));
    }
    out[i] = static_cast<int64_t>(value);
  }
  return out;
}

// Numbers to predict rather than classes: so stated, or floats that no class could be.
bool holds_targets(const NamedArray& array, const std::string& task, const std::string& subject) {
  using hdf5::Element;
  if (!task.empty()) return task == "regression";
  if (array.element != Element::kF16 && array.element != Element::kF32 &&
      array.element != Element::kF64) {
    return false;
  }
  if (array.dims.size() == 2 && array.dims[1] > 1) return true;
  const auto count = static_cast<size_t>(checked_product(array.dims, subject));
  for (size_t i = 0; i < count; ++i) {
    const float value = element_at(array, i);
    if (std::isfinite(value) && (value != std::floor(value) || value < 0)) return true;
  }
  return false;
}

// [N] or [N, T] numbers, and labels of 0.
void fill_targets(const NamedArray& array, const std::string& subject, RawData& raw, Array& part) {
  if (array.dims.size() > 2) {
    throw Error(subject, "numbers to predict have shape " + ir::to_string(array.dims) +
                             ", expected [N] or [N, T]");
  }
  const auto width = array.dims.size() == 2 ? static_cast<size_t>(array.dims[1]) : size_t{1};
  if (width == 0 || (!raw.info.targets.empty() && raw.info.targets.size() != width)) {
    throw Error(subject, "holds " + std::to_string(width) + " numbers an item, expected " +
                             (width == 0 ? "at least 1" : std::to_string(raw.info.targets.size())));
  }
  part.labels.assign(static_cast<size_t>(array.dims[0]), 0);
  part.targets.resize(static_cast<size_t>(checked_product(array.dims, subject)));
  for (size_t i = 0; i < part.targets.size(); ++i) {
    part.targets[i] = element_at(array, i);
    if (!std::isfinite(part.targets[i])) {
      throw Error(subject, "item " + std::to_string(i / width) + " is not a finite number");
    }
  }
  raw.info.targets.clear();
  for (size_t t = 0; t < width; ++t) raw.info.targets.push_back(std::to_string(t));
}

// Raw item dims, and whether the channels come last in the array.
struct ItemLayout {
  ir::Dims item;
  bool channels_last = false;
};

ItemLayout layout_of(const ir::Dims& dims, const std::string& subject) {
  const auto is_channels = [](int64_t dim) { return dim == 1 || dim == 3; };
  switch (dims.size()) {
    case 1:
      return {{1}};
    case 2:
      return {{dims[1]}};
    case 3:
      return {{1, dims[1], dims[2]}};
    case 4:
      if (is_channels(dims[3]) && !is_channels(dims[1])) return {{dims[3], dims[1], dims[2]}, true};
      return {{dims[1], dims[2], dims[3]}};
    default:
      throw Error(subject, "items have shape " + ir::to_string(dims) +
                               ", expected [N, F], [N, H, W], [N, C, H, W] or [N, H, W, C]");
  }
}

void fill_values(const NamedArray& array, const ItemLayout& layout, const std::string& subject,
                 Array& part) {
  const auto per_item = static_cast<size_t>(ir::element_count(layout.item, subject));
  const size_t items = part.labels.size();
  const bool bytes = array.element == hdf5::Element::kU8 && layout.item.size() == 3;
  const size_t channels = layout.channels_last ? static_cast<size_t>(layout.item[0]) : 1;
  const size_t plane = per_item / channels;
  bytes ? part.bytes.resize(items * per_item) : part.floats.resize(items * per_item);
  for (size_t i = 0; i < items; ++i) {
    for (size_t k = 0; k < per_item; ++k) {
      const size_t from = i * per_item + k;
      const size_t to = i * per_item + k % channels * plane + k / channels;
      if (bytes) {
        part.bytes[to] = static_cast<uint8_t>(array.bytes[from]);
        continue;
      }
      const float value = element_at(array, from);
      if (!std::isfinite(value)) {
        throw Error(subject, "row " + std::to_string(i) + ", column " + std::to_string(k) +
                                 " is not a finite number");
      }
      part.floats[to] = value;
    }
  }
}

}  // namespace

std::vector<PartNames> match_parts(const std::vector<std::string>& names,
                                   const std::string& source) {
  std::vector<PartNames> out;
  const auto find = [&](std::span<const std::string_view> words, const std::string& split) {
    for (const std::string_view word : words) {
      for (const std::string& name : names) {
        const Role role = role_of(name);
        if (role.split == split && role.word == word) return name;
      }
    }
    return std::string();
  };
  for (const char* split : {"train", "validation", "test", ""}) {
    PartNames part{split, find(kItemNames, split), find(kLabelNames, split)};
    if (part.items.empty()) continue;
    if (part.labels.empty()) {
      throw Error(source, "has items '" + escaped(part.items) + "' without their labels (" +
                              (part.split.empty() ? "" : part.split + "_") + "y or labels)");
    }
    out.push_back(std::move(part));
  }
  // Arrays of named splits and unnamed ones together: the unnamed are something else.
  if (out.size() > 1 && out.back().split.empty()) out.pop_back();
  if (!out.empty()) return out;
  std::string found;
  for (size_t i = 0; i < std::min<size_t>(names.size(), 6); ++i) {
    found += (i > 0 ? ", " : "") + escaped(names[i], 40);
  }
  throw Error(source,
              "holds no items that pare can tell: expected arrays x and y, images and "
              "labels, or x_train, y_train, x_test, y_test; found " +
                  (found.empty() ? "none" : found));
}

RawData assemble(const std::string& source, const std::string& kind,
                 const std::vector<PartNames>& parts,
                 const std::function<NamedArray(const std::string&)>& load,
                 const OpenOptions& options) {
  RawData raw;
  raw.info.source = source;
  raw.info.kind = kind;
  for (const PartNames& names : parts) {
    const std::string subject = source + ": " + names.items;
    const NamedArray items = load(names.items);
    const NamedArray labels = load(names.labels);
    for (const NamedArray* array : {&items, &labels}) {
      if (array->element == hdf5::Element::kText || array->dims.empty()) {
        throw Error(source + ": " + array->name, "is not an array of numbers");
      }
    }
    Array part;
    part.source = subject;
    const std::string labels_subject = source + ": " + names.labels;
    if (holds_targets(labels, options.task, labels_subject)) {
      fill_targets(labels, labels_subject, raw, part);
    } else {
      part.labels = labels_of(labels, labels_subject);
    }
    if (items.dims[0] != part.size()) {
      throw Error(source + ": " + names.labels, "holds " + std::to_string(part.size()) +
                                                    " labels for " + std::to_string(items.dims[0]) +
                                                    " items");
    }
    const ItemLayout layout = layout_of(items.dims, subject);
    if (!raw.info.item.empty() && raw.info.item != layout.item) {
      throw Error(subject, "items are " + ir::to_string(layout.item) + ", in the other part " +
                               ir::to_string(raw.info.item));
    }
    raw.info.item = layout.item;
    fill_values(items, layout, subject, part);
    OpenOptions placed = options;
    if (!names.split.empty()) placed.split = names.split;
    place_part(raw, std::move(part), placed);
  }
  for (const auto* part : {&raw.train, &raw.validation, &raw.test}) {
    if (!raw.info.targets.empty() && *part && (*part)->targets.empty()) {
      throw Error((*part)->source,
                  "has classes, the other part numbers to predict; --task says which they are");
    }
  }
  if (raw.info.targets.empty()) raw.info.classes = classes_of_integer_labels(raw);
  return raw;
}

}  // namespace pare::data
