// SPDX-License-Identifier: Apache-2.0
#include "formats/companions.hpp"

#include <algorithm>
#include <filesystem>

#include "formats/formats.hpp"
#include "formats/onnx/onnx_format.hpp"
#include "formats/safetensors/safetensors_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;

// Names as the file states them, relative to its folder.
std::vector<std::string> stated(const std::string& path) {
  try {
    const std::string_view format = format_of(path).name;
    if (format == "onnx") return onnx_external_files(path);
    if (format == "safetensors") return safetensors_shards(path);
  } catch (const Error&) {  // the reader will say what is wrong with it
  }
  return {};
}

}  // namespace

std::vector<std::string> companion_files(const std::string& path) {
  std::vector<std::string> out;
  for (const std::string& name : stated(path)) {
    const fs::path inside = fs::path(name).lexically_normal();
    // Readers refuse what leaves the folder; it is not looked at here either.
    const bool leaves = inside.is_absolute() || inside.empty() || *inside.begin() == "..";
    if (leaves || name.find('\0') != std::string::npos) continue;
    out.push_back((fs::path(path).parent_path() / inside).string());
  }
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

std::string content_sha256(const std::string& path, const std::stop_token& stop) {
  const std::string own = to_hex(sha256_of_file(path, stop));
  const std::vector<std::string> companions = companion_files(path);
  if (companions.empty()) return own;
  Sha256Stream digest;
  digest.update(own + '\n');
  // Without names: renamed together, a model and its files stay what they are.
  for (const std::string& file : companions) {
    digest.update(to_hex(sha256_of_file(file, stop)) + '\n');
  }
  return to_hex(digest.finish());
}

}  // namespace pare::formats
