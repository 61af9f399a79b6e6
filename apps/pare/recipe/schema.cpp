// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/recipe/schema.hpp"

#include <cmath>

#include "apps/pare/recipe/identity.hpp"
#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

namespace {

using pass::Option;
using pass::OptionType;

// Any value may come from a variable instead.
Json or_variable(Json type) {
  return {{"anyOf", {std::move(type), {{"$ref", "#/$defs/variable"}}}}};
}

Json number_type(const Option& option) {
  Json out{{"type", option.type == OptionType::kNumber ? "number" : "integer"}};
  if (std::isfinite(option.min)) out[option.min_open ? "exclusiveMinimum" : "minimum"] = option.min;
  if (std::isfinite(option.max)) out[option.max_open ? "exclusiveMaximum" : "maximum"] = option.max;
  return out;
}

// A number, several, or a text with commas between them.
Json list_type(const Option& option) {
  const Json one = number_type(option);
  return {{"anyOf",
           {one,
            {{"type", "array"}, {"items", one}, {"minItems", 1}, {"uniqueItems", true}},
            {{"type", "string"}, {"pattern", "^[0-9]+(,[0-9]+)*$"}},
            {{"$ref", "#/$defs/variable"}}}}};
}

Json type_of(const Option& option) {
  switch (option.type) {
    case OptionType::kFlag:
      return or_variable({{"type", "boolean"}});
    case OptionType::kInteger:
    case OptionType::kNumber:
      return or_variable(number_type(option));
    case OptionType::kIntegerList:
      return list_type(option);
    case OptionType::kChoice:
      return or_variable({{"enum", option.choices}});
    case OptionType::kText:
      return {{"type", "string"}};
    case OptionType::kTextList:
      return {{"type", "array"}, {"items", {{"type", "string"}}}};
  }
  throw Bug("option type");
}

Json options_of(const Command& command) {
  Json properties = Json::object();
  for (const Option& option : schema_of(command)) {
    if (option.name == "output") continue;
    Json entry = type_of(option);
    entry["description"] = option.help;
    if (!option.fallback.is_null()) entry["default"] = option.fallback;
    properties[option.name] = std::move(entry);
  }
  return {{"type", "object"},
          {"description", "Flags of pare " + command.name + " by name"},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

Json inputs_of(const Command& command) {
  Json out{{"type", "array"},
           {"description", command.positional.help},
           {"items", {{"type", "string"}}},
           {"minItems", command.positional.min}};
  if (command.positional.max >= 0) out["maxItems"] = command.positional.max;
  return out;
}

Json step_of(std::string_view name) {
  const Command command = find_command(name).make();
  Json properties{{"name",
                   {{"type", "string"},
                    {"minLength", 1},
                    {"description", "Later steps read this one's output as ${name}"}}},
                  {"command", {{"const", command.name}}}};
  Json required{"name", "command"};
  if (command.positional.max != 0) properties["inputs"] = inputs_of(command);
  if (command.positional.min > 0) required.push_back("inputs");
  if (pass::find(schema_of(command), "output")) {
    properties["output"] = {{"type", "string"},
                            {"description", "The file to write, relative to output_dir"}};
    required.push_back("output");
  }
  properties["options"] = options_of(command);
  return {{"type", "object"},
          {"description", command.summary},
          {"required", std::move(required)},
          {"properties", std::move(properties)},
          {"additionalProperties", false}};
}

Json document_properties(Json steps) {
  const Json text{{"type", "string"}};
  return {
      {"$schema", text},
      {"schema_version", {{"const", 1}}},
      {"description", text},
      {"output_dir",
       {{"type", "string"},
        {"minLength", 1},
        {"description", "Folder of everything that the steps write"}}},
      {"variables",
       {{"type", "object"},
        {"description", "Values that ${name} stands for; pare run --set replaces them"},
        {"additionalProperties", {{"type", {"string", "number", "boolean"}}}}}},
      {"steps", {{"type", "array"}, {"minItems", 1}, {"items", {{"oneOf", std::move(steps)}}}}}};
}

}  // namespace

Json recipe_schema() {
  Json kinds = Json::array();
  Json defs{{"variable", {{"type", "string"}, {"pattern", "^\\$\\{[^}]+\\}$"}}}};
  for (const std::string_view name : step_commands()) {
    kinds.push_back({{"$ref", "#/$defs/" + std::string(name)}});
    defs[std::string(name)] = step_of(name);
  }
  return {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
          {"title", "A recipe of pare run"},
          {"type", "object"},
          {"required", {"schema_version", "output_dir", "steps"}},
          {"properties", document_properties(std::move(kinds))},
          {"additionalProperties", false},
          {"$defs", std::move(defs)}};
}

}  // namespace pare::cli
