// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/signals.hpp"

#include <atomic>
#include <csignal>

#include <sys/types.h>

#include "apps/pare/terminal.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

std::atomic<pid_t> g_child{0};

void on_signal(int number) {
  remove_staging_files();
  end_progress_line();
  if (const pid_t child = g_child; child > 0) ::kill(child, number);
  // SA_RESETHAND put the default action back; it runs when this handler returns.
  ::raise(number);
}

}  // namespace

void install_signal_handlers() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction current {};
    // A parent that ignores a signal (nohup) means it for us too.
    if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN &&
        number != SIGPIPE) {
      continue;
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigfillset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
  }
}

SignalForwarding::SignalForwarding(int child_pid) { g_child = child_pid; }
SignalForwarding::~SignalForwarding() { g_child = 0; }

}  // namespace pare::cli
