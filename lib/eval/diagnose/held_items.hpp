// SPDX-License-Identifier: Apache-2.0
// Items of a data set kept in memory, because a diagnosis runs dozens of models over the same few:
// files are decoded once, and hashed once.
#pragma once

#include <memory>
#include <vector>

#include "lib/data/dataset.hpp"

namespace pare::eval {

class HeldItems : public data::Dataset {
 public:
  explicit HeldItems(const data::Dataset& source);

  const data::DatasetInfo& info() const override { return info_; }
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  void read(int64_t index, std::span<float> out) const override;
  std::span<const uint8_t> bytes(int64_t index) const override;
  int64_t label(int64_t index) const override { return labels_.at(static_cast<size_t>(index)); }
  std::string fingerprint() const override { return fingerprint_; }

 private:
  data::DatasetInfo info_;
  size_t item_ = 0;              // elements an item
  std::vector<uint8_t> pixels_;  // where the source stores bytes ...
  std::vector<float> values_;    // ... and where not
  std::vector<int64_t> labels_;
  std::string fingerprint_;
};

}  // namespace pare::eval
