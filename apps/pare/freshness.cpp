// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/freshness.hpp"

#include <algorithm>
#include <filesystem>

#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/recipe/make_syntax.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;

std::string record_path(const std::string& output) {
  const fs::path path(output);
  return (path.parent_path() / ("." + path.filename().string() + ".if-changed.json")).string();
}

// Nothing when there is none or it is damaged: then the command runs.
Json read_record(const std::string& path) {
  std::error_code failure;
  if (!fs::exists(path, failure)) return Json::object();
  try {
    const auto file = MappedFile::open(path);
    const auto bytes = file->bytes();
    const Json json = parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
    if (json.is_object() && json.value("schema_version", Json()) == kSchemaVersion) return json;
  } catch (const Error&) {  // as if there were none
  }
  return Json::object();
}

// The files of a folder: make goes by files.
void add_files(const std::string& path, std::vector<std::string>& out) {
  std::error_code failure;
  if (!fs::is_directory(path, failure)) {
    out.push_back(path);
    return;
  }
  std::vector<std::string> files;
  for (fs::recursive_directory_iterator at(path, failure), end; !failure && at != end;
       at.increment(failure)) {
    if (at->is_regular_file(failure)) files.push_back(at->path().string());
  }
  std::ranges::sort(files);
  out.insert(out.end(), files.begin(), files.end());
}

bool given(const pass::Options& options, const char* name) { return options.given(name); }

}  // namespace

void check_freshness_flags(const Command& command, const pass::Options& options) {
  for (const char* name : {"depfile", "if_changed"}) {
    if (!given(options, name)) continue;
    const std::string flag = name[0] == 'd' ? "--depfile" : "--if-changed";
    if (files_written(command, options).empty()) {
      throw UsageError(flag, "has no effect: no file is written");
    }
  }
  if (given(options, "if_changed") && given(options, "json")) {
    throw UsageError("--if-changed", "contradicts --json: what is up to date has no result");
  }
}

Freshness::Freshness(const Command& command, const std::vector<std::string>& positionals,
                     const pass::Options& options)
    : command_(command),
      positionals_(positionals),
      options_(options),
      outputs_(files_written(command, options)),
      if_changed_(given(options, "if_changed")) {
  if (given(options, "depfile")) depfile_ = options.text("depfile");
  const bool idle = given(options, "dry_run");
  if (idle) {
    if_changed_ = false;
    depfile_.clear();
  }
}

std::string Freshness::identity() {
  ContentHashes contents;
  return identity_of(command_, positionals_, options_, contents);
}

bool Freshness::up_to_date() {
  if (!if_changed_) return false;
  identity_ = identity();
  const Json record = read_record(record_path(outputs_.front()));
  if (record.value("identity", Json()) != identity_) return false;
  const Json written = record.value("outputs", Json::object());
  ContentHashes contents;
  return std::ranges::all_of(outputs_, [&](const std::string& path) {
    std::error_code failure;
    return fs::is_regular_file(path, failure) &&
           written.value(fs::path(path).filename().string(), Json()) == contents.of(path);
  });
}

void Freshness::record() {
  if (!depfile_.empty()) {
    std::vector<std::string> inputs;
    for (const std::string& path : files_read(command_, positionals_, options_)) {
      add_files(path, inputs);
    }
    write_text_file(depfile_, depfile_text(outputs_, inputs));
  }
  if (!if_changed_) return;
  ContentHashes contents;
  Json written = Json::object();
  for (const std::string& path : outputs_) {
    written[fs::path(path).filename().string()] = contents.of(path);
  }
  write_text_file(record_path(outputs_.front()), to_text(Json{{"schema_version", kSchemaVersion},
                                                              {"identity", identity_},
                                                              {"outputs", written}},
                                                         2) +
                                                     "\n");
}

}  // namespace pare::cli
