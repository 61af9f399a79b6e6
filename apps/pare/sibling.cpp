// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/sibling.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>

#include <unistd.h>

#include "apps/pare/command.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"

namespace pare::cli {

namespace fs = std::filesystem;

std::string handshake() {
  Sha256Stream digest;
  for (const CommandRow& row : all_commands()) {
    digest.update(row.name);
    for (const pass::Option& option : schema_of(row.make())) {
      const Json line = {option.name, static_cast<int>(option.type), option.fallback,
                         option.choices};
      digest.update(to_text(line));
    }
  }
  return std::string(PARE_VERSION) + "/" + to_hex(digest.finish()).substr(0, 16);
}

void check_handshake(std::string_view theirs) {
  if (theirs == handshake()) return;
  throw Error("pare-train", "belongs to another build of pare: it is " + handshake() +
                                ", pare is " + std::string(theirs) + "; rebuild or reinstall both");
}

std::string own_path() {
  std::error_code failure;
  return fs::read_symlink("/proc/self/exe", failure).string();
}

std::string find_pare_train() {
  const fs::path folder = fs::path(own_path()).parent_path();
  for (const fs::path& candidate :
       {folder / "pare-train", folder.parent_path() / "libexec" / "pare" / "pare-train"}) {
    if (::access(candidate.c_str(), X_OK) == 0) return candidate.string();
  }
  return "";
}

void continue_in_pare_train(std::string_view command, std::span<char* const> arguments,
                            int threads) {
  const std::string path = find_pare_train();
  if (path.empty()) {
    throw Error("pare " + std::string(command),
                "this build has no libtorch: training needs the executable pare-train beside pare "
                "(install libtorch-dev and build again)");
  }
  prepare_training_environment(threads);
  std::string greeting = std::string(kHandshakeFlag) + handshake();
  std::string name = path;
  std::vector<char*> argv{name.data(), greeting.data()};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  argv.push_back(nullptr);
  ::execv(path.c_str(), argv.data());
  throw Error(path, std::string("cannot be run: ") + std::strerror(errno));
}

std::string probe_text() {
  std::set<std::string> libraries;
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    const size_t slash = line.find('/');
    if (slash == std::string::npos) continue;
    const std::string path = line.substr(slash);
    for (const char* part : {"blas", "libtorch", "libmkl", "libdnnl", "libgomp", "libomp"}) {
      if (fs::path(path).string().find(part) != std::string::npos) libraries.insert(path);
    }
  }
  return to_text(
      Json{{"version", PARE_VERSION}, {"handshake", handshake()}, {"libraries", libraries}});
}

}  // namespace pare::cli
