// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/input_hash.hpp"

#include "formats/companions.hpp"

namespace pare::cli {

InputHash::InputHash(const std::string& path, int threads)
    : hash_(std::async(threads > 1 ? std::launch::async : std::launch::deferred,
                       formats::content_sha256, path)) {}

std::function<void(ir::Metadata&)> InputHash::completion(size_t entry) const {
  return [hash = hash_, entry](ir::Metadata& metadata) {
    metadata.history.at(entry).inputs["model"] = hash.get();
  };
}

}  // namespace pare::cli
