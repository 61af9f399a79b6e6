// SPDX-License-Identifier: Apache-2.0
// What decides the result of a command line: the command, its resolved options, the contents of the
// files it reads and the version of the tool. Two command lines of the same identity write the same
// bytes (training: with the same number of threads).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "apps/pare/command.hpp"

namespace pare::cli {

// True for options whose value is a path that the command reads, or one that it writes.
bool is_input_path(const pass::Option& option);
bool is_output_path(const pass::Option& option);

// Files and folders that the command reads, in the order of its arguments, each once, a model's
// companions behind it (formats/companions.hpp); built-in data
// sets ("synthetic:glyphs") and caches that need not exist are left out.
std::vector<std::string> files_read(const Command& command,
                                    const std::vector<std::string>& positionals,
                                    const pass::Options& options);
// Files that it writes.
std::vector<std::string> files_written(const Command& command, const pass::Options& options);

// The contents of files and folders as SHA-256, in hex, each looked at once.
class ContentHashes {
 public:
  // Throws Error(path) when it cannot be read. A built-in data set is its name.
  const std::string& of(const std::string& path);
  // The file was written since.
  void forget(const std::string& path) { known_.erase(path); }

 private:
  std::map<std::string, std::string> known_;
};

// SHA-256, hex. Throws Error when an input cannot be read.
std::string identity_of(const Command& command, const std::vector<std::string>& positionals,
                        const pass::Options& options, ContentHashes& contents);

}  // namespace pare::cli
