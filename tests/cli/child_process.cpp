// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/child_process.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <thread>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace pare::test {

namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

constexpr auto kTimeout = std::chrono::minutes(2);

std::string bin_folder() {
  const char* bin = std::getenv("PARE_BIN");
  return bin ? bin : "build/bin";
}

std::string program_path(const std::string& program) {
  return program.find('/') != std::string::npos
             ? program
             : fs::absolute(bin_folder()).string() + "/" + program;
}

void redirect(int target, const std::string& path) {
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  if (fd < 0 || ::dup2(fd, target) < 0) ::_exit(126);
}

[[noreturn]] void become(const Folder& folder, const Launch& launch, std::string program,
                         const std::string& out, const std::string& err) {
  if (::chdir(folder.path().c_str()) != 0) ::_exit(126);
  redirect(STDOUT_FILENO, launch.stdout_path.empty() ? out : launch.stdout_path);
  redirect(STDERR_FILENO, err);
  for (const char* name : {"MAKEFLAGS", "NO_COLOR", "CI", "PARE_ISA"}) ::unsetenv(name);
  for (const auto& [name, value] : launch.environment) ::setenv(name.c_str(), value.c_str(), 1);
  if (launch.file_size_limit > 0) {
    const rlimit limit{static_cast<rlim_t>(launch.file_size_limit),
                       static_cast<rlim_t>(launch.file_size_limit)};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    ::signal(SIGXFSZ, SIG_IGN);
  }
  if (launch.data_limit > 0) {
    const rlimit limit{static_cast<rlim_t>(launch.data_limit),
                       static_cast<rlim_t>(launch.data_limit)};
    ::setrlimit(RLIMIT_DATA, &limit);
  }
  std::vector<std::string> words{program};
  words.insert(words.end(), launch.arguments.begin(), launch.arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  ::_exit(127);
}

int wait_for(pid_t child, const Launch& launch) {
  const auto start = Clock::now();
  bool signalled = launch.signal == 0;
  for (;;) {
    int status = 0;
    if (::waitpid(child, &status, WNOHANG) == child) {
      return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    }
    const auto elapsed = Clock::now() - start;
    if (!signalled && elapsed >= std::chrono::milliseconds(launch.signal_after_ms)) {
      ::kill(child, launch.signal);
      signalled = true;
    }
    if (elapsed > kTimeout) {
      ::kill(child, SIGKILL);
      ::waitpid(child, &status, 0);
      throw std::runtime_error("the child did not end in time");
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
}

}  // namespace

Folder::Folder() {
  std::string pattern = (fs::temp_directory_path() / "pare-cli-XXXXXX").string();
  if (!::mkdtemp(pattern.data())) throw std::runtime_error("cannot create a scratch folder");
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<std::string> Folder::names() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(path_)) {
    names.push_back(entry.path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

Finished run(const Folder& folder, const Launch& launch) {
  const Folder capture;
  const std::string out = capture.at("out");
  const std::string err = capture.at("err");
  const std::string program = program_path(launch.program);  // before the folder changes
  // Signals wait until the child has dropped the test framework's handlers.
  sigset_t all, before;
  sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  const pid_t child = ::fork();
  if (child == 0) {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGSEGV, SIGABRT}) {
      ::signal(number, SIG_DFL);
    }
    ::sigprocmask(SIG_SETMASK, &before, nullptr);
    become(folder, launch, program, out, err);
  }
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  if (child < 0) throw std::runtime_error("cannot fork");
  Finished finished{.code = wait_for(child, launch)};
  if (launch.stdout_path.empty()) finished.out = read_file(out);
  finished.err = read_file(err);
  return finished;
}

Finished run(const Folder& folder, const std::vector<std::string>& arguments) {
  return run(folder, Launch{.arguments = arguments});
}

bool has_executable(const std::string& name) {
  return ::access(program_path(name).c_str(), X_OK) == 0;
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace pare::test
