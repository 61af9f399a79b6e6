// SPDX-License-Identifier: Apache-2.0
// A queue of work whose results are used in order: prepare(i) on any thread, several at a time,
// finish(i, result) one after the other. For writers, which evaluate and hash while they write.
// What is being prepared or waits to be finished stays within a budget, so that an output larger
// than memory streams through; one item is always admitted, whatever it costs.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <exception>
#include <mutex>
#include <utility>

namespace pare {

class OrderedWork {
 public:
  OrderedWork(int64_t items, int64_t budget) : items_(items), budget_(budget) {}

  // cost(i) in units of the budget. The first exception, by item, is thrown when all threads are
  // done; items after it are left out. Loops that prepare() parallelises run serially inside.
  template <class Cost, class Prepare, class Finish>
  void run(int threads, const Cost& cost, const Prepare& prepare, const Finish& finish) {
    if (threads <= 1 || items_ <= 1) {
      for (int64_t i = 0; i < items_; ++i) finish(i, prepare(i));
      return;
    }
#pragma omp parallel num_threads(threads)
    for (int64_t i = take(cost); i < items_; i = take(cost)) {
      try {
        auto result = prepare(i);
        if (wait_for_turn(i)) finish(i, std::move(result));
      } catch (...) {
        wait_for_turn(i);
        stop(std::current_exception());
      }
      pass_turn(cost(i));
    }
    if (failure_) std::rethrow_exception(failure_);
  }

 private:
  // The next item, once it fits; items_ when there is none.
  template <class Cost>
  int64_t take(const Cost& cost) {
    std::unique_lock lock(mutex_);
    if (next_ >= items_ || failure_) return items_;
    const int64_t item = next_++;
    const int64_t needed = cost(item);
    // In order, so that nothing waits for a turn that cannot come.
    changed_.wait(lock,
                  [&] { return admitted_ == item && (held_ == 0 || held_ + needed <= budget_); });
    ++admitted_;
    held_ += needed;
    changed_.notify_all();
    return item;
  }
  bool wait_for_turn(int64_t item) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return turn_ == item; });
    return !failure_;
  }
  void stop(std::exception_ptr failure) {
    const std::lock_guard lock(mutex_);
    if (!failure_) failure_ = std::move(failure);
  }
  void pass_turn(int64_t cost) {
    const std::lock_guard lock(mutex_);
    ++turn_;
    held_ -= cost;
    changed_.notify_all();
  }

  int64_t items_, budget_;
  int64_t next_ = 0, admitted_ = 0, turn_ = 0, held_ = 0;
  std::exception_ptr failure_;
  std::mutex mutex_;
  std::condition_variable changed_;
};

}  // namespace pare
