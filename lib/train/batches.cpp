// SPDX-License-Identifier: Apache-2.0
#include "lib/train/batches.hpp"

#include <algorithm>
#include <chrono>
#include <numeric>

#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"

namespace pare::train {

namespace {
constexpr int64_t kSlots = 4;  // one in use, three ahead: hides the jitter of a busy machine
}

std::vector<int64_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch) {
  std::vector<int64_t> order(static_cast<size_t>(count));
  std::iota(order.begin(), order.end(), int64_t{0});
  Rng rng(seed, stream_of("order") + static_cast<uint64_t>(epoch));
  rng.shuffle(std::span(order));
  return order;
}

int64_t steps_per_epoch(int64_t items, int64_t batch_size) {
  const int64_t full = items / batch_size;
  const int64_t rest = items % batch_size;
  return full + (rest > 1 || full == 0 ? 1 : 0);
}

BatchLoader::BatchLoader(const data::Dataset& dataset, std::vector<View> views,
                         std::vector<int64_t> order, int64_t batch_size, int64_t first,
                         const data::Augmentation* augmentation, int64_t draw)
    : dataset_(dataset),
      views_(std::move(views)),
      order_(std::move(order)),
      batch_size_(batch_size),
      first_(first),
      batches_(steps_per_epoch(static_cast<int64_t>(order_.size()), batch_size)),
      augmentation_(augmentation),
      draw_(draw),
      slots_(kSlots),
      next_(first),
      filled_(first),
      consumed_(first),
      thread_([this] { fill(); }) {}

BatchLoader::~BatchLoader() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void BatchLoader::load(int64_t index, Batch& batch) const {
  const auto begin = static_cast<size_t>(index * batch_size_);
  const size_t end = std::min(begin + static_cast<size_t>(batch_size_), order_.size());
  batch.items.assign(order_.begin() + static_cast<std::ptrdiff_t>(begin),
                     order_.begin() + static_cast<std::ptrdiff_t>(end));
  batch.labels.resize(batch.items.size());
  for (size_t i = 0; i < batch.items.size(); ++i) batch.labels[i] = dataset_.label(batch.items[i]);
  batch.inputs.resize(views_.size());
  for (size_t v = 0; v < views_.size(); ++v) {
    batch.inputs[v].resize(batch.items.size() * static_cast<size_t>(views_[v].item_floats));
    data::load_batch(dataset_, views_[v].preprocessing, batch.items, augmentation_, draw_,
                     batch.inputs[v], 1);
  }
}

void BatchLoader::fill() {
  try {
    for (int64_t i = first_; i < batches_; ++i) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stop_ || i < consumed_ + kSlots; });
        if (stop_) return;
      }
      load(i, slots_[static_cast<size_t>(i % kSlots)]);
      const std::lock_guard lock(mutex_);
      filled_ = i + 1;
      changed_.notify_all();
    }
  } catch (...) {
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
    changed_.notify_all();
  }
}

const Batch& BatchLoader::next() {
  std::unique_lock lock(mutex_);
  const int64_t index = next_++;
  require(index < batches_, "a batch is left");
  consumed_ = index;
  changed_.notify_all();
  const auto start = std::chrono::steady_clock::now();
  changed_.wait(lock, [&] { return failure_ || index < filled_; });
  waited_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (index >= filled_) std::rethrow_exception(failure_);
  return slots_[static_cast<size_t>(index % kSlots)];
}

}  // namespace pare::train
