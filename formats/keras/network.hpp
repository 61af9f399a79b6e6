// SPDX-License-Identifier: Apache-2.0
// Which layer feeds which: a Sequential, Model or Functional description of any Keras 2, brought
// into one form. A layer may be called several times (shared weights); each call has an output.
#pragma once

#include <string>
#include <vector>

#include "lib/core/json.hpp"

namespace pare::formats::keras {

// An output of one call of a layer; `output` is 0 but for nested networks.
struct Source {
  size_t layer = 0;
  size_t call = 0;
  size_t output = 0;
};

struct Layer {
  std::string class_name;
  std::string name;
  Json config;
  std::vector<std::vector<Source>> calls;  // inputs of each; one call without inputs for InputLayer
};

struct Call {
  size_t layer = 0;
  size_t call = 0;
};

struct Network {
  std::string class_name;
  std::string name;
  std::vector<Layer> layers;
  std::vector<Source> inputs;  // InputLayers
  std::vector<Source> outputs;
  std::vector<Call> order;  // every call, each after those that feed it
};

bool is_network(const std::string& class_name);

// `model` is {"class_name": ..., "config": ...}. A Sequential without an InputLayer gets one.
// Throws Error(path, ...) for what is malformed, refers to layers that are not there, or runs in a
// circle.
Network parse_network(const Json& model, const std::string& path);

}  // namespace pare::formats::keras
