// SPDX-License-Identifier: Apache-2.0
// Runs the real executables the way a shell does, in a scratch folder of the test.
#pragma once

#include <csignal>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace pare::test {

struct Finished {
  int code = -1;  // exit code; 128 + N when signal N ended it
  std::string out;
  std::string err;
};

struct Launch {
  std::vector<std::string> arguments;  // without the program
  std::string program = "pare";        // a name in the build's bin folder, or a path
  std::map<std::string, std::string> environment = {};
  int signal = 0;  // sent after `signal_after_ms`
  int signal_after_ms = 0;
  std::string stdout_path = {};  // instead of capturing it
  int64_t file_size_limit = 0;   // > 0: RLIMIT_FSIZE, bytes
  int64_t data_limit = 0;        // > 0: RLIMIT_DATA, bytes: heap and private mappings
};

// A scratch folder, removed with everything in it.
class Folder {
 public:
  Folder();
  ~Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  const std::string& path() const { return path_; }
  std::string at(const std::string& name) const { return path_ + "/" + name; }
  // Names in the folder, sorted, hidden ones too.
  std::vector<std::string> names() const;

 private:
  std::string path_;
};

// Waits for the end, at most two minutes (then the child is killed and the test fails).
Finished run(const Folder& folder, const Launch& launch);
Finished run(const Folder& folder, const std::vector<std::string>& arguments);

bool has_executable(const std::string& name);
std::string read_file(const std::string& path);
void write_file(const std::string& path, const std::string& bytes);

}  // namespace pare::test
