// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/signals.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <string_view>

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include "apps/pare/terminal.hpp"
#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

std::array<std::atomic<pid_t>, kMostForwardings> g_children{};

// Names that a signal handler can remove; valid while `g_has_folder`.
std::atomic<bool> g_has_folder{false};
char g_folder[PATH_MAX];
char g_folder_file[PATH_MAX];
char g_folder_checkpoint[PATH_MAX];
char g_folder_sibling[PATH_MAX];  // OutputFile's, up to the writer's process id

constexpr std::string_view kFolderFile = "/model.pare";
constexpr std::string_view kFolderSibling = "/.model.pare.pare-";

// Async-signal-safe. The process that writes into the folder is stopped first; what it had begun
// is OutputFile's sibling.
void remove_folder(pid_t writer) {
  if (!g_has_folder.exchange(false)) return;
  if (writer > 0) {
    ::kill(writer, SIGKILL);
    ::waitpid(writer, nullptr, 0);
    char* end = g_folder_sibling + std::strlen(g_folder_sibling);
    char* at = std::to_chars(end, g_folder_sibling + PATH_MAX - 1, writer).ptr;
    *at = '\0';
    ::unlink(g_folder_sibling);
  }
  ::unlink(g_folder_file);
  ::unlink(g_folder_checkpoint);
  ::rmdir(g_folder);
}

void on_signal(int number) {
  remove_staging_files();
  end_progress_line();
  if (g_has_folder) {
    remove_folder(g_children.front());
  } else {
    for (const std::atomic<pid_t>& child : g_children) {
      if (child > 0) ::kill(child, number);
    }
  }
  // SA_RESETHAND put the default action back; it runs when this handler returns.
  ::raise(number);
}

}  // namespace

void install_signal_handlers() {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction current {};
    // A parent that ignores a signal (nohup) means it for us too.
    if (::sigaction(number, nullptr, &current) == 0 && current.sa_handler == SIG_IGN &&
        number != SIGPIPE) {
      continue;
    }
    struct sigaction action {};
    action.sa_handler = on_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigfillset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
  }
}

SignalForwarding::SignalForwarding(int child_pid) {
  for (slot_ = 0; slot_ < kMostForwardings; ++slot_) {
    pid_t free = 0;
    if (g_children[slot_].compare_exchange_strong(free, child_pid)) return;
  }
  throw Bug("no room to forward signals to one more child");
}
SignalForwarding::~SignalForwarding() { g_children[slot_] = 0; }

PrivateFolder::PrivateFolder() {
  require(!g_has_folder, "one private folder at a time");
  std::error_code failure;
  std::string name = (std::filesystem::temp_directory_path(failure) / "pare-XXXXXX").string();
  if (failure) throw Error("TMPDIR", failure.message());
  if (name.size() + kFolderSibling.size() + 32 > PATH_MAX) throw Error("TMPDIR", "is too long");
  if (!::mkdtemp(name.data())) {
    throw Error(name, std::string("cannot be created: ") + std::strerror(errno));
  }
  file_ = name + std::string(kFolderFile);
  std::snprintf(g_folder, sizeof g_folder, "%s", name.c_str());
  std::snprintf(g_folder_file, sizeof g_folder_file, "%s", file_.c_str());
  std::snprintf(g_folder_checkpoint, sizeof g_folder_checkpoint, "%s.checkpoint", file_.c_str());
  std::snprintf(g_folder_sibling, sizeof g_folder_sibling, "%s%s", name.c_str(),
                kFolderSibling.data());
  g_has_folder = true;
}

PrivateFolder::~PrivateFolder() {
  g_has_folder = false;
  std::error_code ignored;
  std::filesystem::remove_all(std::filesystem::path(file_).parent_path(), ignored);
}

}  // namespace pare::cli
