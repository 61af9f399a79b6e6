// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/recipe.hpp"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "apps/pare/recipe/identity.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare::cli {

namespace {

namespace fs = std::filesystem;

constexpr int kSchemaVersion = 1;
constexpr std::array<std::string_view, 7> kStepCommands{"train",   "distill", "prune", "quantize",
                                                        "convert", "predict", "eval"};

// A step of a JSON pointer (RFC 6901).
std::string token(const std::string& key) {
  std::string out = "/";
  for (const char c : key) out += c == '~' ? "~0" : c == '/' ? "~1" : std::string(1, c);
  return out;
}

std::string shown(const Json& object, const std::string& key) {
  return object.contains(key) ? to_text(object[key]) : "nothing";
}

class RecipeReader {
 public:
  RecipeReader(std::string path, const std::map<std::string, Json>& variables)
      : path_(std::move(path)), overrides_(variables) {}

  Recipe read(const Json& json, const std::string& output_dir) {
    if (!json.is_object()) fail("", "an object is expected");
    check_keys(json, "",
               {"$schema", "schema_version", "description", "output_dir", "variables", "steps"});
    if (json.value("schema_version", Json()) != kSchemaVersion) {
      fail("/schema_version", "expected 1, found " + shown(json, "schema_version"));
    }
    read_variables(json.value("variables", Json::object()));
    recipe_.path = path_;
    recipe_.output_dir = output_dir.empty() ? text(json, "", "output_dir") : output_dir;
    const Json steps = json.value("steps", Json());
    if (!steps.is_array() || steps.empty()) fail("/steps", "a list of steps is expected");
    for (size_t i = 0; i < steps.size(); ++i) {
      recipe_.steps.push_back(step(steps[i], "/steps/" + std::to_string(i)));
    }
    return std::move(recipe_);
  }

 private:
  [[noreturn]] void fail(const std::string& where, const std::string& fact) const {
    throw Error(path_, where.empty() ? fact : where + ": " + fact);
  }

  void check_keys(const Json& object, const std::string& where,
                  const std::vector<std::string>& known) const {
    for (const auto& [key, value] : object.items()) {
      if (std::ranges::find(known, key) != known.end()) continue;
      const std::string hint = pass::nearest(key, known);
      fail(where, "unknown key \"" + key + "\"" +
                      (hint.empty() ? "" : "; did you mean \"" + hint + "\"?"));
    }
  }

  std::string text(const Json& object, const std::string& where, const std::string& key) const {
    const auto found = object.find(key);
    const std::string at = where + "/" + key;
    if (found == object.end()) fail(at, "is missing");
    if (!found->is_string() || found->get<std::string>().empty()) fail(at, "a text is expected");
    return found->get<std::string>();
  }

  void read_variables(const Json& variables) {
    if (!variables.is_object()) fail("/variables", "an object is expected");
    for (const auto& [name, value] : variables.items()) {
      if (value.is_structured() || value.is_null()) {
        fail("/variables" + token(name), "a text, a number or true or false is expected");
      }
      values_[name] = value;
    }
    for (const auto& [name, value] : overrides_) {
      if (!values_.contains(name))
        fail("/variables", "there is no \"" + name + "\"" + hint_for(name));
      values_[name] = value;
    }
  }

  std::string hint_for(const std::string& name) const {
    std::vector<std::string> known;
    for (const auto& [key, value] : values_) known.push_back(key);
    const std::string hint = pass::nearest(name, known);
    return hint.empty() ? "" : "; did you mean \"" + hint + "\"?";
  }

  // Replaces ${name}; a text that is one ${name} and nothing else takes the value's type.
  Json substituted(const std::string& from, const std::string& where) const {
    std::string out;
    for (size_t at = 0; at < from.size();) {
      const size_t open = from.find("${", at);
      if (open == std::string::npos) return out + from.substr(at);
      const size_t close = from.find('}', open);
      if (close == std::string::npos) fail(where, "the closing '}' of ${ is missing");
      const std::string name = from.substr(open + 2, close - open - 2);
      const auto value = values_.find(name);
      if (value == values_.end()) {
        fail(where, "${" + name + "} is neither a variable nor an earlier step" + hint_for(name));
      }
      if (open == 0 && close + 1 == from.size()) return value->second;
      out += from.substr(at, open - at);
      out += value->second.is_string() ? value->second.get<std::string>() : to_text(value->second);
      at = close + 1;
    }
    return out;
  }

  Json substituted(const Json& value, const std::string& where) const {
    if (value.is_string()) return substituted(value.get<std::string>(), where);
    if (!value.is_array()) return value;
    Json out = Json::array();
    for (const Json& item : value) out.push_back(substituted(item, where));
    return out;
  }

  RecipeStep step(const Json& json, const std::string& where) {
    if (!json.is_object()) fail(where, "an object is expected");
    check_keys(json, where, {"name", "command", "inputs", "output", "options"});
    RecipeStep out{.name = text(json, where, "name")};
    if (values_.contains(out.name)) {
      fail(where + "/name", "\"" + out.name + "\" is already a variable or an earlier step");
    }
    out.command = command(text(json, where, "command"), where + "/command");
    read_inputs(json.value("inputs", Json::array()), where + "/inputs", out);
    read_options(json, where, out);
    if (!out.outputs.empty()) values_[out.name] = out.outputs.front();
    return out;
  }

  Command command(const std::string& name, const std::string& where) const {
    const std::vector<std::string> known(kStepCommands.begin(), kStepCommands.end());
    if (std::ranges::find(known, name) == known.end()) {
      const std::string hint = pass::nearest(name, known);
      fail(where, "\"" + name + "\" is not a command that a recipe can run" +
                      (hint.empty() ? "" : "; did you mean \"" + hint + "\"?"));
    }
    return find_command(name).make();
  }

  void read_inputs(const Json& inputs, const std::string& where, RecipeStep& out) const {
    if (!inputs.is_array()) fail(where, "a list of files is expected");
    for (size_t i = 0; i < inputs.size(); ++i) {
      const std::string at = where + "/" + std::to_string(i);
      const Json value = substituted(inputs[i], at);
      if (!value.is_string()) fail(at, "a text is expected");
      out.positionals.push_back(value.get<std::string>());
    }
    const auto count = static_cast<int>(out.positionals.size());
    const Positional& rule = out.command.positional;
    if (count < rule.min || (rule.max >= 0 && count > rule.max)) {
      fail(where, std::to_string(count) + " given, pare " + out.command.name + " takes " +
                      std::to_string(rule.min) +
                      (rule.max < 0          ? " or more"
                       : rule.max > rule.min ? " to " + std::to_string(rule.max)
                                             : ""));
    }
  }

  void read_options(const Json& json, const std::string& where, RecipeStep& out) {
    const pass::Schema schema = schema_of(out.command);
    const Json stated = json.value("options", Json::object());
    if (!stated.is_object()) fail(where + "/options", "an object is expected");
    Json given = Json::object();
    for (const auto& [name, value] : stated.items()) {
      given[name] = substituted(value, where + "/options" + token(name));
    }
    if (json.contains("output")) given["output"] = substituted(json["output"], where + "/output");
    for (const pass::Option& option : schema) {
      if (!is_output_path(option) || !given.contains(option.name)) continue;
      if (!given[option.name].is_string()) continue;
      const auto name = given[option.name].get<std::string>();
      if (name == "-") fail(where, pass::flag_of(option) + ": a step cannot write to stdout");
      const std::string path = (fs::path(recipe_.output_dir) / name).string();
      if (!written_.insert(path).second) fail(where, "an earlier step already writes " + path);
      given[option.name] = path;
      out.outputs.push_back(path);
    }
    try {
      out.options = pass::Options(schema, given);
      check_arguments(out.command, out.options);
    } catch (const Error& error) {
      fail_in_options(json, where, schema, error);
    }
  }

  // What an option's own check says, at the option's place in the recipe.
  [[noreturn]] void fail_in_options(const Json& json, const std::string& where,
                                    const pass::Schema& schema, const Error& error) const {
    const Json stated = json.value("options", Json::object());
    for (const pass::Option& option : schema) {
      if (error.subject() != pass::flag_of(option)) continue;
      const bool beside = option.name == "output" && !stated.contains("output");
      fail(where + (beside ? "" : "/options") + token(option.name), error.fact());
    }
    const bool unknown = stated.contains(error.subject());
    fail(where + "/options" + (unknown ? token(error.subject()) : ""),
         unknown ? error.fact() : error.subject() + ": " + error.fact());
  }

  std::string path_;
  const std::map<std::string, Json>& overrides_;
  std::map<std::string, Json> values_;  // variables, and output paths of steps read so far
  std::set<std::string> written_;
  Recipe recipe_;
};

}  // namespace

Json read_recipe_json(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path,
                    /*allow_comments=*/true);
}

Recipe recipe_from_json(const Json& json, const std::string& path,
                        const std::map<std::string, Json>& variables,
                        const std::string& output_dir) {
  return RecipeReader(path, variables).read(json, output_dir);
}

std::span<const std::string_view> step_commands() { return kStepCommands; }

}  // namespace pare::cli
