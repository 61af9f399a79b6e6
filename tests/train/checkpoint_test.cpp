// SPDX-License-Identifier: Apache-2.0
#include "lib/train/checkpoint.hpp"

#include <filesystem>
#include <fstream>

#include <doctest/doctest.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/train/batches.hpp"
#include "lib/train/logits_cache.hpp"

namespace pare::train {

namespace {

namespace fs = std::filesystem;

class Folder {
 public:
  Folder() : path_(fs::temp_directory_path() / ("pare-train-" + std::to_string(getpid()))) {
    fs::create_directories(path_);
  }
  ~Folder() { fs::remove_all(path_); }
  std::string operator/(const char* name) const { return path_ / name; }

 private:
  fs::path path_;
};

RunState sample_state() {
  RunState state{.epoch = 3, .step = 17, .loss_sum = 0.1 + 0.2, .best_accuracy = 0.912};
  state.curve.push_back({{"epoch", 1}, {"loss", 1.0 / 3}});
  state.weights = {1.5F, -2.25F, 1e-38F};
  state.statistics = {0.5F};
  state.best_weights = {1, 2, 3};
  state.optimizer = {{4, 5, 6}, {7, 8, 9}};
  return state;
}

std::string bytes_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void put(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

const Json kIdentity = {{"options", {{"epochs", 10}, {"learning_rate", 0.1}}}, {"data", "abc"}};

}  // namespace

TEST_CASE("a checkpoint is read back bit for bit") {
  const Folder folder;
  const std::string path = folder / "a.checkpoint";
  const RunState state = sample_state();
  write_checkpoint(path, kIdentity, 2, state);
  const auto read = read_checkpoint(path, kIdentity, 2, no_progress());
  REQUIRE(read);
  CHECK(read->epoch == 3);
  CHECK(read->step == 17);
  CHECK(read->loss_sum == state.loss_sum);
  CHECK(read->best_accuracy == state.best_accuracy);
  CHECK(read->curve == state.curve);
  CHECK(read->weights == state.weights);
  CHECK(read->statistics == state.statistics);
  CHECK(read->best_weights == state.best_weights);
  CHECK(read->best_statistics.empty());
  CHECK(read->optimizer == state.optimizer);
}

TEST_CASE("a missing checkpoint is nothing to resume, not an error") {
  const Folder folder;
  CHECK_FALSE(read_checkpoint(folder / "none", kIdentity, 1, no_progress()));
  CHECK_FALSE(read_checkpoint("", kIdentity, 1, no_progress()));
}

TEST_CASE("a checkpoint of another run is refused by the name of what differs") {
  const Folder folder;
  const std::string path = folder / "a.checkpoint";
  write_checkpoint(path, kIdentity, 1, sample_state());
  Json other = kIdentity;
  other["options"]["learning_rate"] = 0.05;
  std::string message;
  try {
    read_checkpoint(path, other, 1, no_progress());
  } catch (const Error& e) {
    message = e.what();
  }
  CHECK(message.find("options.learning_rate is 0.05 here and 0.1 in the checkpoint") !=
        std::string::npos);
  CHECK(message.find("--no-resume") != std::string::npos);
}

TEST_CASE("a checkpoint truncated anywhere or with any byte flipped is an error, never a crash") {
  const Folder folder;
  const std::string path = folder / "a.checkpoint";
  write_checkpoint(path, kIdentity, 1, sample_state());
  const std::string whole = bytes_of(path);
  for (size_t i = 1; i < whole.size(); i += 7) {
    put(path, whole.substr(0, i));
    CHECK_THROWS_AS(read_checkpoint(path, kIdentity, 1, no_progress()), Error);
    std::string flipped = whole;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x10);
    put(path, flipped);
    CHECK_THROWS_AS(read_checkpoint(path, kIdentity, 1, no_progress()), Error);
  }
}

TEST_CASE("cached teacher logits come back under their draw") {
  const Folder folder;
  const std::string path = folder / "logits.h5";
  const Json identity = {{"teachers", {"aa"}}, {"data", "bb"}};
  std::vector<float> draw3(6 * 2);
  for (size_t i = 0; i < draw3.size(); ++i) draw3[i] = static_cast<float>(i) / 7;
  {
    LogitsCache cache(path, identity, 6, 2);
    CHECK(cache.find(3).empty());
    cache.add(3, draw3);
    cache.commit();
  }
  LogitsCache cache(path, identity, 6, 2);
  CHECK(cache.find(0).empty());
  CHECK(std::ranges::equal(cache.find(3), draw3));
  cache.add(4, draw3);
  cache.commit();
  const LogitsCache both(path, identity, 6, 2);
  CHECK(std::ranges::equal(both.find(3), draw3));
  CHECK_FALSE(both.find(4).empty());
}

TEST_CASE("a logits cache of another teacher, other data or other dims is refused") {
  const Folder folder;
  const std::string path = folder / "logits.h5";
  const Json identity = {{"teachers", {"aa"}}, {"data", "bb"}};
  LogitsCache cache(path, identity, 6, 2);
  cache.add(0, std::vector<float>(12));
  cache.commit();
  Json other = identity;
  other["data"] = "cc";
  CHECK_THROWS_WITH_AS(LogitsCache(path, other, 6, 2), doctest::Contains("other data"), Error);
  CHECK_THROWS_AS(LogitsCache(path, identity, 5, 2), Error);
  put(path, "not HDF5 at all");
  CHECK_THROWS_AS(LogitsCache(path, identity, 6, 2), Error);
}

TEST_CASE("every epoch sees every item once, in an order of its own") {
  const auto first = epoch_order(100, 7, 0);
  const auto second = epoch_order(100, 7, 1);
  CHECK(first != second);
  CHECK(first == epoch_order(100, 7, 0));
  CHECK(first != epoch_order(100, 8, 0));
  std::vector<int64_t> sorted = first;
  std::ranges::sort(sorted);
  for (int64_t i = 0; i < 100; ++i) CHECK(sorted[static_cast<size_t>(i)] == i);
}

TEST_CASE("a last batch of one item is dropped unless it is the only one") {
  CHECK(steps_per_epoch(256, 128) == 2);
  CHECK(steps_per_epoch(258, 128) == 3);
  CHECK(steps_per_epoch(257, 128) == 2);
  CHECK(steps_per_epoch(1, 128) == 1);
}

TEST_CASE("the loader yields the same batches from any starting point") {
  data::OpenOptions options;
  const auto splits = data::open("synthetic:glyphs?train=70&test=10&seed=1", options);
  const auto& train = *splits.train;
  const auto order = epoch_order(train.size(), 1, 0);
  const data::Augmentation augmentation{.shift = 2, .seed = 5};
  const std::vector<BatchLoader::View> views = {{train.info().preprocessing, 28 * 28}};
  BatchLoader whole(train, views, order, 8, 0, &augmentation, 0);
  BatchLoader late(train, views, order, 8, 3, &augmentation, 0);
  for (int i = 0; i < 3; ++i) whole.next();
  for (int64_t i = 3; i < steps_per_epoch(train.size(), 8); ++i) {
    const Batch a = whole.next();
    const Batch& b = late.next();
    CHECK(a.items == b.items);
    CHECK(a.labels == b.labels);
    CHECK(a.inputs == b.inputs);
  }
}

}  // namespace pare::train
