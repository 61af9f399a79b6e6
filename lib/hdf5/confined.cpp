// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/confined.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/error.hpp"

namespace pare::hdf5 {

namespace {

using Clock = std::chrono::steady_clock;

void limit(__rlimit_resource which, int64_t value) {
  rlimit now{};
  ::getrlimit(which, &now);
  const auto wanted = static_cast<rlim_t>(std::max<int64_t>(value, 0));
  now.rlim_max = std::min(now.rlim_max, wanted);
  now.rlim_cur = now.rlim_max;
  ::setrlimit(which, &now);
}

// Pages of address space this process has now.
int64_t address_space_bytes() {
  long pages = 0;
  if (FILE* statm = std::fopen("/proc/self/statm", "re")) {
    if (std::fscanf(statm, "%ld", &pages) != 1) pages = 0;
    std::fclose(statm);
  }
  return pages * ::sysconf(_SC_PAGESIZE);
}

void close_all_but(std::vector<int> keep) {
  std::sort(keep.begin(), keep.end());
  unsigned first = 3;
  for (const int fd : keep) {
    if (static_cast<unsigned>(fd) > first) ::close_range(first, static_cast<unsigned>(fd) - 1, 0);
    first = std::max(first, static_cast<unsigned>(fd) + 1);
  }
  ::close_range(first, ~0U, 0);
}

// The parent's handlers remove its unfinished outputs: not the child's business. stdio goes
// nowhere, since the C library prints when it finds the heap corrupted.
void detach(const Confinement& limits, int result_pipe, pid_t parent) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != parent) ::_exit(1);
  for (int number = 1; number < NSIG; ++number) ::signal(number, SIG_DFL);
  ::signal(SIGPIPE, SIG_IGN);
  const int nowhere = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  for (int fd = 0; fd < 3; ++fd) ::dup2(nowhere, fd);
  std::vector<int> keep = limits.keep_open;
  keep.push_back(result_pipe);
  close_all_but(std::move(keep));
}

void apply_limits(const Confinement& limits) {
  limit(RLIMIT_CORE, 0);
  limit(RLIMIT_CPU, limits.cpu_seconds);
  limit(RLIMIT_FSIZE, limits.file_bytes);
  limit(RLIMIT_NPROC, 0);
  const int64_t now = address_space_bytes();
  if (now > 0) limit(RLIMIT_AS, now + limits.memory_bytes);
  limit(RLIMIT_NOFILE, 0);  // those that are open stay open
}

[[noreturn]] void child(const Confinement& limits, int result_pipe, pid_t parent,
                        const std::function<void()>& open,
                        const std::function<std::string()>& work) noexcept {
  detach(limits, result_pipe, parent);
  try {
    open();
    apply_limits(limits);
    const std::string result = work();
    for (size_t at = 0; at < result.size();) {
      const ssize_t n = ::write(result_pipe, result.data() + at, result.size() - at);
      if (n <= 0) ::_exit(1);
      at += static_cast<size_t>(n);
    }
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

// All the child says until it closes the pipe; nothing when that is too much or takes too long.
std::optional<std::string> listen(int pipe, const Confinement& limits) {
  // CPU time is limited in the child; this stops one that waits for ever.
  const auto deadline = Clock::now() + std::chrono::seconds(4 * limits.cpu_seconds + 30);
  std::string said;
  std::array<char, 65536> chunk;
  while (true) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    if (left <= 0) return std::nullopt;
    pollfd waiting{.fd = pipe, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waiting, 1, static_cast<int>(std::min<int64_t>(left, 1000)));
    if (ready == 0 || (ready < 0 && errno == EINTR)) continue;
    const ssize_t n = ::read(pipe, chunk.data(), chunk.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return std::nullopt;
    if (n == 0) return said;
    if (static_cast<int64_t>(said.size()) + n > limits.max_result_bytes) return std::nullopt;
    said.append(chunk.data(), static_cast<size_t>(n));
  }
}

// Whether the child ended by itself, with 0.
bool reap(pid_t pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno == EINTR) continue;
    // Children are reaped elsewhere (SIGCHLD ignored): what was said has to speak for itself.
    return errno == ECHILD;
  }
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

}  // namespace

std::optional<std::string> run_confined(const Confinement& limits,
                                        const std::function<void()>& open,
                                        const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw Error("pipe", "no descriptors left");
  const pid_t parent = ::getpid();
  const pid_t pid = ::fork();
  if (pid < 0) {
    ::close(ends[0]);
    ::close(ends[1]);
    throw Error("fork", "no process left to parse the file in");
  }
  if (pid == 0) child(limits, ends[1], parent, open, work);
  ::close(ends[1]);
  std::optional<std::string> said = listen(ends[0], limits);
  ::close(ends[0]);
  if (!said) ::kill(pid, SIGKILL);
  if (!reap(pid)) return std::nullopt;
  return said;
}

}  // namespace pare::hdf5
