// SPDX-License-Identifier: Apache-2.0
// The HDF5 side of a Keras file: which arrays belong to which layer, and the model's description.
// Layers are listed by the attribute layer_names of the root (or of model_weights), a layer's
// arrays in their order by weight_names of its group; long lists are split into layer_names0,
// layer_names1 ...
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/ir/shape.hpp"

namespace pare::formats::keras {

struct Weight {
  std::string name;  // "conv2d/kernel": as the file says, without the ":0" at its end
  const hdf5::Array* array = nullptr;
};

class WeightFile {
 public:
  // Throws Error(path, ...): missing, damaged, not a Keras file, written by Keras 1 or 3.
  explicit WeightFile(const std::string& path);

  const std::string& path() const { return path_; }
  bool has_config() const { return !config_.empty(); }
  // The model's description: {"class_name": ..., "config": ...}. Throws Error(path) when malformed.
  Json config() const;
  // "" when the file does not say.
  std::string keras_version() const { return root_text("keras_version"); }
  std::string backend() const { return root_text("backend"); }

  std::vector<std::string> layers() const { return names(root_, "layer_names"); }
  // A layer's weights in the file's order; none for a layer that the file does not know.
  std::vector<Weight> weights_of(const std::string& layer) const;
  // Throws Error(path) when the array is not of floats.
  std::vector<float> values(const Weight& weight) const;

 private:
  std::string root_text(const std::string& attribute) const;
  const std::vector<std::string>* texts(const std::string& group, const std::string& name) const;
  std::vector<std::string> names(const std::string& group, const std::string& attribute) const;
  std::string below_root(const std::string& name) const;

  std::string path_;
  hdf5::Index file_;
  std::string root_;  // "model_weights" or ""
  std::string config_;
};

}  // namespace pare::formats::keras
