// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/replay.hpp"

#include <cstdio>
#include <cstdlib>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"

namespace pare::tests {

namespace {

void touch(const ir::Tensor& tensor) {
  if (tensor.is_plain()) {
    (void)tensor.view();
    return;
  }
  for (int i = 0; i < ir::kPartCount; ++i) {
    if (const ir::Tensor* part = tensor.part(static_cast<ir::Part>(i))) touch(*part);
  }
}

[[noreturn]] void found(const std::string& path, const char* what) {
  std::fprintf(stderr, "%s: %s\n", path.c_str(), what);
  std::abort();
}

}  // namespace

std::string read_wholly(const std::string& path, ir::Model* out) {
  try {
    const ir::Model model = formats::read(path);
    for (const auto& entry : model.parameters.entries()) touch(entry.tensor);
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
