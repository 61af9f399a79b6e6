// SPDX-License-Identifier: Apache-2.0
#include "lib/train/logits_cache.hpp"

#include <charconv>
#include <cstring>
#include <filesystem>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/hdf5/hdf5_writer.hpp"

namespace pare::train {

namespace {

constexpr std::string_view kDraw = "draw/";
constexpr std::string_view kIdentity = "identity";

// The number in "draw/3", or -1.
int64_t draw_of(std::string_view name) {
  if (!name.starts_with(kDraw)) return -1;
  name.remove_prefix(kDraw.size());
  int64_t draw = -1;
  const auto [end, code] = std::from_chars(name.data(), name.data() + name.size(), draw);
  return code == std::errc() && end == name.data() + name.size() && draw >= 0 ? draw : -1;
}

}  // namespace

LogitsCache::LogitsCache(std::string path, Json identity, int64_t items, int64_t width)
    : path_(std::move(path)), identity_(std::move(identity)), items_(items), width_(width) {
  if (std::filesystem::exists(path_)) read();
}

void LogitsCache::read() {
  const hdf5::Index index = hdf5::read(path_);
  const hdf5::Array* text = index.find(kIdentity);
  if (!text || text->element != hdf5::Element::kU8) {
    throw Error(path_, "is not a cache of teacher logits");
  }
  const Json stored =
      parse_json({reinterpret_cast<const char*>(text->bytes.data()), text->bytes.size()}, path_);
  if (stored != identity_) {
    std::string what = "other inputs";
    for (const auto& [key, value] : identity_.items()) {
      if (!stored.contains(key) || stored.at(key) != value) {
        what = "other " + key;
        break;
      }
    }
    throw Error(path_, "holds teacher logits of " + what + "; delete it or name another file");
  }
  const auto bytes = checked_mul(checked_mul(items_, width_, path_), sizeof(float), path_);
  for (const hdf5::Array& array : index.arrays) {
    const int64_t draw = draw_of(array.name);
    if (draw < 0) continue;
    const bool fits = array.element == hdf5::Element::kF32 &&
                      array.dims == std::vector<int64_t>{items_, width_} &&
                      static_cast<int64_t>(array.bytes.size()) == bytes;
    if (!fits) throw Error(path_, "damaged cache: " + escaped(array.name) + " has other dims");
    if (reinterpret_cast<uintptr_t>(array.bytes.data()) % alignof(float) == 0) {
      draws_[draw] = {reinterpret_cast<const float*>(array.bytes.data()),
                      static_cast<size_t>(items_ * width_)};
    } else {  // small arrays are not aligned in the file
      std::vector<float> copy(static_cast<size_t>(items_ * width_));
      std::memcpy(copy.data(), array.bytes.data(), array.bytes.size());
      held_.push_back(std::move(copy));
      draws_[draw] = held_.back();
    }
  }
  file_ = index.owner;
}

std::span<const float> LogitsCache::find(int64_t draw) const {
  const auto it = draws_.find(draw);
  return it == draws_.end() ? std::span<const float>() : it->second;
}

void LogitsCache::add(int64_t draw, std::vector<float> logits) {
  require(static_cast<int64_t>(logits.size()) == items_ * width_, "a draw covers every item");
  held_.push_back(std::move(logits));
  draws_[draw] = held_.back();
  changed_ = true;
}

void LogitsCache::commit() {
  if (!changed_) return;
  const std::string identity = to_text(identity_);
  const int64_t draw_bytes = items_ * width_ * static_cast<int64_t>(sizeof(float));
  hdf5::Writer writer(path_, draw_bytes * static_cast<int64_t>(draws_.size()));
  const std::vector<int64_t> length = {static_cast<int64_t>(identity.size())};
  writer.add(std::string(kIdentity), hdf5::Element::kU8, length,
             std::as_bytes(std::span(identity)));
  const std::vector<int64_t> dims = {items_, width_};
  for (const auto& [draw, logits] : draws_) {
    writer.add(std::string(kDraw) + std::to_string(draw), hdf5::Element::kF32, dims,
               std::as_bytes(logits));
  }
  writer.commit();
  changed_ = false;
}

}  // namespace pare::train
