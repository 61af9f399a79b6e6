// SPDX-License-Identifier: Apache-2.0
// Options of recovery training: the rows that every training pass has, without values unless
// --epochs is given, and with defaults that suit a network that is trained already.
#pragma once

#include "lib/pass/options.hpp"

namespace pare::prune {

pass::Schema recovery_options();
// Throws UsageError when a training option is given without --epochs.
void validate_recovery(const pass::Options& options);
// Values of train::training_options(): what was given, else the defaults of recovery.
pass::Options training_values(const pass::Options& options);
// "temperature" or "alpha": given or default.
double distillation_value(const pass::Options& options, const std::string& name);

}  // namespace pare::prune
