// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/parse.hpp"

#include <charconv>
#include <cmath>
#include <deque>

#include <CLI/CLI.hpp>

namespace pare::cli {

namespace {

using pass::Option;
using pass::OptionType;

struct Slot {
  const Option* option;
  std::vector<std::string> texts = {};
  bool on = false;
  CLI::Option* handle = nullptr;
};

bool starts_true(const Option& option) {
  return option.type == OptionType::kFlag && option.fallback == true;
}

void add(CLI::App& app, Slot& slot) {
  const std::string brief = short_flag(*slot.option);
  const std::string names = (brief.empty() ? "" : brief + ",") + typed_flag(*slot.option);
  if (slot.option->type == OptionType::kFlag) {
    slot.handle = app.add_flag(names, slot.on);
    return;
  }
  slot.handle = app.add_option(names, slot.texts)->expected(1);
  // Every occurrence takes one value; a repeated scalar is reported below, in our words.
  slot.handle->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
}

template <class Number>
bool converts(const std::string& text, Number& number) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, number);
  return error == std::errc() && stop == end;
}

// The text as JSON of the option's type; a text that does not convert stays text, for the schema to
// refuse in its own words.
Json value_of(const Option& option, const std::string& text) {
  if (option.type == OptionType::kInteger) {
    int64_t integer = 0;
    if (converts(text, integer)) return integer;
  }
  if (option.type == OptionType::kNumber) {
    double number = 0;
    if (converts(text, number) && std::isfinite(number)) return number;
  }
  return text;
}

Json given_of(const std::deque<Slot>& slots) {
  Json given = Json::object();
  for (const Slot& slot : slots) {
    if (slot.handle->count() == 0) continue;
    const Option& option = *slot.option;
    if (option.type == OptionType::kFlag) {
      given[option.name] = starts_true(option) ? !slot.on : slot.on;
      continue;
    }
    for (const std::string& text : slot.texts) {
      if (text.empty()) throw UsageError(typed_flag(option), "needs a value, got an empty text");
    }
    if (option.type == OptionType::kTextList) {
      given[option.name] = slot.texts;
    } else if (slot.texts.size() > 1) {
      throw UsageError(typed_flag(option), "is given more than once");
    } else {
      given[option.name] = value_of(option, slot.texts.front());
    }
  }
  return given;
}

[[noreturn]] void refuse_unknown(const Command& command, std::string word) {
  word = word.substr(0, word.find('='));
  std::vector<std::string> known{"--help"};
  for (const Option& option : schema_of(command)) known.push_back(typed_flag(option));
  const std::string hint = pass::nearest(word, known);
  throw UsageError(word, "unknown flag of pare " + command.name +
                             (hint.empty() ? "" : "; did you mean " + hint + "?"));
}

void check_count(const Command& command, const std::vector<std::string>& given) {
  const Positional& rule = command.positional;
  const auto count = static_cast<int>(given.size());
  if (count < rule.min) {
    throw UsageError(
        "pare " + command.name,
        "needs " + (rule.min > 1 ? std::to_string(rule.min) + " " : "a ") + rule.metavar);
  }
  if (rule.max >= 0 && count > rule.max) {
    throw UsageError(given[static_cast<size_t>(rule.max)],
                     "unexpected argument of pare " + command.name +
                         (rule.max == 0 ? "" : ", which takes " + std::to_string(rule.max)));
  }
}

// CLI11 names the option only in its message: "--bits: 1 required TEXT missing".
[[noreturn]] void rethrow(const Command& command, const CLI::ParseError& error) {
  const std::string what = error.what();
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error) && what.starts_with("-")) {
    throw UsageError(what.substr(0, what.find(':')), "needs a value");
  }
  throw UsageError("pare " + command.name, what);
}

}  // namespace

std::string short_flag(const Option& option) {
  if (option.name == "output") return "-o";
  if (option.name == "quiet") return "-q";
  if (option.name == "verbose") return "-v";
  return "";
}

std::string typed_flag(const Option& option) {
  const std::string flag = pass::flag_of(option);
  return starts_true(option) ? "--no-" + flag.substr(2) : flag;
}

std::string typed_value(const Json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (value.is_array()) {
    std::string list;
    for (const Json& item : value) list += (list.empty() ? "" : ",") + typed_value(item);
    return list;
  }
  std::string text = to_text(value);
  if (value.is_number_float() && text.ends_with(".0")) text.resize(text.size() - 2);
  return text;
}

Arguments parse(const Command& command, std::span<char* const> arguments) {
  CLI::App app;
  app.allow_extras();
  const pass::Schema schema = schema_of(command);
  std::deque<Slot> slots;
  for (const Option& option : schema) add(app, slots.emplace_back(Slot{.option = &option}));
  Arguments out;
  app.add_option("positionals", out.positionals)->expected(0, 1 << 20);
  try {
    app.parse(static_cast<int>(arguments.size()), arguments.data());
  } catch (const CLI::CallForHelp&) {
    out.help = true;
    return out;
  } catch (const CLI::ParseError& error) {
    rethrow(command, error);
  }
  for (const std::string& extra : app.remaining()) {
    if (extra != "--") refuse_unknown(command, extra);  // CLI11 leaves the mark itself behind
  }
  out.options = pass::Options(schema, given_of(slots));
  check_count(command, out.positionals);
  return out;
}

}  // namespace pare::cli
