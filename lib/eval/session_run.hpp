// SPDX-License-Identifier: Apache-2.0
// A model of the runtime as something the latency protocol times.
#pragma once

#include "lib/eval/latency.hpp"
#include "lib/runtime/session.hpp"

namespace pare::eval {

// Every call of the result plans a session of its own; `fill` writes its inputs. `model` has to
// outlive the result.
MakeRun session_run(const ir::Model& model, runtime::SessionOptions options,
                    std::function<void(runtime::Session&)> fill);

}  // namespace pare::eval
