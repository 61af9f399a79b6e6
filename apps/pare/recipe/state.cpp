// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/state.hpp"

#include <algorithm>
#include <filesystem>

#include "lib/core/hash.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;

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

}  // namespace

RecipeState::RecipeState(const std::string& output_dir, Progress& progress)
    : path_((fs::path(output_dir) / ".pare-run.json").string()) {
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

std::string RecipeState::content_hash(const std::string& path) {
  if (path.starts_with("synthetic:")) return path;
  const auto known = contents_.find(path);
  if (known != contents_.end()) return known->second;
  std::error_code failure;
  if (!fs::exists(path, failure)) throw Error(path, "does not exist");
  return contents_[path] =
             fs::is_directory(path, failure) ? folder_hash(path) : to_hex(sha256_of_file(path));
}

std::string RecipeState::hash_of(const RecipeStep& step) {
  Json identity{{"version", PARE_VERSION}, {"command", step.command.name}};
  for (const std::string& path : step.positionals) identity["inputs"].push_back(content_hash(path));
  const Json values = step.options.resolved();
  for (const pass::Option& option : schema_of(step.command)) {
    if (!values.contains(option.name)) continue;
    const Json& value = values[option.name];
    if (is_output_path(option)) {
      identity["outputs"][option.name] = value;
    } else if (is_input_path(option)) {
      for (const Json& path : value.is_array() ? value : Json::array({value})) {
        // A path that cannot change the result is a cache, which need not exist yet.
        if (option.changes_result) {
          identity["files"][option.name].push_back(content_hash(path.get<std::string>()));
        }
      }
    } else if (option.changes_result) {
      identity["options"][option.name] = value;
    }
  }
  Sha256Stream digest;
  digest.update(to_text(identity));
  return to_hex(digest.finish());
}

bool RecipeState::up_to_date(const RecipeStep& step, const std::string& hash) {
  const Json entry = steps_.value(step.name, Json());
  if (!entry.is_object() || entry.value("hash", Json()) != hash) return false;
  const Json outputs = entry.value("outputs", Json::object());
  for (const std::string& path : step.outputs) {
    std::error_code failure;
    if (!fs::is_regular_file(path, failure) || outputs.value(path, Json()) != content_hash(path)) {
      return false;
    }
  }
  return !step.outputs.empty();
}

void RecipeState::record(const RecipeStep& step, const std::string& hash) {
  Json outputs = Json::object();
  for (const std::string& path : step.outputs) {
    contents_.erase(path);
    outputs[path] = content_hash(path);
  }
  steps_[step.name] = Json{{"hash", hash}, {"outputs", outputs}};
  write_text_file(path_,
                  to_text(Json{{"schema_version", kSchemaVersion}, {"steps", steps_}}, 2) + "\n");
}

}  // namespace pare::cli
