// SPDX-License-Identifier: Apache-2.0
// Atomic output. Bytes go to a locked sibling `.NAME.pare-PID` in the target's folder; commit()
// fsyncs it, renames it onto the final name and fsyncs the folder. The final name therefore never
// holds a partial file; a destructor or a caught signal removes the sibling, and opening the same
// target later removes siblings that no living process locks (left by kill -9).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace pare {

class OutputFile {
 public:
  // Creates the sibling. Throws Error(path, ...): no such folder, folder not writable, target is a
  // folder, no space left.
  explicit OutputFile(const std::string& path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Path of the sibling, for libraries that insist on opening a file by name (HDF5).
  const std::string& staging_path() const { return staging_; }
  // Throws Error(path) unless so many more bytes fit on the disk: before the work, not after it.
  void require_space(int64_t bytes) const;
  // Appends. Throws Error(path) on a full disk.
  void write(std::span<const std::byte> bytes);
  void write(std::string_view text) { write(std::as_bytes(std::span(text))); }
  // Writes where `offset` says, inside the file or beyond its end, whatever write() has written.
  void write_at(int64_t offset, std::span<const std::byte> bytes);
  // Forces what was written to the disk, so that commit() can only fail to rename. An output of
  // several files syncs all of them before it commits the first. Throws Error(path) on a full disk.
  void sync();
  // Makes the file appear under its final name. May be called once.
  void commit();
  // The same under another name in the same folder: one that depends on the contents.
  void commit_as(const std::string& path);

 private:
  std::string path_;
  std::string staging_;
  int fd_ = -1;
  bool committed_ = false;
};

// Writes `text` to `path` atomically; "-" writes to stdout.
void write_text_file(const std::string& path, std::string_view text);
// Throws Error(path) unless an OutputFile could be opened there; leaves nothing behind. Called
// before long work.
void check_writable(const std::string& path);
// Removes every live sibling of this process; async-signal-safe, for signal handlers.
void remove_staging_files() noexcept;

}  // namespace pare
