// SPDX-License-Identifier: Apache-2.0
// One function a command, each in the file of its name; the table is in ../commands.cpp.
#pragma once

#include "apps/pare/command.hpp"

namespace pare::cli {

Command make_train();
Command make_distill();
Command make_prune();
Command make_quantize();
Command make_eval();
Command make_gate();
Command make_predict();
Command make_bench();
Command make_convert();
Command make_inspect();
Command make_run();
Command make_sweep();
Command make_verify();
Command make_data();
Command make_diagnose();
Command make_doctor();
Command make_completion();
Command make_man();

// --budget, of the commands that judge.
pass::Option budget_option();

}  // namespace pare::cli
