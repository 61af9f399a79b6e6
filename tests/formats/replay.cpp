// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/replay.hpp"

#include <cstdio>
#include <cstdlib>

#include "formats/formats.hpp"
#include "formats/inspect.hpp"
#include "lib/core/error.hpp"

namespace pare::tests {

namespace {

[[noreturn]] void found(const std::string& path, const char* what) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), what);
  std::abort();
}

}  // namespace

std::string read_wholly(const std::string& path, ir::Model* out, const std::string& format) {
  try {
    const ir::Model model = formats::read(path, {.format = format});
    (void)formats::inspection_text(formats::inspect(model, path));
    if (out) *out = model;
    return "";
  } catch (const Error& error) {
    const std::string text = error.what();
    // An archive's reader names the member too.
    if (!error.subject().starts_with(path) || text.find('\n') != std::string::npos)
      found(path, error.what());
    return text;
  } catch (const std::exception& other) {
    found(path, other.what());
  }
}

}  // namespace pare::tests
