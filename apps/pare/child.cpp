// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/child.hpp"

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/pare/sibling.hpp"
#include "apps/pare/signals.hpp"
#include "lib/core/error.hpp"

namespace pare::cli {

namespace {

// In the child, before exec.
void prepare(pid_t parent, const ChildOptions& options) {
  // SIGTERM, so that it removes its temporary files. The setting outlives exec.
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
  if (::getppid() != parent) ::_exit(128 + SIGTERM);  // the parent went before that took effect
  if (options.stdout_to_stderr) ::dup2(STDERR_FILENO, STDOUT_FILENO);
  if (options.no_stdout || options.silent) {
    const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
    ::dup2(nowhere, STDOUT_FILENO);
    if (options.silent) ::dup2(nowhere, STDERR_FILENO);
  }
  if (options.plain) ::setenv("CI", "1", 1);
}

}  // namespace

pid_t start_child(const std::vector<std::string>& arguments, const ChildOptions& options) {
  const std::string program = own_path();
  std::vector<std::string> words{"pare"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  std::fflush(nullptr);
  const pid_t parent = ::getpid();
  const pid_t child = ::fork();
  if (child < 0) throw Error("pare", std::string("cannot start a step: ") + std::strerror(errno));
  if (child == 0) {
    prepare(parent, options);
    ::execv(program.c_str(), argv.data());
    ::_exit(static_cast<int>(ExitCode::kBug));
  }
  return child;
}

EndedChild wait_child(pid_t child) {
  int status = 0;
  pid_t ended = 0;
  while ((ended = ::waitpid(child, &status, 0)) < 0) {
    if (errno != EINTR) throw Error("pare", std::string("lost a step: ") + std::strerror(errno));
  }
  return {ended, WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status)};
}

int run_child(const std::vector<std::string>& arguments, const ChildOptions& options) {
  const pid_t child = start_child(arguments, options);
  const SignalForwarding forwarding(child);
  return wait_child(child).code;
}

}  // namespace pare::cli
