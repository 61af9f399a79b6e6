// SPDX-License-Identifier: Apache-2.0
// Caught signals: temporary siblings of outputs go, then the signal takes its usual course, so that
// a shell or make sees who was killed by what (128 + N).
#pragma once

namespace pare::cli {

// SIGINT, SIGTERM, SIGHUP and SIGPIPE.
void install_signal_handlers();

// Signals that arrive while one of these lives go on to the child as well (`pare run`).
class SignalForwarding {
 public:
  explicit SignalForwarding(int child_pid);
  ~SignalForwarding();
  SignalForwarding(const SignalForwarding&) = delete;
  SignalForwarding& operator=(const SignalForwarding&) = delete;
};

}  // namespace pare::cli
