// SPDX-License-Identifier: Apache-2.0
// --if-changed and --depfile, for any command that writes files. What an output was made from is
// remembered beside it, in .NAME.if-changed.json, as `pare run` remembers its steps: by contents,
// not by dates.
#pragma once

#include <string>
#include <vector>

#include "apps/pare/command.hpp"

namespace pare::cli {

// Throws UsageError when a flag has no effect: the command writes no file with these options.
void check_freshness_flags(const Command& command, const pass::Options& options);

class Freshness {
 public:
  Freshness(const Command& command, const std::vector<std::string>& positionals,
            const pass::Options& options);

  // --if-changed was given and the outputs are what this command line would write.
  bool up_to_date();
  // The command did its work, or had none to do: writes what the flags ask for.
  void record();

 private:
  std::string identity();

  const Command& command_;
  const std::vector<std::string>& positionals_;
  const pass::Options& options_;
  std::vector<std::string> outputs_;
  bool if_changed_;
  std::string depfile_;
  std::string identity_;  // of the inputs as they were before the work
};

}  // namespace pare::cli
