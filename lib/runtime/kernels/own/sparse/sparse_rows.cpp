// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/kernels/own/sparse/sparse_rows.hpp"

#include <algorithm>

#include "lib/ir/sparse.hpp"

namespace pare::runtime::own {

std::vector<uint8_t> kept_weights(const ir::Tensor& weight) {
  const ir::BufferView mask = weight.part(ir::Part::kMask)->view();
  return ir::expand_mask(mask.bytes(), weight.dims(), weight.layout());
}

RoundRows::RoundRows(const ir::Tensor& weight, const MatrixProduct& g) : depth(g.depth) {
  const std::vector<int32_t> codes = ir::to_codes(weight);
  const std::vector<uint8_t> kept = kept_weights(weight);
  const std::vector<float> stored = ir::to_f32(*weight.part(ir::Part::kScales));
  std::vector<int64_t> zeros(stored.size(), 0);
  if (const ir::Tensor* part = weight.part(ir::Part::kZeroPoints)) zeros = ir::to_i64(*part);
  first.push_back(0);
  for (int64_t begin = 0; begin < g.columns; begin += kSparseRows) {
    std::vector<Entry> rows[kSparseRows];
    for (int64_t r = begin; r < begin + kSparseRows; ++r) {
      const auto group = static_cast<size_t>(stored.size() == 1 || r >= g.columns ? 0 : r);
      scales.push_back(stored[group]);
      for (int64_t k = 0; r < g.columns && k < g.depth; ++k) {
        const auto at = static_cast<size_t>(r * g.depth + k);
        if (kept[at] == 0) continue;
        rows[r - begin].push_back({k, codes[at] - static_cast<int32_t>(zeros[group])});
      }
    }
    add_panel(rows);
  }
}

// A round begins at the first column that some row has yet to take.
void RoundRows::add_panel(std::span<const std::vector<Entry>> rows) {
  size_t next[kSparseRows] = {};
  for (;;) {
    int64_t column = depth;
    for (size_t r = 0; r < rows.size(); ++r) {
      if (next[r] < rows[r].size()) column = std::min(column, rows[r][next[r]].column);
    }
    if (column == depth) break;
    columns.push_back(static_cast<uint16_t>(column));
    for (int64_t step = 0; step < kRoundSteps; ++step) {
      for (size_t r = 0; r < rows.size(); ++r) {
        int64_t entry = 0;
        if (next[r] < rows[r].size() && rows[r][next[r]].column < column + kRoundColumns) {
          const Entry& e = rows[r][next[r]++];
          entry = e.code * kRoundColumns + (e.column - column);
        }
        entries.push_back(static_cast<int16_t>(entry));
      }
    }
  }
  first.push_back(static_cast<int64_t>(columns.size()));
}

StrandRows::StrandRows(const ir::Tensor& weight, const MatrixProduct& g)
    : columns(g.columns),
      x_blocks((g.depth + kSparseBlock - 1) / kSparseBlock),
      segments((x_blocks + kSegmentBlocks - 1) / kSegmentBlocks) {
  const std::vector<float> dense = ir::to_f32(weight);
  const std::vector<uint8_t> kept = kept_weights(weight);
  const auto stored = static_cast<size_t>(weight.stored_elements());
  counts.assign(static_cast<size_t>(columns * kSparseBlock * segments), 0);
  blocks.reserve(stored);
  values.reserve(stored);
  uint16_t* count = counts.data();
  for (int64_t begin = 0; begin < columns; begin += kSparsePartRows) {
    first.push_back(static_cast<int64_t>(values.size()));
    const int64_t end = std::min(begin + kSparsePartRows, columns);
    for (int64_t leaf = 0; leaf < kSparseBlock; ++leaf) {
      for (int64_t row = begin; row < end; ++row, count += segments) {
        const int64_t strand = strand_of_leaf(leaf);
        for (int64_t k = strand; k < g.depth; k += kSparseBlock) {
          const auto at = static_cast<size_t>(row * g.depth + k);
          if (kept[at] == 0) continue;
          const int64_t block = k / kSparseBlock;
          ++count[block / kSegmentBlocks];
          blocks.push_back(static_cast<uint8_t>(block % kSegmentBlocks));
          values.push_back(dense[at]);
        }
      }
    }
  }
}

}  // namespace pare::runtime::own
