// SPDX-License-Identifier: Apache-2.0
// Where long work reports to. The library never prints: it calls a Progress, and the executables
// choose what that does (bar with ETA on a terminal, plain lines otherwise, nothing with -q).
#pragma once

#include <cstdint>
#include <string_view>

namespace pare {

class Progress {
 public:
  virtual ~Progress() = default;
  // `done` of `total` units of `stage` ("calibrating", "epoch 3/14"); `note` is a short free text
  // ("loss 0.31  val 91.2 %  5,120 samples/s").
  virtual void update(std::string_view stage, int64_t done, int64_t total,
                      std::string_view note = {}) {
    (void)stage, (void)done, (void)total, (void)note;
  }
  // A finished unit worth a line of its own.
  virtual void log(std::string_view line) { (void)line; }
  // Something the user should know and may want to act on.
  virtual void warn(std::string_view line) { (void)line; }
};

// The silent one.
Progress& no_progress();

}  // namespace pare
