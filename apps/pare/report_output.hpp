// SPDX-License-Identifier: Apache-2.0
// How the commands that judge models hand over what they found: pages to files, one result to
// stdout, a verdict as exit code.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "apps/pare/command.hpp"
#include "lib/eval/budget.hpp"
#include "lib/eval/report.hpp"

namespace pare::cli {

// A page is an option whose value is where it goes; - is stdout.
struct Page {
  std::string option;
  std::function<std::string()> render;
};

// Options of these pages, in this order: "junit", "md", "html".
pass::Schema page_options(std::span<const std::string_view> names);
// Throws UsageError when stdout would have to take more than one result.
void check_pages(const pass::Options& options, std::span<const std::string_view> names);
// Throws Error(path) for a page that could not be written, before long work.
void check_pages_writable(const pass::Options& options, std::span<const std::string_view> names);

// Writes the pages asked for, then `json` with --json, else `terminal`, unless a page took stdout.
void write_result(const Invocation& invocation, const std::vector<Page>& pages,
                  const std::function<Json()>& json,
                  const std::function<std::string(const eval::TerminalStyle&)>& terminal);

// 0, 3 or 4 (docs/cli.md).
ExitCode exit_code_of(eval::Verdict verdict);

}  // namespace pare::cli
