// SPDX-License-Identifier: Apache-2.0
// Runs a command and prints what it took, one line on stdout:
//   EXIT_CODE PEAK_PRIVATE_MB USER_S SYSTEM_S WALL_S
// Private memory is RssAnon of /proc/PID/status, read every two milliseconds: pages of mapped files
// do not count, they go away when memory is needed. The command's own output goes to stderr.
// With --data MB the command may allocate so much and no more (RLIMIT_DATA, `ulimit -d`).
//
// usage: measure [--data MB] COMMAND [ARGUMENT...]
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

// In kB; 0 when the process is gone.
int64_t private_memory(const std::string& status_path) {
  std::FILE* file = std::fopen(status_path.c_str(), "r");
  if (!file) return 0;
  char line[256];
  long long found = 0;
  while (std::fgets(line, sizeof line, file)) {
    if (std::sscanf(line, "RssAnon: %lld", &found) == 1) break;
  }
  std::fclose(file);
  return found;
}

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

[[noreturn]] void run(char** command, double megabytes) {
  if (megabytes > 0) {
    const auto bytes = static_cast<rlim_t>(megabytes * 1e6);
    const rlimit limit{bytes, bytes};
    setrlimit(RLIMIT_DATA, &limit);
  }
  dup2(2, 1);
  execvp(command[0], command);
  std::perror(command[0]);
  _exit(127);
}

}  // namespace

int main(int argc, char** argv) {
  const bool limited = argc > 3 && std::strcmp(argv[1], "--data") == 0;
  char** command = argv + (limited ? 3 : 1);
  if (argc < 2) {
    std::fprintf(stderr, "usage: measure [--data MB] COMMAND [ARGUMENT...]\n");
    return 2;
  }
  const auto start = std::chrono::steady_clock::now();
  const pid_t child = fork();
  if (child == 0) run(command, limited ? std::atof(argv[2]) : 0);
  const std::string status_path = "/proc/" + std::to_string(child) + "/status";
  int64_t peak = 0;
  int status = 0;
  rusage used{};
  while (wait4(child, &status, WNOHANG, &used) == 0) {
    const int64_t now = private_memory(status_path);
    peak = now > peak ? now : peak;
    usleep(2000);
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  std::printf("%d %.1f %.2f %.2f %.2f\n", code, static_cast<double>(peak) * 1024 / 1e6,
              seconds(used.ru_utime), seconds(used.ru_stime), wall.count());
  return 0;
}
