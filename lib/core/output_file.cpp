// SPDX-License-Identifier: Apache-2.0
#include "lib/core/output_file.hpp"

#include <array>
#include <atomic>
#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "lib/core/error.hpp"

namespace pare {

namespace {

namespace fs = std::filesystem;

// Names of live siblings, where a signal handler can reach them. A slot is claimed by `used`, and
// `ready` says that its name is whole.
struct Slot {
  std::atomic<bool> used{false};
  std::atomic<bool> ready{false};
  char name[PATH_MAX];
};
std::array<Slot, 16> g_slots;

void remember(const std::string& staging) {
  for (Slot& slot : g_slots) {
    if (slot.used.exchange(true)) continue;
    std::snprintf(slot.name, sizeof slot.name, "%s", staging.c_str());
    slot.ready = true;
    return;
  }
  throw Bug("more than 16 outputs open at once");
}

void forget(const std::string& staging) {
  for (Slot& slot : g_slots) {
    if (slot.ready && staging == slot.name) {
      slot.ready = false;
      slot.used = false;
      return;
    }
  }
}

fs::path folder_of(const std::string& path) {
  const fs::path parent = fs::path(path).parent_path();
  return parent.empty() ? fs::path(".") : parent;
}

std::string sibling_prefix(const std::string& path) {
  return "." + fs::path(path).filename().string() + ".pare-";
}

// Siblings of earlier runs that died: nobody holds their lock.
void remove_abandoned(const fs::path& folder, const std::string& prefix) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    const int fd = ::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) continue;
    if (::flock(fd, LOCK_EX | LOCK_NB) == 0) ::unlink(entry.path().c_str());
    ::close(fd);
  }
}

void check_target(const std::string& path) {
  std::error_code failure;
  const fs::path folder = folder_of(path);
  if (path.empty() || path.back() == '/') throw Error(path, "is not a file name");
  if (!fs::exists(folder, failure))
    throw Error(path, "folder " + folder.string() + " does not exist");
  if (!fs::is_directory(folder, failure)) throw Error(path, folder.string() + " is not a folder");
  if (fs::is_directory(path, failure)) throw Error(path, "is a folder; a file is expected");
  if (fs::exists(path, failure) && !fs::is_regular_file(path, failure)) {
    throw Error(path, "exists and is not a regular file");
  }
}

}  // namespace

OutputFile::OutputFile(const std::string& path) : path_(path) {
  check_target(path);
  const fs::path folder = folder_of(path);
  const std::string prefix = sibling_prefix(path);
  remove_abandoned(folder, prefix);
  staging_ = (folder / (prefix + std::to_string(::getpid()))).string();
  // Before it exists, so that no signal can come between; the name holds our process id.
  remember(staging_);
  fd_ = ::open(staging_.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0) {
    const int reason = errno;
    forget(staging_);
    throw Error(path, std::string("cannot be written: ") + std::strerror(reason));
  }
  ::flock(fd_, LOCK_EX | LOCK_NB);
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!committed_) ::unlink(staging_.c_str());
  forget(staging_);
}

void OutputFile::require_space(int64_t bytes) const {
  struct statvfs disk {};
  // Memory file systems without a limit say that they have no blocks.
  if (::fstatvfs(fd_, &disk) != 0 || disk.f_blocks == 0) return;
  const uint64_t free = uint64_t{disk.f_bavail} * disk.f_frsize;
  if (static_cast<uint64_t>(bytes) <= free) return;
  throw Error(path_, "cannot be written: it needs " + std::to_string(bytes) +
                         " bytes, the disk has " + std::to_string(free) + " free");
}

void OutputFile::write(std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(path_, std::string("cannot be written: ") + std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(n));
  }
}

void OutputFile::write_at(int64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::pwrite(fd_, bytes.data(), bytes.size(), offset);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw Error(path_, std::string("cannot be written: ") + std::strerror(errno));
    bytes = bytes.subspan(static_cast<size_t>(n));
    offset += n;
  }
}

void OutputFile::sync() {
  // Delayed allocation reports a full disk only here.
  if (::fsync(fd_) != 0)
    throw Error(path_, std::string("cannot be written: ") + std::strerror(errno));
}

void OutputFile::commit_as(const std::string& path) {
  require(folder_of(path) == folder_of(path_), "an output stays in its folder");
  check_target(path);
  path_ = path;
  commit();
}

void OutputFile::commit() {
  require(!committed_, "an output is committed once");
  sync();
  struct stat existing {};
  if (::stat(path_.c_str(), &existing) == 0) ::fchmod(fd_, existing.st_mode & 07777);
  if (::rename(staging_.c_str(), path_.c_str()) != 0) {
    throw Error(path_, std::string("cannot be written: ") + std::strerror(errno));
  }
  committed_ = true;
  const int folder = ::open(folder_of(path_).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (folder >= 0) {
    ::fsync(folder);
    ::close(folder);
  }
}

void write_text_file(const std::string& path, std::string_view text) {
  if (path == "-") {
    std::fwrite(text.data(), 1, text.size(), stdout);
    return;
  }
  OutputFile out(path);
  out.write(text);
  out.commit();
}

void check_writable(const std::string& path) {
  if (path != "-") OutputFile probe(path);
}

void remove_staging_files() noexcept {
  for (Slot& slot : g_slots) {
    if (slot.ready) ::unlink(slot.name);
  }
}

}  // namespace pare
