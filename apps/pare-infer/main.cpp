// SPDX-License-Identifier: Apache-2.0
// pare-infer MODEL --input x.npy: the runtime and the model reader, nothing else.
#include <cstdio>
#include <cstdlib>
#include <exception>

#include <CLI/CLI.hpp>

#include "apps/pare-infer/inference.hpp"
#include "lib/core/error.hpp"
#include "lib/runtime/isa.hpp"

namespace {

int fail(const std::string& message, pare::ExitCode code) {
  std::fprintf(stderr, "pare: error: %s\n", message.c_str());
  return static_cast<int>(code);
}

void add_options(CLI::App& app, pare::infer::Request& into) {
  app.add_option("model", into.model, "Model file")->required()->type_name("MODEL");
  const char* const input = ".npy (floats, or raw integers), .npz by input name, or 'zeros'";
  app.add_option("--input", into.input, input)->required()->type_name("FILE|zeros");
  app.add_option("--output", into.output, "First output (.npy) or all (.npz)")->type_name("FILE");
  app.add_option("--threads", into.threads,
                 "Threads; more than one pays for large models on an idle machine")
      ->default_val(1)
      ->check(CLI::Range(1, 1024));
  app.add_option("--repeat", into.repeat, "Timed runs; two or more come after one that warms up")
      ->check(CLI::Range(1, 10'000'000))
      ->default_val(1);
  app.add_flag("--json", into.json, "Print JSON");
  app.set_version_flag("--version", "pare-infer " PARE_VERSION);
  app.footer("Example:\n  pare-infer model.pare --input x.npy --repeat 100");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Runs one model on one input", "pare-infer");
  pare::infer::Request request;
  try {
    add_options(app, request);
    app.parse(argc, argv);
    if (const char* isa = std::getenv("PARE_ISA")) pare::runtime::cap_isa(isa);
    std::fputs(pare::infer::run(request).c_str(), stdout);
    if (std::fflush(stdout) == 0) std::_Exit(0);  // what is left would be freed piece by piece
    return fail("stdout: cannot write", pare::ExitCode::kFailure);
  } catch (const CLI::Success& e) {
    return app.exit(e);
  } catch (const CLI::ParseError& e) {
    return fail("arguments: " + pare::escaped(e.what()), pare::ExitCode::kUsage);
  } catch (const pare::Error& e) {
    return fail(e.what(), e.code());
  } catch (const std::bad_alloc&) {
    return fail("memory: not enough", pare::ExitCode::kFailure);
  } catch (const std::exception& e) {
    return fail(std::string("internal: ") + e.what(), pare::ExitCode::kBug);
  }
}
