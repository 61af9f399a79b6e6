// SPDX-License-Identifier: Apache-2.0
// The help of every command is a file in tests/cli/golden. After a wanted change, run this test
// with PARE_UPDATE_GOLDENS=1 and read the difference.
#include <cstdlib>
#include <sstream>

#include <doctest/doctest.h>

#include "apps/pare/command.hpp"
#include "tests/cli/child_process.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::run;

namespace {

void check_golden(const std::string& name, const std::string& text) {
  const std::string path = "tests/cli/golden/" + name + ".txt";
  if (std::getenv("PARE_UPDATE_GOLDENS")) pare::test::write_file(path, text);
  INFO("golden file " << path);
  CHECK(pare::test::read_file(path) == text);
}

// Columns, not bytes: the help is ASCII.
size_t longest_line(const std::string& text) {
  std::istringstream lines(text);
  size_t longest = 0;
  for (std::string line; std::getline(lines, line);) longest = std::max(longest, line.size());
  return longest;
}

}  // namespace

TEST_CASE("the help of every command equals its golden file and fits 100 columns") {
  const Folder folder;
  std::vector<std::string> names{""};
  for (const auto& command : pare::cli::all_commands()) names.emplace_back(command.name);
  for (const std::string& name : names) {
    CAPTURE(name);
    const Finished finished = run(folder, name.empty() ? std::vector<std::string>{"--help"}
                                                       : std::vector<std::string>{name, "--help"});
    CHECK(finished.code == 0);
    CHECK(finished.err.empty());
    CHECK(longest_line(finished.out) <= 100);
    if (!name.empty()) CHECK(finished.out.find("\nexample") != std::string::npos);
    check_golden(name.empty() ? "pare" : name, finished.out);
  }
}

TEST_CASE("help wins over other arguments and has a short form") {
  const Folder folder;
  const std::string expected = run(folder, {"prune", "--help"}).out;
  CHECK(run(folder, {"prune", "-h"}).out == expected);
  CHECK(run(folder, {"help", "prune"}).out == expected);
  CHECK(run(folder, {"prune", "m.pare", "--help"}).out == expected);
}
