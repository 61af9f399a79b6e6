// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/input_hash.hpp"

#include "formats/companions.hpp"

namespace pare::cli {

InputHash::InputHash(const std::string& path, int threads) {
  if (threads <= 1) {
    hash_ = std::async(std::launch::deferred, [path] { return formats::content_sha256(path); });
    return;
  }
  std::packaged_task<std::string(std::stop_token)> task(
      [path](const std::stop_token& stop) { return formats::content_sha256(path, stop); });
  hash_ = task.get_future();
  worker_ = std::jthread(std::move(task));
}

std::function<void(ir::Metadata&)> InputHash::completion(size_t entry) const {
  return [hash = hash_, entry](ir::Metadata& metadata) {
    metadata.history.at(entry).inputs["model"] = hash.get();
  };
}

}  // namespace pare::cli
