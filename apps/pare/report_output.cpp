// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/report_output.hpp"

#include <cstdio>

#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/core/output_file.hpp"

namespace pare::cli {

namespace {

const pass::Schema& all_pages() {
  static const pass::Schema kAll{
      {.name = "junit",
       .help = "Write the verdicts as JUnit XML, for CI; - is stdout",
       .changes_result = false,
       .metavar = "OUT"},
      {.name = "md",
       .help = "Write the result as Markdown, fit for a pull request; - is stdout",
       .changes_result = false,
       .metavar = "OUT"},
      {.name = "html",
       .help = "Write the report as one self-contained page; - is stdout",
       .changes_result = false,
       .metavar = "OUT"},
  };
  return kAll;
}

int terminal_width(const Environment& environment) {
  winsize size{};
  if (!environment.stdout_terminal) return 0;
  return ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

}  // namespace

pass::Schema page_options(std::span<const std::string_view> names) {
  pass::Schema out;
  for (const std::string_view name : names) out.push_back(*pass::find(all_pages(), name));
  return out;
}

void check_pages(const pass::Options& options, std::span<const std::string_view> names) {
  int on_stdout = options.flag("json") ? 1 : 0;
  for (const std::string_view name : names) on_stdout += options.text(name) == "-" ? 1 : 0;
  if (on_stdout > 1) {
    throw UsageError("-", "stdout can take only one of the results asked for");
  }
}

void check_pages_writable(const pass::Options& options, std::span<const std::string_view> names) {
  for (const std::string_view name : names) {
    if (options.given(name)) check_writable(options.text(name));
  }
}

void write_result(const Invocation& invocation, const std::vector<Page>& pages,
                  const std::function<Json()>& json,
                  const std::function<std::string(const eval::TerminalStyle&)>& terminal) {
  bool stdout_taken = false;
  for (const Page& page : pages) {
    const std::string path = invocation.text(page.option);
    if (path.empty()) continue;
    write_text_file(path, page.render());
    stdout_taken = stdout_taken || path == "-";
    if (path != "-") invocation.progress.log("wrote " + path);
  }
  if (stdout_taken) return;
  const Environment& environment = invocation.environment;
  const std::string text = invocation.flag("json")
                               ? to_text(json(), 2) + "\n"
                               : terminal({.colour = environment.color(environment.stdout_terminal),
                                           .width = terminal_width(environment)});
  std::fwrite(text.data(), 1, text.size(), stdout);
}

ExitCode exit_code_of(eval::Verdict verdict) {
  return verdict == eval::Verdict::kPass   ? ExitCode::kOk
         : verdict == eval::Verdict::kFail ? ExitCode::kGateFailed
                                           : ExitCode::kInconclusive;
}

}  // namespace pare::cli
