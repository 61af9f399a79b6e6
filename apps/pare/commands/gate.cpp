// SPDX-License-Identifier: Apache-2.0
// pare gate: a budget against a report that pare eval --json wrote.
#include "apps/pare/commands/commands.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/report_output.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::cli {

namespace {

constexpr std::string_view kPages[] = {"junit", "md"};

void check(const pass::Options& options) {
  if (!options.given("budget")) throw UsageError("--budget", "is needed: what to judge by");
  check_pages(options, kPages);
}

eval::WrittenReport read_report(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  return eval::parse_report({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
}

ExitCode run(const Invocation& invocation) {
  check_pages_writable(invocation.options, kPages);
  const eval::Budget budget = eval::read_budget(invocation.text("budget"));
  eval::WrittenReport report = read_report(invocation.positionals.front());
  for (eval::Judged& candidate : report.candidates) {
    candidate.verdicts = eval::judge(budget, report.task, candidate.figures);
  }
  const std::vector<Page> pages = {
      {"junit", [&] { return eval::gate_junit(budget, report.candidates); }},
      {"md", [&] { return eval::gate_markdown(budget, report.candidates); }}};
  write_result(
      invocation, pages,
      [&] {
        Json out{{"schema_version", eval::kReportSchemaVersion}};
        out.update(eval::gate_json(budget, report.candidates));
        return out;
      },
      [&](const eval::TerminalStyle& style) {
        return eval::gate_terminal(budget, report.candidates, style);
      });
  return exit_code_of(eval::worst_verdict(report.candidates));
}

// "accuracy_drop <= fraction: Accuracy of the base minus this one's."
std::vector<std::string> key_notes() {
  std::vector<std::string> notes{
      "A budget is a JSON object of key: bound, and \"confidence\" (default 0.95). Exit code 0: "
      "every "
      "interval keeps to its bound; 3: some interval lies beyond; 4: some interval reaches over "
      "its "
      "bound or was not measured, and none lies beyond. Keys:"};
  for (const eval::BudgetKey& key : eval::budget_keys()) {
    std::string line = std::string(key.name) + (key.at_least ? " (minimum" : " (maximum");
    if (!key.unit.empty()) line += ", " + std::string(key.unit);
    if (key.task) line += std::string(", ") + eval::name_of(*key.task);
    notes.push_back(line + "): " + std::string(key.meaning));
  }
  return notes;
}

}  // namespace

pass::Option budget_option() {
  return {.name = "budget",
          .help = "Judge by this budget: a JSON object of figure: bound (see pare gate --help)",
          .metavar = "JSON"};
}

Command make_gate() {
  return {.name = "gate",
          .summary = "Judge a report of pare eval --json by a budget, without measuring again",
          .positional = {"REPORT", "The report to judge", 1, 1},
          .groups = {{"Judging", {budget_option()}},
                     {"Result", page_options(kPages)},
                     general_group({"json"})},
          .examples = {"pare gate report.json --budget budget.json --junit verdicts.xml"},
          .run = run,
          .check = check,
          .notes = key_notes()};
}

}  // namespace pare::cli
