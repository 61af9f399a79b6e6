// SPDX-License-Identifier: Apache-2.0
// Where the bytes of a written model file went. The parts add up to the file exactly: what is not
// tensor data is container.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::eval {

struct SizeBreakdown {
  int64_t codes = 0;      // values or integer codes
  int64_t scales = 0;     // scales, zero points, second-level scales, codebooks
  int64_t indices = 0;    // masks that say which elements are stored
  int64_t container = 0;  // graph, history, names, padding
  int64_t tensors() const { return codes + scales + indices; }
  int64_t total() const { return tensors() + container; }
};

// One layer: the parameters whose names share everything before the last '.' or '/'.
struct LayerSize {
  std::string name;
  std::string storage;  // of its largest tensor: "f32", "i8 per channel", "i4 group 64, bitmask"
  int64_t parameters = 0;
  int64_t bytes = 0;    // as stored, without container
  int64_t weights = 0;  // elements of tensors of two or more dimensions ...
  int64_t zeros = 0;    // ... and how many of those are exactly 0
};

struct SizeReport {
  int64_t file_bytes = 0;
  // Absent when the file is smaller than its tensors (a format that compresses).
  std::optional<SizeBreakdown> breakdown;
  int64_t parameters = 0;         // elements before sparsity
  double bits_per_weight = 0;     // 8 * bytes of float and quantized tensors / elements
  double sparsity = 0;            // zeros / weights
  std::vector<LayerSize> layers;  // in parameter order
};

// Decodes one tensor at a time. Throws Error on damaged tensor bytes.
SizeReport measure_size(const ir::Model& model, int64_t file_bytes);
// "f32", "i8 per channel", "i4 group 64, bitmask"
std::string storage_text(const ir::Tensor& tensor);

}  // namespace pare::eval
