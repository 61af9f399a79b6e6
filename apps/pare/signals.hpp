// SPDX-License-Identifier: Apache-2.0
// Caught signals: temporary siblings of outputs and private folders go, then the signal takes its
// usual course, so that a shell or make sees who was killed by what (128 + N).
#pragma once

#include <cstddef>
#include <string>

namespace pare::cli {

// SIGINT, SIGTERM, SIGHUP and SIGPIPE.
void install_signal_handlers();

inline constexpr size_t kMostForwardings = 64;

// Signals that arrive while one of these lives go on to the child as well (`pare run`); at most
// kMostForwardings live at once.
class SignalForwarding {
 public:
  explicit SignalForwarding(int child_pid);
  ~SignalForwarding();
  SignalForwarding(const SignalForwarding&) = delete;
  SignalForwarding& operator=(const SignalForwarding&) = delete;

 private:
  size_t slot_ = 0;
};

// A folder under TMPDIR that only this user can read, for one file that another process leaves for
// this one. It goes when this object does, or with a caught signal. One at a time.
class PrivateFolder {
 public:
  PrivateFolder();
  ~PrivateFolder();
  PrivateFolder(const PrivateFolder&) = delete;
  PrivateFolder& operator=(const PrivateFolder&) = delete;
  // Where the file belongs: FOLDER/model.pare.
  const std::string& file() const { return file_; }

 private:
  std::string file_;
};

}  // namespace pare::cli
