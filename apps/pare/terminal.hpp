// SPDX-License-Identifier: Apache-2.0
// Progress for people, on stderr: one line that is drawn over, with bar and remaining time, on a
// terminal; plain lines at most every ten seconds where there is none (a log file, CI).
#pragma once

#include <memory>
#include <string>

#include "lib/core/progress.hpp"

namespace pare::cli {

struct TerminalOptions {
  bool bar = false;  // stderr is a terminal that wants one
  bool color = false;
  bool quiet = false;    // nothing but errors
  bool verbose = false;  // every unit is a line
};

std::unique_ptr<Progress> make_progress(const TerminalOptions& options);

// Ends a half-drawn bar, so that what is printed next starts on a line of its own.
// Async-signal-safe.
void end_progress_line() noexcept;

// "3 s", "4 min 10 s", "2 h 5 min"
std::string duration_text(double seconds);

}  // namespace pare::cli
