// SPDX-License-Identifier: Apache-2.0
// The order in which a run sees its items, and a loader thread that fills the next batch while the
// current one trains. Order and augmentation are functions of (seed, epoch), never of timing.
#pragma once

#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

#include "lib/data/batch.hpp"

namespace pare::train {

// A fresh permutation of [0, count) for each epoch.
std::vector<int64_t> epoch_order(int64_t count, uint64_t seed, int64_t epoch);

// Steps an epoch: the last batch may be short, but a batch of one item is dropped when there are
// others, because batch statistics of one item are meaningless.
int64_t steps_per_epoch(int64_t items, int64_t batch_size);

struct Batch {
  std::vector<int64_t> items;
  std::vector<int64_t> labels;
  // One buffer a view (BatchLoader::View), [items, model input...].
  std::vector<std::vector<float>> inputs;
};

class BatchLoader {
 public:
  // How the same items look to one model: the student, or a teacher with other preprocessing.
  struct View {
    ir::Preprocessing preprocessing;
    int64_t item_floats = 0;
  };

  // Yields the batches of `order` from batch index `first` on. `augmentation` may be null; `draw`
  // selects its draw. The thread starts at once.
  BatchLoader(const data::Dataset& dataset, std::vector<View> views, std::vector<int64_t> order,
              int64_t batch_size, int64_t first, const data::Augmentation* augmentation,
              int64_t draw);
  ~BatchLoader();
  BatchLoader(const BatchLoader&) = delete;
  BatchLoader& operator=(const BatchLoader&) = delete;

  // The next batch, valid until the next call. Rethrows what the loader thread met.
  const Batch& next();
  // Time next() has spent waiting for data, in seconds.
  double waited() const { return waited_; }

 private:
  void fill();
  void load(int64_t index, Batch& batch) const;

  const data::Dataset& dataset_;
  std::vector<View> views_;
  std::vector<int64_t> order_;
  int64_t batch_size_;
  int64_t first_;
  int64_t batches_;
  const data::Augmentation* augmentation_;
  int64_t draw_;
  double waited_ = 0;

  std::vector<Batch> slots_;  // batch i lives in slot i % slots
  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t next_;      // what next() hands out
  int64_t filled_;    // batches [first, filled) are ready
  int64_t consumed_;  // batches [first, consumed) may be overwritten
  bool stop_ = false;
  std::exception_ptr failure_;
  std::thread thread_;
};

}  // namespace pare::train
