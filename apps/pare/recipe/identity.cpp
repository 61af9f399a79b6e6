// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/identity.hpp"

#include <algorithm>
#include <array>
#include <filesystem>

#include "formats/companions.hpp"
#include "lib/core/hash.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

bool is_built_in(const std::string& path) { return path.starts_with("synthetic:"); }

// A folder is the relative names and the contents of the files in it.
std::string folder_hash(const std::string& path) {
  std::vector<std::string> files;
  std::error_code failure;
  for (fs::recursive_directory_iterator at(path, failure), end; !failure && at != end;
       at.increment(failure)) {
    if (at->is_regular_file(failure)) files.push_back(at->path().string());
  }
  if (failure) throw Error(path, "cannot be read: " + failure.message());
  std::ranges::sort(files);
  Sha256Stream digest;
  for (const std::string& file : files) {
    digest.update(file.substr(path.size()) + '\n' + to_hex(sha256_of_file(file)) + '\n');
  }
  return to_hex(digest.finish());
}

// A value that may be repeated, as a list.
std::vector<std::string> paths_of(const Json& value) {
  std::vector<std::string> out;
  for (const Json& path : value.is_array() ? value : Json::array({value})) {
    if (path.is_string()) out.push_back(path.get<std::string>());
  }
  return out;
}

}  // namespace

bool is_input_path(const pass::Option& option) {
  static constexpr std::array<std::string_view, 5> kRead{"FILE", "PATH", "MODEL", "JSON", "CSV"};
  return std::ranges::find(kRead, option.metavar) != kRead.end();
}
bool is_output_path(const pass::Option& option) { return option.metavar == "OUT"; }

std::vector<std::string> files_read(const Command& command,
                                    const std::vector<std::string>& positionals,
                                    const pass::Options& options) {
  std::vector<std::string> out;
  const auto add = [&](const std::string& path) {
    if (is_built_in(path) || std::ranges::find(out, path) != out.end()) return;
    out.push_back(path);
    for (const std::string& companion : formats::companion_files(path)) out.push_back(companion);
  };
  for (const std::string& path : positionals) add(path);
  const Json stated = options.stated();
  for (const pass::Option& option : schema_of(command)) {
    // A path that cannot change the result is a cache.
    if (!is_input_path(option) || !option.changes_result || !stated.contains(option.name)) continue;
    for (const std::string& path : paths_of(stated[option.name])) add(path);
  }
  return out;
}

std::vector<std::string> files_written(const Command& command, const pass::Options& options) {
  std::vector<std::string> out;
  for (const pass::Option& option : schema_of(command)) {
    if (!is_output_path(option) || !options.given(option.name)) continue;
    const std::string path = options.text(option.name);
    if (path != "-") out.push_back(path);
  }
  return out;
}

const std::string& ContentHashes::of(const std::string& path) {
  const auto known = known_.find(path);
  if (known != known_.end()) return known->second;
  if (is_built_in(path)) return known_[path] = path;
  std::error_code failure;
  if (!fs::exists(path, failure)) throw Error(path, "does not exist");
  return known_[path] =
             fs::is_directory(path, failure) ? folder_hash(path) : formats::content_sha256(path);
}

std::string identity_of(const Command& command, const std::vector<std::string>& positionals,
                        const pass::Options& options, ContentHashes& contents) {
  Json identity{{"version", PARE_VERSION}, {"command", command.name}};
  for (const std::string& path : positionals) identity["inputs"].push_back(contents.of(path));
  const Json values = options.resolved();
  for (const pass::Option& option : schema_of(command)) {
    if (!values.contains(option.name)) continue;
    const Json& value = values[option.name];
    if (is_output_path(option)) {
      // The format follows the extension; where the file lies changes nothing in it.
      identity["outputs"][option.name] = fs::path(value.get<std::string>()).extension().string();
    } else if (is_input_path(option)) {
      for (const std::string& path : paths_of(value)) {
        // A path that cannot change the result is a cache, which need not exist yet.
        if (option.changes_result) identity["files"][option.name].push_back(contents.of(path));
      }
    } else if (option.changes_result) {
      identity["options"][option.name] = value;
    }
  }
  Sha256Stream digest;
  digest.update(to_text(identity));
  return to_hex(digest.finish());
}

}  // namespace pare::cli
