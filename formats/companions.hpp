// SPDX-License-Identifier: Apache-2.0
// Models that are spread over several files: ONNX with external data, a safetensors index with its
// shards. Whoever hashes a model's file, or lists what a result depends on, needs them all.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

namespace pare::formats {

// The files that the model file `path` refers to, in its own folder or below, sorted; they need not
// exist. Empty for every other file, damaged ones included.
std::vector<std::string> companion_files(const std::string& path);

// SHA-256 in hex of what a model is read from: of the file itself, or, with companions, of a list
// of the hashes of them all. Throws Error(path) when one of the files cannot be read, or once
// `stop` is requested.
std::string content_sha256(const std::string& path, const std::stop_token& stop = {});

}  // namespace pare::formats
