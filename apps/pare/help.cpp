// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/help.hpp"

#include <algorithm>
#include <sstream>

#include "apps/pare/parse.hpp"

namespace pare::cli {

namespace {

using pass::Option;
using pass::OptionType;

constexpr size_t kWidth = 92;
constexpr size_t kColumn = 30;

// Words of `text` in lines of at most kWidth, continuation lines indented by `indent`; `used`
// columns of the first line are taken.
std::string wrapped(const std::string& text, size_t indent, size_t used) {
  std::istringstream words(text);
  std::string out;
  std::string word;
  size_t column = used;
  bool first = true;
  while (words >> word) {
    if (!first && column + 1 + word.size() > kWidth) {
      out += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      out += ' ';
      ++column;
    }
    out += word;
    column += word.size();
    first = false;
  }
  return out;
}

// "  left                        right ...", the right column on its own line when left is long.
std::string row(const std::string& left, const std::string& right) {
  std::string out = "  " + left;
  if (out.size() + 2 > kColumn) {
    out += "\n" + std::string(kColumn, ' ');
  } else {
    out.resize(kColumn, ' ');
  }
  return out + wrapped(right, kColumn, kColumn) + "\n";
}

std::string left_column(const Option& option) {
  const std::string brief = short_flag(option);
  const std::string metavar = metavar_of(option);
  return (brief.empty() ? "" : brief + ", ") + typed_flag(option) +
         (metavar.empty() ? "" : " " + metavar);
}

std::string sentence(const std::string& text) { return text.ends_with('.') ? text : text + "."; }

}  // namespace

std::string metavar_of(const Option& option) {
  if (!option.metavar.empty()) return option.metavar;
  switch (option.type) {
    case OptionType::kFlag:
      return "";
    case OptionType::kInteger:
      return "N";
    case OptionType::kIntegerList:
      return "N,N,...";
    case OptionType::kNumber:
      return "X";
    case OptionType::kChoice: {
      std::string all;
      for (const std::string& choice : option.choices) all += (all.empty() ? "" : "|") + choice;
      return all;
    }
    case OptionType::kText:
    case OptionType::kTextList:
      return "TEXT";
  }
  throw Bug("option type");
}

std::string description_of(const Option& option) {
  std::string out = option.help;
  if (option.type == OptionType::kTextList) out += " (may be repeated)";
  // A choice shown under a metavar of its own still lists its words.
  if (option.type == OptionType::kChoice && !option.metavar.empty()) {
    std::string all;
    for (const std::string& choice : option.choices) all += (all.empty() ? "" : ", ") + choice;
    out += ": " + all;
  }
  if (option.type == OptionType::kFlag || option.fallback.is_null()) return out;
  if (option.fallback.is_array() && option.fallback.empty()) return out;
  const std::string value = typed_value(option.fallback);
  return value.empty() ? out : out + " (default: " + value + ")";
}

std::string usage_of(const Command& command) {
  std::string out = "pare " + command.name;
  const Positional& positional = command.positional;
  if (positional.max != 0) {
    const bool many = positional.max < 0 || positional.max > 1;
    const std::string name = positional.metavar + (many ? "..." : "");
    out += positional.min == 0 ? " [" + name + "]" : " " + name;
  }
  const pass::Schema schema = schema_of(command);
  const Option* output = pass::find(schema, "output");
  if (output && output->help.find("required") != std::string::npos) {
    out += " -o " + metavar_of(*output);
  }
  return out + " [options]";
}

std::string help_text(const Command& command) {
  std::string out =
      wrapped("pare " + command.name + ": " + sentence(command.summary), 0, 0) + "\n\n";
  out += "usage: " + usage_of(command) + "\n";
  if (command.positional.max != 0) {
    out += "\n" + row(command.positional.metavar, command.positional.help);
  }
  for (const OptionGroup& group : command.groups) {
    if (group.options.empty()) continue;
    out += "\n" + group.title + ":\n";
    for (const Option& option : group.options)
      out += row(left_column(option), description_of(option));
  }
  for (const std::string& note : command.notes) out += "\n" + wrapped(note, 0, 0) + "\n";
  out += command.examples.size() == 1 ? "\nexample:\n" : "\nexamples:\n";
  for (const std::string& example : command.examples) out += "  " + example + "\n";
  return out;
}

std::string overview_text() {
  std::string out =
      "pare makes trained neural networks the right size: it distils, prunes and quantizes\n"
      "them, and measures what that cost.\n\n"
      "usage: pare COMMAND [arguments]\n\ncommands:\n";
  for (const CommandRow& command : all_commands()) {
    const std::string name(command.name);
    out += "  " + name + std::string(12 - std::min<size_t>(name.size(), 11), ' ') +
           wrapped(std::string(command.summary), 14, 14) + "\n";
  }
  out +=
      "\n`pare COMMAND --help` shows the flags of a command and an example; `pare --version` the\n"
      "version. Exit codes: 0 done, 1 files or data, 2 arguments, 70 a bug, 128 + N signal N.\n";
  return out;
}

}  // namespace pare::cli
