// SPDX-License-Identifier: Apache-2.0
// SHA-256 of a model file for history, worked out by a thread of its own while that model is
// compressed and written: it takes as long as everything else, and nobody needs it before the end.
// Where that fails, nobody waits for it either.
#pragma once

#include <functional>
#include <future>
#include <string>
#include <thread>

#include "lib/ir/model.hpp"

namespace pare::cli {

class InputHash {
 public:
  // Begins at once; with one thread it is worked out when it is first asked for.
  InputHash(const std::string& path, int threads);
  // What stands in history meanwhile: as long as the hash.
  static std::string pending() { return std::string(64, '0'); }
  // For WriteOptions::complete: puts the hash into the inputs of entry `entry`. Throws
  // Error(path) when the file could not be read.
  std::function<void(ir::Metadata&)> completion(size_t entry) const;

 private:
  std::shared_future<std::string> hash_;
  std::jthread worker_;  // stopped when this goes
};

}  // namespace pare::cli
