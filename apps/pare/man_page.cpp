// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/man_page.hpp"

#include <cctype>

#include "apps/pare/help.hpp"
#include "apps/pare/parse.hpp"

namespace pare::cli {

namespace {

using pass::Option;

// Text as roff reads it: no escapes, no requests, hyphens that can be copied.
std::string roff(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool line_start = out.empty() || out.back() == '\n';
    if (line_start && (c == '.' || c == '\'')) out += "\\&";
    if (c == '\\') {
      out += "\\e";
    } else if (c == '-') {
      out += "\\-";
    } else {
      out += c;
    }
  }
  return out;
}

std::string upper(std::string text) {
  for (char& c : text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  return text;
}

std::string title(const std::string& name) {
  return ".TH " + roff(upper(name)) + " 1 \"\" \"pare " + PARE_VERSION + "\" \"pare\"\n";
}

std::string bold(std::string_view text) { return "\\fB" + roff(text) + "\\fR"; }

std::string option_entry(const Option& option) {
  const std::string brief = short_flag(option);
  const std::string metavar = metavar_of(option);
  std::string out = ".TP\n" + (brief.empty() ? "" : bold(brief) + ", ") + bold(typed_flag(option));
  if (!metavar.empty()) out += " \\fI" + roff(metavar) + "\\fR";
  return out + "\n" + roff(description_of(option)) + "\n";
}

constexpr const char* kExitStatus =
    ".SH EXIT STATUS\n"
    ".TP\n0\nDone.\n"
    ".TP\n1\nSomething is wrong with files, data, a pattern against a model, or the disk.\n"
    ".TP\n2\nSomething is wrong in the arguments alone; no file was opened.\n"
    ".TP\n3, 4\nA gate failed, or is inconclusive.\n"
    ".TP\n70\nA bug in pare.\n"
    ".TP\n128 + N\nEnded by signal N.\n";

}  // namespace

std::string man_page() {
  std::string out = title("pare");
  out += ".SH NAME\npare \\- distil, prune and quantize neural networks, and measure the cost\n";
  out += ".SH SYNOPSIS\n" + bold("pare") + " \\fICOMMAND\\fR [\\fIarguments\\fR]\n";
  out += ".SH COMMANDS\nEach has a page of its own, such as " + bold("pare-prune") + "(1).\n";
  for (const CommandRow& row : all_commands()) {
    out += ".TP\n" + bold(row.name) + "\n" + roff(row.summary) + "\n";
  }
  out += kExitStatus;
  out += ".SH ENVIRONMENT\n";
  out += ".TP\n" + bold("PARE_ISA") + "\nCaps the instruction set of the kernels.\n";
  out += ".TP\n" + bold("NO_COLOR") + ", " + bold("CI") +
         "\nTurn off colour; the latter bars as well.\n";
  out += ".TP\n" + bold("MAKEFLAGS") +
         "\nUnder a parallel make the default is one thread a command.\n";
  return out;
}

std::string man_page(const Command& command) {
  const std::string name = "pare-" + command.name;
  std::string out = title(name);
  out += ".SH NAME\n" + roff(name) + " \\- " + roff(command.summary) + "\n";
  out += ".SH SYNOPSIS\n" + roff(usage_of(command)) + "\n";
  out += ".SH DESCRIPTION\n" + roff(command.summary) + ".\n";
  if (command.positional.max != 0) {
    out += ".TP\n\\fI" + roff(command.positional.metavar) + "\\fR\n" +
           roff(command.positional.help) + "\n";
  }
  for (const std::string& note : command.notes) out += ".PP\n" + roff(note) + "\n";
  if (!schema_of(command).empty()) out += ".SH OPTIONS\n";
  for (const OptionGroup& group : command.groups) {
    if (group.options.empty()) continue;
    out += ".SS " + roff(group.title) + "\n";
    for (const Option& option : group.options) out += option_entry(option);
  }
  out += ".SH EXAMPLES\n.nf\n";
  for (const std::string& example : command.examples) out += roff(example) + "\n";
  return out + ".fi\n" + kExitStatus + ".SH SEE ALSO\n" + bold("pare") + "(1)\n";
}

}  // namespace pare::cli
