// SPDX-License-Identifier: Apache-2.0
#include "lib/core/ordered_work.hpp"

#include <atomic>
#include <vector>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare {

TEST_CASE("results are used in order, within the budget, for any number of threads") {
  for (const int threads : {1, 2, 5}) {
    std::atomic<int64_t> held = 0, most = 0;
    std::vector<int64_t> finished;
    const auto cost = [](int64_t i) { return i % 7 == 0 ? 100 : 10; };
    OrderedWork(200, 40).run(
        threads, cost,
        [&](int64_t i) {
          const int64_t now = held += cost(i);
          for (int64_t known = most; known < now && !most.compare_exchange_weak(known, now);) {
          }
          return i * i;
        },
        [&](int64_t i, int64_t result) {
          CHECK(result == i * i);
          finished.push_back(i);
          held -= cost(i);
        });
    REQUIRE(finished.size() == 200);
    for (int64_t i = 0; i < 200; ++i) CHECK(finished[static_cast<size_t>(i)] == i);
    CHECK(most <= 100);  // one that is larger than the budget is alone
  }
}

TEST_CASE("the first failure by item ends the work") {
  for (const int threads : {1, 4}) {
    std::vector<int64_t> finished;
    const auto work = [&] {
      OrderedWork(100, 1000).run(
          threads, [](int64_t) { return 1; },
          [](int64_t i) {
            if (i == 20 || i == 23) throw Error("item", std::to_string(i));
            return i;
          },
          [&](int64_t i, int64_t) { finished.push_back(i); });
    };
    CHECK_THROWS_WITH_AS(work(), "item: 20", Error);
    CHECK(finished.size() == 20);
  }
}

}  // namespace pare
