// SPDX-License-Identifier: Apache-2.0
// What one should know of a data set before training on it: sizes, class balance, ranges, features
// that never change, items that occur twice, and test items that are in train as well.
#pragma once

#include <string>

#include "lib/core/json.hpp"
#include "lib/data/dataset.hpp"

namespace pare::data {

// {"schema_version", "source", "kind", "synthetic", "item", "classes", "splits": {NAME: {"items",
//  "per_class", "fingerprint", "duplicates", "label_conflicts"}}, "statistics": {"of",
//  "input_scale", "rows": [{"name", "min", "max", "mean", "std"}], "constant_features",
//  "constant_count"}, "test_items_in_train": N or null}
// Statistics are of raw values of the train split (the first there is), a row a channel of images,
// a column of tables. Duplicates are items equal to an earlier one of the same split, conflicts
// those of them with another label; the validation split counts as train for the overlap with test.
Json describe(const Splits& splits);

// The same for people, as `pare data` prints it. Names from files are escaped.
std::string render_description(const Json& description);

}  // namespace pare::data
