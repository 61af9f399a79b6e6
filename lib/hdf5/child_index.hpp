// SPDX-License-Identifier: Apache-2.0
// What the confined child does: walks an HDF5 file with libhdf5 and lists its arrays as JSON,
// decoding those that cannot be mapped into shared memory. Internal to lib/hdf5; runs in the child
// only.
#pragma once

#include <string>
#include <vector>

#include "lib/hdf5/native.hpp"

namespace pare::hdf5 {

struct ChildTask {
  std::string path;
  std::vector<std::string> only;  // empty: everything
  int shared_memory = -1;         // a memfd for decoded bytes
  int64_t max_decoded_bytes = 0;
  int64_t max_text_bytes = 0;
};

// Opens the file read-only, without locking it. Invalid when that fails.
Handle open_for_listing(const std::string& path);

// {"arrays": [{"n": name, "t": element, "s": element bytes, "d": dims, "f": file offset or "m":
//  offset in shared memory, "b": bytes, "z": stored bytes}],
//  "attributes": {name: integer}, "texts": [{"g": group, "a": {attribute: [string]}}],
//  "unsupported": [name], "too_large" and "too_much_text": true when a limit was hit}
// Throws when the file cannot be walked.
std::string list_arrays(const ChildTask& task, const Handle& file);

}  // namespace pare::hdf5
