// SPDX-License-Identifier: Apache-2.0
#include "lib/train/checkpoint.hpp"

#include <algorithm>
#include <cstring>
#include <filesystem>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::train {

namespace {

constexpr std::string_view kMagic = "PARECKP1";
constexpr size_t kHeader = kMagic.size() + sizeof(uint64_t);

std::vector<std::vector<float>*> arrays_of(RunState& state, size_t optimizer_arrays) {
  state.optimizer.resize(optimizer_arrays);
  std::vector<std::vector<float>*> out = {&state.weights, &state.statistics, &state.best_weights,
                                          &state.best_statistics};
  for (auto& array : state.optimizer) out.push_back(&array);
  return out;
}
constexpr size_t kFixedArrays = 4;

// "learning_rate is 0.1 here and 0.05 in the checkpoint": the first leaf where two identities part.
std::string difference(const Json& here, const Json& there, const std::string& path) {
  if (here == there) return {};
  if (here.is_object() && there.is_object()) {
    for (const auto& [key, value] : here.items()) {
      const Json other = there.contains(key) ? there.at(key) : Json();
      const std::string inner = difference(value, other, path.empty() ? key : path + "." + key);
      if (!inner.empty()) return inner;
    }
    for (const auto& [key, value] : there.items()) {
      if (!here.contains(key))
        return difference(Json(), value, path.empty() ? key : path + "." + key);
    }
    return {};
  }
  return path + " is " + escaped(to_text(here), 60) + " here and " + escaped(to_text(there), 60) +
         " in the checkpoint";
}

class Reader {
 public:
  Reader(const std::string& path, std::span<const std::byte> bytes) : path_(path), bytes_(bytes) {}
  std::span<const std::byte> take(int64_t count) {
    if (count < 0 || static_cast<uint64_t>(count) > bytes_.size() - at_) {
      throw Error(path_, "damaged checkpoint; --no-resume starts over");
    }
    const auto out = bytes_.subspan(at_, static_cast<size_t>(count));
    at_ += static_cast<size_t>(count);
    return out;
  }
  bool done() const { return at_ == bytes_.size(); }

 private:
  const std::string& path_;
  std::span<const std::byte> bytes_;
  size_t at_ = 0;
};

Json to_json(const RunState& state) {
  Json json = Json::object();
  json["epoch"] = state.epoch;
  json["step"] = state.step;
  json["loss_sum"] = state.loss_sum;
  json["best_accuracy"] = state.best_accuracy;
  json["best_epoch"] = state.best_epoch;
  json["stale_epochs"] = state.stale_epochs;
  json["curve"] = state.curve;
  return json;
}

RunState from_json(const Json& json) {
  RunState state;
  state.epoch = json.at("epoch").get<int64_t>();
  state.step = json.at("step").get<int64_t>();
  state.loss_sum = json.at("loss_sum").get<double>();
  state.best_accuracy = json.at("best_accuracy").get<double>();
  state.best_epoch = json.at("best_epoch").get<int64_t>();
  state.stale_epochs = json.at("stale_epochs").get<int64_t>();
  state.curve = json.at("curve");
  return state;
}

void read_arrays(const std::string& path, const Json& sizes, Reader& reader, RunState& state) {
  const auto arrays = arrays_of(state, sizes.size() - kFixedArrays);
  for (size_t i = 0; i < arrays.size(); ++i) {
    const auto count = sizes.at(i).get<int64_t>();
    const auto raw = reader.take(checked_mul(count, sizeof(float), path));
    arrays[i]->resize(static_cast<size_t>(count));
    if (count > 0) std::memcpy(arrays[i]->data(), raw.data(), raw.size());
  }
}

// Bytes between magic and hash, checked against both.
std::span<const std::byte> checked_body(const std::string& path, std::span<const std::byte> bytes) {
  constexpr size_t kHash = sizeof(Sha256);
  if (bytes.size() < kHeader + kHash ||
      std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    throw Error(path, "is not a checkpoint of pare; --no-resume starts over");
  }
  const auto body = bytes.first(bytes.size() - kHash);
  if (!std::ranges::equal(sha256(body), bytes.last(kHash))) {
    throw Error(path, "damaged checkpoint; --no-resume starts over");
  }
  return body;
}

}  // namespace

void write_checkpoint(const std::string& path, const Json& identity, int threads,
                      const RunState& state) {
  RunState copy = state;  // arrays_of hands out mutable pointers
  const auto arrays = arrays_of(copy, state.optimizer.size());
  Json json = to_json(state);
  json["identity"] = identity;
  json["threads"] = threads;
  json["arrays"] = Json::array();
  for (const auto* array : arrays) json["arrays"].push_back(array->size());
  const std::string text = to_text(json);
  const uint64_t length = text.size();

  OutputFile file(path);
  Sha256Stream hash;
  const auto put = [&](std::span<const std::byte> bytes) {
    hash.update(bytes);
    file.write(bytes);
  };
  put(std::as_bytes(std::span(kMagic)));
  put(std::as_bytes(std::span(&length, 1)));
  put(std::as_bytes(std::span(text)));
  for (const auto* array : arrays) put(std::as_bytes(std::span(*array)));
  const Sha256 digest = hash.finish();
  file.write(digest);
  file.commit();
}

std::optional<RunState> read_checkpoint(const std::string& path, const Json& identity, int threads,
                                        Progress& progress) {
  if (path.empty() || !std::filesystem::exists(path)) return std::nullopt;
  const auto file = MappedFile::open(path);
  Reader reader(path, checked_body(path, file->bytes()));
  reader.take(kMagic.size());
  uint64_t length = 0;
  std::memcpy(&length, reader.take(sizeof(length)).data(), sizeof(length));
  const auto text = reader.take(static_cast<int64_t>(std::min<uint64_t>(length, INT64_MAX)));
  const Json json = parse_json({reinterpret_cast<const char*>(text.data()), text.size()}, path);
  const std::string other = difference(identity, json.value("identity", Json()), "");
  if (!other.empty()) {
    throw Error(path, "is the checkpoint of another run: " + other + "; --no-resume starts over");
  }
  try {
    RunState state = from_json(json);
    const Json& sizes = json.at("arrays");
    if (!sizes.is_array() || sizes.size() < kFixedArrays || sizes.size() > kFixedArrays + 2) {
      throw Error(path, "damaged checkpoint; --no-resume starts over");
    }
    read_arrays(path, sizes, reader, state);
    if (json.at("threads").get<int>() != threads) {
      progress.warn(path + ": written with " + to_text(json.at("threads")) +
                    " threads, resumed with " + std::to_string(threads) +
                    ": the result's bytes may differ from an uninterrupted run's");
    }
    return state;
  } catch (const Json::exception&) {
    throw Error(path, "damaged checkpoint; --no-resume starts over");
  }
}

}  // namespace pare::train
