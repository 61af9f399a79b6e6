// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/memory.hpp"

#include <cerrno>
#include <chrono>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"

extern char** environ;

namespace pare::eval {
namespace {

constexpr size_t kMaxOutput = size_t{1} << 20;

struct Child {
  pid_t pid = -1;
  int output = -1;
};

// Starts the child with its stdout in a pipe, nothing on stdin and stderr. pid -1 when it fails.
Child start(const std::vector<std::string>& arguments) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  std::vector<char*> argv;
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  Child child;
  if (posix_spawn(&child.pid, argv[0], &actions, nullptr, argv.data(), environ) != 0) {
    child.pid = -1;
  }
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  if (child.pid < 0) {
    close(ends[0]);
  } else {
    child.output = ends[0];
  }
  return child;
}

// Reads until the child closes its end. False when it took too long or said too much.
bool read_all(int descriptor, double timeout_seconds, std::string& text) {
  using Clock = std::chrono::steady_clock;
  const auto end = Clock::now() + std::chrono::duration<double>(timeout_seconds);
  char chunk[4096];
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now());
    pollfd waiting{descriptor, POLLIN, 0};
    if (left.count() <= 0 || poll(&waiting, 1, static_cast<int>(left.count())) == 0) return false;
    const ssize_t got = read(descriptor, chunk, sizeof chunk);
    if (got == 0) return true;
    if (got < 0) continue;  // interrupted
    text.append(chunk, static_cast<size_t>(got));
    if (text.size() > kMaxOutput) return false;
  }
}

PeakMemory parse_peak(const std::string& text) {
  try {
    const Json json = parse_json(text, "pare-infer");
    const auto found = json.find("peak_rss_kb");
    constexpr int64_t kLargest = int64_t{1} << 50;
    if (found == json.end() || !found->is_number_integer() || found->get<int64_t>() <= 0 ||
        found->get<int64_t>() > kLargest) {
      return {.reason = "pare-infer did not report peak_rss_kb"};
    }
    return {.bytes = found->get<int64_t>() * 1024};
  } catch (const Error& error) {
    return {.reason = error.what()};
  }
}

}  // namespace

std::string find_infer_executable() {
  char self[4096];
  const ssize_t length = readlink("/proc/self/exe", self, sizeof self);
  if (length <= 0 || length == static_cast<ssize_t>(sizeof self)) return {};
  std::string path(self, static_cast<size_t>(length));
  path = path.substr(0, path.rfind('/') + 1) + "pare-infer";
  return access(path.c_str(), X_OK) == 0 ? path : std::string();
}

PeakMemory measure_peak_memory(const std::string& infer_executable, const std::string& model_path,
                               double timeout_seconds) {
  if (infer_executable.empty()) return {.reason = "pare-infer is not beside this program"};
  if (model_path.empty()) return {.reason = "the model is not in a file"};
  // A path that begins with '-' must not become a flag.
  const std::string path = model_path.front() == '-' ? "./" + model_path : model_path;
  const Child child = start(
      {infer_executable, path, "--input", "zeros", "--threads", "1", "--json", "--repeat", "3"});
  if (child.pid < 0) return {.reason = "pare-infer could not be started"};
  std::string text;
  const bool complete = read_all(child.output, timeout_seconds, text);
  close(child.output);
  if (!complete) kill(child.pid, SIGKILL);
  int status = 0;
  while (waitpid(child.pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!complete) return {.reason = "pare-infer took too long"};
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) return {.reason = "pare-infer failed"};
  return parse_peak(text);
}

}  // namespace pare::eval
