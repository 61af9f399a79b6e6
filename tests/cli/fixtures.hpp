// SPDX-License-Identifier: Apache-2.0
// Small models and data sets on disk for the command-line tests.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::test {

// An untrained classifier of synthetic:glyphs that states its preprocessing and labels.
ir::Model small_model(const std::string& architecture = "mlp:784-24-10");
// Writes it, after `change`.
void write_model(const std::string& path, const std::function<void(ir::Model&)>& change = {});
// Replaces a float parameter's values: value(index) for each element.
void set_values(ir::Model& model, const std::string& parameter,
                const std::function<float(int64_t)>& value);
// Name of the first parameter with two or more dimensions.
std::string first_weight(const ir::Model& model);

// A folder of IDX files, `train` + `test` items of 28 x 28 noise, labels i mod 10; `label` may
// override the label of item i of the training file.
void write_idx(const std::string& folder, int train, int test,
               const std::function<int(int)>& label = {});

}  // namespace pare::test
