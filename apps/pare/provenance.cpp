// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/provenance.hpp"

#include <algorithm>
#include <array>

#include "apps/pare/recipe/identity.hpp"

namespace pare::cli {

namespace {

// Their contents are in the entry already, by name or as a fingerprint; --test-data decides
// nothing.
constexpr std::array<std::string_view, 6> kHashedElsewhere{
    "data", "calibration_data", "teacher", "student", "tuning", "test_data"};

bool is_hashed_elsewhere(std::string_view name) {
  return std::ranges::find(kHashedElsewhere, name) != kHashedElsewhere.end();
}

void record(const Invocation& invocation, ir::HistoryEntry& entry) {
  const Json stated = invocation.options.stated();
  for (const pass::Option& option : schema_of(invocation.command)) {
    const std::string& name = option.name;
    if (!stated.contains(name) || entry.options.contains(name) || name == "seed") continue;
    if (!option.changes_result || is_output_path(option)) continue;
    if (!is_input_path(option)) {
      entry.options[name] = stated[name];
      continue;
    }
    const auto path = stated[name].is_string() ? stated[name].get<std::string>() : "";
    // A built-in data set is a name, not a path.
    if (path.starts_with("synthetic:")) entry.options[name] = path;
    if (!is_hashed_elsewhere(name)) entry.inputs[name] = ContentHashes().of(path);
  }
}

}  // namespace

void record_command_line(const Invocation& invocation, bool trains, ir::Model& model) {
  ir::HistoryEntry& entry = model.metadata.history.back();
  record(invocation, entry);
  if (trains) entry.options["threads"] = invocation.threads;
}

ir::HistoryEntry conversion_entry(const Invocation& invocation, const std::string& input_sha256) {
  ir::HistoryEntry entry{.pass = "convert",
                         .options = Json::object(),
                         .tool_version = PARE_VERSION,
                         .inputs = {{"model", input_sha256}}};
  record(invocation, entry);
  return entry;
}

bool is_command(const ir::HistoryEntry& entry) {
  if (!entry.inputs.is_object() || !entry.options.is_object()) return false;
  return entry.inputs.contains("model") || entry.inputs.contains("data");
}

Json options_given(const ir::HistoryEntry& entry) {
  const Command command = find_command(entry.pass).make();
  const pass::Schema schema = schema_of(command);
  Json given = Json::object();
  for (const auto& [name, value] : entry.options.items()) {
    const pass::Option* option = pass::find(schema, name);
    // Defaults are recorded as well, and some may not be said beside other options.
    if (!option || value.is_null() || value == option->fallback) continue;
    if (option->type == pass::OptionType::kFlag && value == false && option->fallback.is_null()) {
      continue;
    }
    if (value.is_array() && value.empty()) continue;
    given[name] = value;
  }
  return given;
}

}  // namespace pare::cli
