// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/state.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;

}  // namespace

FolderLock::FolderLock(const std::string& folder, Progress& progress) {
  std::error_code failure;
  fs::create_directories(folder, failure);
  if (failure) throw Error(folder, "cannot be created: " + failure.message());
  const std::string path = (fs::path(folder) / ".pare-run.lock").string();
  fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
  if (fd_ < 0) throw Error(path, std::string("cannot be opened: ") + std::strerror(errno));
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) return;
  if (errno == EWOULDBLOCK) {
    progress.log("another pare run works in " + folder + "; waiting for it");
    while (::flock(fd_, LOCK_EX) != 0) {
      if (errno != EINTR) break;
    }
  }
  // A file system without locks: runs go on without them.
}

FolderLock::~FolderLock() {
  if (fd_ >= 0) ::close(fd_);
}

RecipeState::RecipeState(const std::string& output_dir, Progress& progress)
    : folder_(output_dir), path_((fs::path(output_dir) / ".pare-run.json").string()) {
  std::error_code failure;
  if (!fs::exists(path_, failure)) return;
  try {
    const auto file = MappedFile::open(path_);
    const auto bytes = file->bytes();
    const Json json =
        parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path_);
    if (json.is_object() && json.value("schema_version", Json()) == kSchemaVersion &&
        json.value("steps", Json()).is_object()) {
      steps_ = json["steps"];
      return;
    }
    progress.warn(path_ + ": is not a state of this version; every step runs");
  } catch (const Error& error) {
    progress.warn(std::string(error.what()) + "; every step runs");
  }
}

std::string RecipeState::hash_of(const RecipeStep& step) {
  return identity_of(step.command, step.positionals, step.options, contents_);
}

// As remembered: the folder may move, or be named from elsewhere.
std::string RecipeState::local(const std::string& path) const {
  return fs::path(path).lexically_relative(folder_).string();
}

bool RecipeState::up_to_date(const RecipeStep& step, const std::string& hash) {
  const Json entry = steps_.value(step.name, Json());
  if (!entry.is_object() || entry.value("hash", Json()) != hash) return false;
  const Json outputs = entry.value("outputs", Json::object());
  if (!outputs.is_object()) return false;
  for (const std::string& path : step.outputs) {
    std::error_code failure;
    if (!fs::is_regular_file(path, failure) ||
        outputs.value(local(path), Json()) != contents_.of(path)) {
      return false;
    }
  }
  return !step.outputs.empty();
}

void RecipeState::record(const RecipeStep& step, const std::string& hash) {
  Json outputs = Json::object();
  for (const std::string& path : step.outputs) {
    contents_.forget(path);
    outputs[local(path)] = contents_.of(path);
  }
  steps_[step.name] = Json{{"hash", hash}, {"outputs", outputs}};
  write_text_file(path_,
                  to_text(Json{{"schema_version", kSchemaVersion}, {"steps", steps_}}, 2) + "\n");
}

}  // namespace pare::cli
