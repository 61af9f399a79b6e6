// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/session_run.hpp"

#include <memory>
#include <utility>

namespace pare::eval {

MakeRun session_run(const ir::Model& model, runtime::SessionOptions options,
                    std::function<void(runtime::Session&)> fill) {
  return [&model, options = std::move(options), fill = std::move(fill)]() -> Run {
    auto session = std::make_shared<runtime::Session>(model, options);
    fill(*session);
    return [session] { session->run(); };
  };
}

}  // namespace pare::eval
