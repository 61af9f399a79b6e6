// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/cli.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <new>

#include "apps/pare/command.hpp"
#include "apps/pare/freshness.hpp"
#include "apps/pare/help.hpp"
#include "apps/pare/parse.hpp"
#include "apps/pare/sibling.hpp"
#include "apps/pare/signals.hpp"
#include "apps/pare/terminal.hpp"
#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

// A result that did not reach stdout (a full disk behind `>`) must not look like success.
void flush_stdout() {
  if (std::fflush(stdout) != 0 || std::ferror(stdout) != 0) {
    throw Error("stdout", std::string("cannot be written: ") + std::strerror(errno));
  }
}

int choose_threads(const pass::Options& options, const pass::Schema& schema,
                   const Environment& env) {
  if (pass::find(schema, "threads") && options.given("threads")) {
    // Where it is a list, the largest is how many threads there may be.
    const bool list = pass::find(schema, "threads")->type == pass::OptionType::kIntegerList;
    return static_cast<int>(list ? std::ranges::max(options.integers("threads"))
                                 : options.integer("threads"));
  }
  return env.parallel_make ? 1 : available_threads();
}

bool flag_if_known(const pass::Options& options, const pass::Schema& schema,
                   std::string_view name) {
  return pass::find(schema, name) && options.flag(name);
}

ExitCode run_command(const Command& command, std::span<char* const> arguments,
                     train::Trainer* trainer) {
  const Environment env = read_environment();
  const Arguments parsed = parse(command, arguments);
  if (parsed.help) {
    print(help_text(command));
    return ExitCode::kOk;
  }
  const pass::Schema schema = schema_of(command);
  const bool quiet = flag_if_known(parsed.options, schema, "quiet");
  const bool verbose = flag_if_known(parsed.options, schema, "verbose");
  if (quiet && verbose) throw UsageError("--quiet", "contradicts --verbose");
  check_arguments(command, parsed.options);
  if (!env.isa.empty()) runtime::cap_isa(env.isa);
  if (flag_if_known(parsed.options, schema, "print_config")) {
    const Json config{{"schema_version", kSchemaVersion},
                      {"command", command.name},
                      {"arguments", parsed.positionals},
                      {"options", parsed.options.resolved()}};
    print(to_text(config, 2) + "\n");
    return ExitCode::kOk;
  }
  const auto progress = make_progress({.bar = env.stderr_terminal && !env.ci,
                                       .color = env.color(env.stderr_terminal),
                                       .quiet = quiet,
                                       .verbose = verbose});
  Freshness freshness(command, parsed.positionals, parsed.options);
  if (freshness.up_to_date()) {
    freshness.record();
    progress->log("the output is up to date");
    return ExitCode::kOk;
  }
  const ExitCode code = command.run({.command = command,
                                     .positionals = parsed.positionals,
                                     .options = parsed.options,
                                     .environment = env,
                                     .progress = *progress,
                                     .trainer = trainer,
                                     .arguments = arguments,
                                     .threads = choose_threads(parsed.options, schema, env)});
  if (code == ExitCode::kOk) freshness.record();
  return code;
}

ExitCode dispatch(std::span<char* const> arguments, train::Trainer* trainer) {
  const bool training = trainer != nullptr;
  if (training && !arguments.empty()) {
    const std::string_view first(arguments[0]);
    if (first.starts_with(kHandshakeFlag)) {
      check_handshake(first.substr(kHandshakeFlag.size()));
      arguments = arguments.subspan(1);
    } else if (first == kProbeFlag) {
      print(probe_text() + "\n");
      return ExitCode::kOk;
    }
  }
  const std::string word = arguments.empty() ? "" : arguments[0];
  if (word.empty()) throw UsageError("pare", "a command is expected; pare --help lists them");
  if (word == "--version") {
    print((training ? "pare-train " : "pare ") + std::string(PARE_VERSION) + "\n");
    return ExitCode::kOk;
  }
  if (word == "--help" || word == "-h" || (word == "help" && arguments.size() == 1)) {
    print(overview_text());
    return ExitCode::kOk;
  }
  if (word == "help") {
    print(help_text(find_command(arguments[1]).make()));
    return ExitCode::kOk;
  }
  return run_command(find_command(word).make(), arguments, trainer);
}

int report(const char* text, ExitCode code) {
  end_progress_line();
  std::fprintf(stderr, "pare: error: %s\n", text);
  return static_cast<int>(code);
}

}  // namespace

int run(int argc, char** argv, train::Trainer* trainer) {
  install_signal_handlers();
  try {
    const auto skipped = static_cast<size_t>(argc > 0 ? 1 : 0);
    const auto code =
        dispatch(std::span<char* const>(argv, static_cast<size_t>(argc)).subspan(skipped), trainer);
    flush_stdout();
    return static_cast<int>(code);
  } catch (const Error& error) {
    return report(error.what(), error.code());
  } catch (const std::bad_alloc&) {
    return report("memory: there is not enough of it", ExitCode::kFailure);
  } catch (const std::exception& bug) {
    const std::string text = "internal: " + escaped(bug.what(), 2000) + " (this is a bug in pare)";
    return report(text.c_str(), ExitCode::kBug);
  }
}

}  // namespace pare::cli
