// SPDX-License-Identifier: Apache-2.0
// Teacher logits kept in an HDF5 file between runs: one f32 data set [items, width] a draw
// ("draw/3"), where a draw is one augmented pass over the data (0 alone without augmentation), and
// the identity of what they were computed from as JSON in "identity". A file of other teachers,
// data or augmentation is refused, never silently used.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/core/json.hpp"

namespace pare::train {

class LogitsCache {
 public:
  // Opens `path` when it exists. Throws Error(path): not such a file, damaged, of other dims, or of
  // another identity.
  LogitsCache(std::string path, Json identity, int64_t items, int64_t width);

  // The draw's logits [items, width], empty when absent.
  std::span<const float> find(int64_t draw) const;
  void add(int64_t draw, std::vector<float> logits);
  // Writes the file anew when something was added. Atomic.
  void commit();

 private:
  void read();

  std::string path_;
  Json identity_;
  int64_t items_;
  int64_t width_;
  bool changed_ = false;
  std::shared_ptr<const void> file_;  // keeps mapped draws valid
  std::map<int64_t, std::span<const float>> draws_;
  std::vector<std::vector<float>> held_;  // draws that are not mapped
};

}  // namespace pare::train
