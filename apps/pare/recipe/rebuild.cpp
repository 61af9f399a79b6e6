// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/rebuild.hpp"

#include <filesystem>
#include <map>
#include <optional>

#include "apps/pare/child.hpp"
#include "apps/pare/provenance.hpp"
#include "apps/pare/recipe/recipe.hpp"
#include "apps/pare/signals.hpp"
#include "formats/companions.hpp"
#include "formats/formats.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/hash.hpp"
#include "lib/data/dataset.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int64_t kCalibrationSamples = 512;  // where history names no number: the default

// Files by their contents, each read once, and only when something is looked for.
class FileIndex {
 public:
  explicit FileIndex(const RebuildRequest& request) : request_(request) {}

  std::optional<std::string> find(const std::string& sha256) {
    if (!filled_) fill();
    const auto found = paths_.find(sha256);
    return found == paths_.end() ? std::nullopt : std::optional(found->second);
  }

 private:
  void add(const fs::path& path) {
    std::error_code failure;
    if (!fs::is_regular_file(path, failure) || fs::file_size(path, failure) == 0) return;
    try {
      paths_.emplace(formats::content_sha256(path.string()), path.string());
    } catch (const Error&) {  // not ours to read, so not what went in either
    }
  }

  void fill() {
    filled_ = true;
    std::error_code failure;
    const fs::path own = fs::path(request_.path).parent_path();
    for (const auto& entry : fs::directory_iterator(own.empty() ? fs::path(".") : own, failure)) {
      add(entry.path());
    }
    for (const std::string& place : request_.search) {
      if (!fs::exists(place, failure)) throw Error(place, "does not exist");
      if (!fs::is_directory(place, failure)) add(place);
      for (fs::recursive_directory_iterator at(place, failure), end; !failure && at != end;
           at.increment(failure)) {
        add(at->path());
      }
    }
  }

  const RebuildRequest& request_;
  std::map<std::string, std::string> paths_;
  bool filled_ = false;
};

class Rebuilder {
 public:
  Rebuilder(const RebuildRequest& request, const ir::Model& model, Progress& progress)
      : request_(request), progress_(progress), files_(request) {
    for (const ir::HistoryEntry& entry : model.metadata.history) {
      if (is_command(entry)) entries_.push_back(&entry);
    }
    if (entries_.empty()) throw Error(request_.path, "records no history to rebuild it from");
    for (const ir::HistoryEntry* entry : entries_) {
      if (entry->tool_version == PARE_VERSION) continue;
      throw Error(request_.path, "was made by pare " + entry->tool_version + ", this is pare " +
                                     PARE_VERSION + ", whose bytes need not be the same");
    }
  }

  Rebuilt run() {
    const PrivateFolder folder;
    Rebuilt out;
    for (size_t i = 0; i < entries_.size(); ++i) {
      const std::vector<std::string> arguments = arguments_for(i, folder.file());
      out.commands.push_back(shell_line(arguments));
      progress_.log("[" + std::to_string(i + 1) + "/" + std::to_string(entries_.size()) + "] " +
                    out.commands.back());
      out.code = run_child(arguments, {.no_stdout = true});
      if (out.code != 0) return out;
      compare(i, folder.file());
    }
    return out;
  }

 private:
  std::string place(size_t i) const {
    return "step " + std::to_string(i + 1) + " of its history (" + entries_[i]->pass + ")";
  }

  std::string recorded(size_t i, const std::string& name) const {
    const Json value = entries_[i]->inputs.value(name, Json());
    return value.is_string() ? value.get<std::string>() : "";
  }

  std::string file_for(size_t i, const std::string& name) {
    const std::string hash = recorded(i, name);
    if (const auto found = files_.find(hash)) return *found;
    throw Error(request_.path, place(i) + " needs the " + name + " file with SHA-256 " + hash +
                                   ": not found beside it nor with --search");
  }

  std::string input_model(size_t i, const std::string& rebuilt) {
    return i == 0 ? file_for(i, "model") : rebuilt;
  }

  // The part of a data set that a step took, opened as the step opened it.
  std::shared_ptr<const data::Dataset> training_part(size_t i, const std::string& path,
                                                     const Json& columns) const {
    const Json& options = entries_[i]->options;
    data::OpenOptions open{.split = "train", .threads = request_.threads};
    open.label_column = options.value("label_column", "");
    open.limit = options.value("limit", int64_t{0});
    open.validation_fraction = options.value("validation_fraction", open.validation_fraction);
    open.columns = columns;
    return data::open(path, open).train;
  }

  std::string fingerprint(size_t i, const std::string& role, const std::string& path,
                          const Json& columns) const {
    auto items = training_part(i, path, columns);
    if (!items) return "";
    if (role == "calibration") {
      const Json& options = entries_[i]->options;
      const int64_t wanted = options.value("calibration_samples", kCalibrationSamples);
      if (wanted < items->size()) items = data::sample(items, wanted, entries_[i]->seed);
    }
    return items->fingerprint();
  }

  // `role`: data or calibration.
  std::string data_for(size_t i, const std::string& role, const Json& columns) const {
    const std::string wanted = recorded(i, role);
    for (const std::string& path : request_.data) {
      if (fingerprint(i, role, path, columns) == wanted) return path;
    }
    throw Error(request_.path, place(i) + " needs the " + (role == "data" ? "training" : role) +
                                   " data with fingerprint " + wanted + ": not among --data");
  }

  // Vocabularies of the columns, which a model that was trained on a table brings.
  static Json columns_of(const std::string& path) {
    if (formats::format_of(path).name != "pare") return {};
    const ir::Model model = formats::read_pare(path);
    const Json& source = model.metadata.source;
    return source.is_object() ? source.value("columns", Json()) : Json();
  }

  std::vector<std::string> arguments_for(size_t i, const std::string& rebuilt) {
    const ir::HistoryEntry& entry = *entries_[i];
    RecipeStep step{.name = entry.pass, .command = find_command(entry.pass).make()};
    Json given = options_given(entry);
    Json columns;
    if (entry.inputs.contains("model")) {
      const std::string input = input_model(i, rebuilt);
      columns = columns_of(input);
      if (entry.pass == "distill") {
        given["student"] = input;
      } else {
        step.positionals.push_back(input);
      }
    }
    for (const auto& [name, hash] : entry.inputs.items()) {
      if (name == "model" || name == "validation") continue;
      if (name == "data" || name == "calibration") {
        const std::string option = name == "data" ? "data" : "calibration_data";
        if (!given.contains(option)) given[option] = data_for(i, name, columns);
      } else if (name == "teacher0" && entry.pass == "distill") {
        step.positionals.push_back(file_for(i, name));
      } else if (name.starts_with("teacher")) {
        given["teacher"].push_back(file_for(i, name));
      } else {
        given[name] = file_for(i, name);
      }
    }
    given["seed"] = entry.seed;
    given["output"] = rebuilt;
    const pass::Schema schema = schema_of(step.command);
    if (!pass::find(schema, "seed")) given.erase("seed");
    step.options = pass::Options(schema, given);
    return arguments_of(step, Json{{"threads", request_.threads}, {"quiet", true}});
  }

  // An intermediate may have been a file of another format: then that is what the next step takes.
  static bool in_other_format(const std::string& rebuilt, const std::string& wanted) {
    for (const formats::FormatRow& row : formats::all_formats()) {
      if (!row.write || !row.read || row.name == "pare") continue;
      const std::string path = rebuilt + std::string(row.extensions.front());
      try {
        formats::write(formats::read(rebuilt), path);
        if (formats::content_sha256(path) == wanted) {
          fs::rename(path, rebuilt);
          return true;
        }
      } catch (const Error&) {  // this format cannot hold it
      }
      std::error_code failure;
      fs::remove(path, failure);
    }
    return false;
  }

  void compare(size_t i, const std::string& rebuilt) const {
    const std::string hash = to_hex(sha256_of_file(rebuilt));
    const bool last = i + 1 == entries_.size();
    const std::string wanted =
        last ? to_hex(sha256_of_file(request_.path)) : recorded(i + 1, "model");
    if (hash == wanted) return;
    if (!last && in_other_format(rebuilt, wanted)) return;
    throw Error(request_.path, place(i) + " gives other bytes: SHA-256 " + hash + " instead of " +
                                   wanted + (last ? first_difference(rebuilt) : ""));
  }

  // The tensor in which two files of one model part ways.
  std::string first_difference(const std::string& rebuilt) const {
    const ir::Model mine = formats::read_pare(rebuilt);
    const ir::Model theirs = formats::read_pare(request_.path);
    for (const auto& [name, tensor] : mine.parameters.entries()) {
      if (!theirs.parameters.contains(name)) return "; tensor " + name + " is not in it";
      if (ir::to_f32(tensor) != ir::to_f32(theirs.parameters.at(name))) {
        return "; the first tensor that differs is " + name;
      }
    }
    return "; every tensor is the same";
  }

  const RebuildRequest& request_;
  Progress& progress_;
  FileIndex files_;
  std::vector<const ir::HistoryEntry*> entries_;
};

}  // namespace

Rebuilt rebuild(const RebuildRequest& request, const ir::Model& model, Progress& progress) {
  return Rebuilder(request, model, progress).run();
}

}  // namespace pare::cli
