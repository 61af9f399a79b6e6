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
// Of a layer's weights against the base's: sums over all elements, x in the base, y here.
struct WeightError {
  double signal = 0;                      // sum of x^2, > 0
  double error = 0;                       // sum of (x - y)^2
  std::optional<double> sqnr_db() const;  // 10 log10(signal / error); nothing when they are equal
  double relative_rms() const;            // sqrt(error / signal)
};

struct LayerSize {
  std::string name;
  std::string storage;  // of its largest tensor: "f32", "i8 per channel", "i4 group 64, bitmask"
  int64_t parameters = 0;
  int64_t bytes = 0;                        // as stored, without container
  int64_t weights = 0;                      // elements of tensors of two or more dimensions ...
  int64_t zeros = 0;                        // ... and how many of those are exactly 0
  std::optional<WeightError> weight_error;  // see add_weight_errors()
  std::string no_weight_error;              // why there is none; "" for the base itself
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
// The name of a parameter up to its last '.' or '/'.
std::string layer_of(const std::string& parameter);
// Floats, as they are or quantized; not indices and other integers.
bool is_weight_like(const ir::Tensor& tensor);
// "f32", "i8 per channel", "i4 group 64, bitmask"
std::string storage_text(const ir::Tensor& tensor);

}  // namespace pare::eval
