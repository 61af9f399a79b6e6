// SPDX-License-Identifier: Apache-2.0
// A model and a compressed form of it, taken apart into the parts in which they may differ: what
// the model is fed (preprocessing), the codes of its input, and each step that runs (a layer with
// its bias, residual and activation, as runtime/fuse.hpp joins them) with its parameters and the
// codes of its output. Any mixture of parts from the one and from the other is a model that the
// runtime executes: one layer compressed in a float model, one layer restored in an integer model.
//
// A value that a mixture rounds to codes goes through an Identity whose input and output carry the
// codes, so that it is rounded whoever makes it and whoever takes it; steps between codes run in
// integers, everything else in f32 on the values that the codes stand for.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::eval {

enum class PartKind : uint8_t { kPreprocessing, kInput, kLayer, kOther };

// What one of the two models has for a part.
struct PartSide {
  std::map<std::string, ir::Tensor> parameters;  // by the skeleton's names
  std::optional<ir::ActivationQuant> quant;      // of the output
};

struct Part {
  PartKind kind = PartKind::kLayer;
  std::string name;          // of the step's main node; of the input
  std::string op;            // of the main node
  std::string output;        // value of the skeleton; "" of preprocessing
  std::string weight;        // parameter of the skeleton, "" when the step has none
  int output_axis = 0;       // of the weight
  bool depthwise = false;    // one input channel for each output channel
  std::string input;         // value that the step takes, "" when it takes none
  PartSide base, candidate;  // parameters of the same names
  bool differs = false;
};

struct LayerPairs {
  ir::Model skeleton;       // the candidate's graph without codes, the base's parameters
  std::vector<Part> parts;  // all layers, and every other part that differs; in order of execution
  std::set<std::string> passed_on;  // values that have the codes of what they were moved from
  ir::Preprocessing base_preprocessing, candidate_preprocessing;
};

// Nodes are matched by name, or by position where all operators agree. Batch norms are folded
// first. Throws Error(candidate_path, ...) when the candidate is not a compressed form of the base.
LayerPairs pair_layers(const ir::Model& base, const ir::Model& candidate,
                       const std::string& base_path, const std::string& candidate_path);

// The model whose part i is the candidate's where from_candidate[i], else the base's.
ir::Model mixture(const LayerPairs& pairs, const std::vector<bool>& from_candidate);
// The value of a mixture that holds the output of a part after rounding to codes, if it is rounded.
ir::ValueId output_in(const ir::Graph& mixture, const Part& part);

}  // namespace pare::eval
