// SPDX-License-Identifier: Apache-2.0
// A recipe's step as the command line that does the same.
#include <algorithm>
#include <cctype>

#include "apps/pare/parse.hpp"
#include "apps/pare/recipe/recipe.hpp"

namespace pare::cli {

namespace {

void append(std::vector<std::string>& out, const pass::Option& option, const Json& value) {
  const std::string brief = short_flag(option);
  const std::string flag = brief.empty() ? typed_flag(option) : brief;
  if (option.type == pass::OptionType::kFlag) {
    const bool fallback = option.fallback == true;
    if (value.get<bool>() != fallback) out.push_back(flag);
    return;
  }
  const std::string text = typed_value(value);
  if (text.starts_with('-')) {  // else it would read as a flag
    out.push_back(typed_flag(option) + "=" + text);
    return;
  }
  out.push_back(flag);
  out.push_back(text);
}

}  // namespace

std::vector<std::string> arguments_of(const RecipeStep& step, const Json& extra) {
  std::vector<std::string> out{step.command.name};
  const bool dashed = std::ranges::any_of(
      step.positionals, [](const std::string& word) { return word.starts_with('-'); });
  if (!dashed) out.insert(out.end(), step.positionals.begin(), step.positionals.end());
  const Json stated = step.options.stated();
  for (const pass::Option& option : schema_of(step.command)) {
    const bool own = stated.contains(option.name);
    // --threads of eval is a list of what it measures, and stays its own.
    const bool passed_on =
        extra.contains(option.name) && option.type != pass::OptionType::kIntegerList;
    if (!own && !passed_on) continue;
    const Json& value = own ? stated[option.name] : extra[option.name];
    if (value.is_array() && option.type == pass::OptionType::kTextList) {
      for (const Json& item : value) append(out, option, item);
    } else {
      append(out, option, value);
    }
  }
  if (dashed) {
    out.emplace_back("--");
    out.insert(out.end(), step.positionals.begin(), step.positionals.end());
  }
  return out;
}

std::string shell_word(const std::string& word) {
  const auto plain = [](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 ||
           std::string_view("_./:=,%+@-").find(c) != std::string_view::npos;
  };
  if (!word.empty() && std::ranges::all_of(word, plain)) return word;
  std::string out = "'";
  for (const char c : word) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

std::string shell_line(const std::vector<std::string>& arguments) {
  std::string line = "pare";
  for (const std::string& word : arguments) line += " " + shell_word(word);
  return line;
}

}  // namespace pare::cli
