// SPDX-License-Identifier: Apache-2.0
// The two ways something can go wrong. `Error` is the user's to fix: a file, a flag, data. It
// carries a subject (what it is about: a path, a flag, a layer) and a fact (found versus expected),
// and is printed as exactly one line `pare: error: <subject>: <fact>`. `Bug` is ours: a broken
// invariant.
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>

namespace pare {

// Process exit codes, the same for every executable (docs/cli.md).
enum class ExitCode : int {
  kOk = 0,
  kFailure = 1,  // files, data, patterns against a model, I/O
  kUsage = 2,    // wrong in the arguments alone
  kGateFailed = 3,
  kInconclusive = 4,
  kBug = 70,
};

class Error : public std::runtime_error {
 public:
  Error(std::string_view subject, std::string_view fact, ExitCode code = ExitCode::kFailure);
  const std::string& subject() const { return subject_; }
  const std::string& fact() const { return fact_; }
  ExitCode code() const { return code_; }

 private:
  std::string subject_;
  std::string fact_;
  ExitCode code_;
};

// An error in the arguments alone: exit code 2.
class UsageError : public Error {
 public:
  UsageError(std::string_view subject, std::string_view fact)
      : Error(subject, fact, ExitCode::kUsage) {}
};

// A broken invariant of ours: exit code 70.
class Bug : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

inline void require(bool condition, const char* invariant) {
  if (!condition) throw Bug(invariant);
}

// `text` with control characters, backslashes and invalid UTF-8 replaced by \xNN, cut after
// `max_bytes`: names that come from files are never printed raw.
std::string escaped(std::string_view text, size_t max_bytes = 200);

}  // namespace pare
