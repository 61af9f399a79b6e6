// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/completion.hpp"

#include "apps/pare/command.hpp"
#include "apps/pare/parse.hpp"
#include "apps/pare/recipe/identity.hpp"

namespace pare::cli {

namespace {

using pass::Option;
using pass::OptionType;

bool takes_value(const Option& option) { return option.type != OptionType::kFlag; }

bool takes_path(const Option& option) {
  return is_input_path(option) || is_output_path(option) || option.metavar == "DIR" ||
         option.metavar == "RULES";
}

std::string choices(const Option& option) {
  std::string out;
  for (const std::string& choice : option.choices) out += (out.empty() ? "" : " ") + choice;
  return out;
}

std::string names(const Option& option, std::string_view between) {
  const std::string brief = short_flag(option);
  return (brief.empty() ? "" : brief + std::string(between)) + typed_flag(option);
}

std::string command_names() {
  std::string out;
  for (const CommandRow& row : all_commands()) {
    out += (out.empty() ? "" : " ") + std::string(row.name);
  }
  return out;
}

// `text` between single quotes of a POSIX shell or fish, without the quotes.
std::string inside_quotes(std::string_view text, std::string_view quote) {
  std::string out;
  for (const char c : text) out += c == '\'' ? std::string(quote) : std::string(1, c);
  return out;
}

// ---- bash --------------------------------------------------------------------------------------

std::string bash_command(const Command& command) {
  std::string flags = "--help", files, nothing, out = "    " + command.name + ")\n";
  out += "      case $prev in\n";
  for (const Option& option : schema_of(command)) {
    flags += " " + names(option, " ");
    if (!takes_value(option)) continue;
    if (option.type == OptionType::kChoice) {
      out += "        " + names(option, " | ") + ") words='" + choices(option) + "' ;;\n";
      continue;
    }
    std::string& list = takes_path(option) ? files : nothing;
    list += (list.empty() ? "" : " | ") + names(option, " | ");
  }
  if (!files.empty()) out += "        " + files + ") return ;;\n";
  if (!nothing.empty()) out += "        " + nothing + ") compopt +o default; return ;;\n";
  return out + "        *) words='" + flags + "' ;;\n      esac ;;\n";
}

std::string bash() {
  std::string out =
      "# bash completion for pare, written by `pare completion bash`.\n"
      "_pare() {\n"
      "  local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD - 1]} words=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    mapfile -t COMPREPLY < <(compgen -W '" +
      command_names() +
      " help --help --version' -- \"$cur\")\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n"
      "    help) words='" +
      command_names() + "' ;;\n";
  for (const CommandRow& row : all_commands()) out += bash_command(row.make());
  // What is neither a flag nor a word is a file: bash's own completion takes over.
  return out +
         "  esac\n"
         "  if [[ $cur == -* || $words != --* ]]; then\n"
         "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$cur\")\n"
         "  fi\n"
         "}\n"
         "complete -o default -F _pare pare\n";
}

// ---- zsh ---------------------------------------------------------------------------------------

// Inside an option specification of _arguments, in single quotes.
std::string zsh_text(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') out += '\\';
    out += c;
  }
  return inside_quotes(out, "'\\''");
}

std::string zsh_option(const Option& option) {
  const std::string brief = short_flag(option);
  const std::string flag = typed_flag(option);
  const std::string repeat = option.type == OptionType::kTextList ? "*" : "";
  std::string value;
  if (takes_value(option)) {
    value = ":" + zsh_text(option.metavar.empty() ? "value" : option.metavar) + ":";
    if (option.type == OptionType::kChoice) value += "(" + choices(option) + ")";
    if (takes_path(option)) value += "_files";
  }
  const std::string text = "[" + zsh_text(option.help) + "]" + value + "'";
  std::string out = " \\\n        '" + repeat + flag + text;
  if (!brief.empty()) out += " \\\n        '" + repeat + brief + text;
  return out;
}

std::string zsh() {
  std::string out =
      "#compdef pare\n"
      "# zsh completion for pare, written by `pare completion zsh`.\n"
      "_pare() {\n"
      "  local -a commands\n"
      "  commands=(\n";
  for (const CommandRow& row : all_commands()) {
    out += "    '" + std::string(row.name) + ":" + zsh_text(row.summary) + "'\n";
  }
  out +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe 'command' commands\n"
      "    return\n"
      "  fi\n"
      "  local command=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $command in\n";
  for (const CommandRow& row : all_commands()) {
    out += "    " + std::string(row.name) + ")\n      _arguments";
    for (const Option& option : schema_of(row.make())) out += zsh_option(option);
    out += " \\\n        '--help[Show the flags and an example]' \\\n        '*:file:_files' ;;\n";
  }
  return out + "  esac\n}\n_pare \"$@\"\n";
}

// ---- fish --------------------------------------------------------------------------------------

std::string fish_text(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\\' ? "\\\\" : std::string(1, c);
  return "'" + inside_quotes(out, "\\'") + "'";
}

std::string fish_option(const std::string& command, const Option& option) {
  std::string out = "complete -c pare -n '__fish_seen_subcommand_from " + command + "'";
  const std::string brief = short_flag(option);
  if (!brief.empty()) out += " -s " + brief.substr(1);
  out += " -l " + typed_flag(option).substr(2);
  if (option.type == OptionType::kChoice) {
    out += " -x -a '" + choices(option) + "'";
  } else if (takes_value(option)) {
    out += takes_path(option) ? " -r -F" : " -x";
  }
  return out + " -d " + fish_text(option.help) + "\n";
}

std::string fish() {
  std::string out = "# fish completion for pare, written by `pare completion fish`.\n";
  for (const CommandRow& row : all_commands()) {
    out += "complete -c pare -n __fish_use_subcommand -f -a " + std::string(row.name) + " -d " +
           fish_text(row.summary) + "\n";
  }
  for (const CommandRow& row : all_commands()) {
    for (const Option& option : schema_of(row.make())) {
      out += fish_option(std::string(row.name), option);
    }
  }
  return out;
}

}  // namespace

std::string completion_script(std::string_view shell) {
  if (shell == "bash") return bash();
  if (shell == "zsh") return zsh();
  if (shell == "fish") return fish();
  throw UsageError(shell, "no completion for this shell; known: bash, zsh, fish");
}

}  // namespace pare::cli
