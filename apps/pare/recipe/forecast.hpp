// SPDX-License-Identifier: Apache-2.0
// What a step will write and take, before it runs: arithmetic on the shapes of its input, or of the
// model that an earlier step is going to write. Approximate: excluded layers, folded
// normalizations and what a stranger's writer adds are not foreseen.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "apps/pare/recipe/recipe.hpp"
#include "lib/ir/model.hpp"

namespace pare::cli {

struct Forecast {
  std::optional<int64_t> bytes;   // of its model file
  std::optional<int64_t> memory;  // peak resident bytes
};

class Forecaster {
 public:
  // Steps in the recipe's order: each may build on what the earlier ones write. Never throws for
  // files that cannot be read; what cannot be known is left out.
  Forecast of(const RecipeStep& step);

 private:
  // A model as it is, and how its weights are going to be stored.
  struct Expected {
    std::shared_ptr<const ir::Model> model;
    double weight_bits = 32;
    bool wide_filters = false;  // weights of convolutions keep 8 bits, a scale a channel
    double sparsity = 0;
    int64_t group = 0;     // weights that share a scale; 0: a channel
    bool as_read = false;  // the file exists: what it stores is known
  };
  std::optional<Expected> expected_at(const std::string& path);
  std::optional<Expected> result_of(const RecipeStep& step);
  std::optional<Expected> fresh(const RecipeStep& step);
  static int64_t bytes_of(const Expected& expected);
  static int64_t memory_of(const RecipeStep& step, const ir::Model& model);

  std::map<std::string, std::optional<Expected>> known_;
};

// "412 bytes", "19 KB", "1.2 MB": to two or three digits.
std::string rounded_bytes(int64_t bytes);

}  // namespace pare::cli
