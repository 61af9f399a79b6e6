// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/c/compiled.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>

#include <dlfcn.h>
#include <doctest/doctest.h>

#include "formats/c/c_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/rng.hpp"
#include "lib/runtime/session.hpp"

namespace pare::tests {

namespace {

std::string compiler_path() {
  const char* compiler = std::getenv("PARE_C_COMPILER");
  return compiler != nullptr ? compiler : "/usr/bin/cc";
}

test::Finished compile(const test::Folder& folder, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), kPromised.begin(), kPromised.end());
  return test::run(folder, {.arguments = std::move(arguments), .program = compiler_path()});
}

}  // namespace

bool has_c_compiler() {
  const bool found = test::has_executable(compiler_path());
  if (!found) std::cout << "skipped: no C compiler at " << compiler_path() << "\n";
  return found;
}

bool has_sanitizers() {
  static const bool kFound = [] {
    const test::Folder folder;
    test::write_file(folder.at("empty.c"), "int main(void) { return 0; }\n");
    return compile(folder, {"-fsanitize=address,undefined", "empty.c", "-o", "empty"}).code == 0;
  }();
  return kFound;
}

test::Finished self_test(const test::Folder& folder, const std::string& source,
                         const std::vector<std::string>& extra) {
  std::vector<std::string> arguments = {"-DPARE_SELF_TEST", source, "-o", "self_test"};
  arguments.insert(arguments.end(), extra.begin(), extra.end());
  arguments.emplace_back("-lm");
  const test::Finished compiled = compile(folder, arguments);
  REQUIRE_MESSAGE(compiled.code == 0, compiled.err);
  return test::run(folder, {.program = folder.at("self_test")});
}

Library::Library(const test::Folder& folder, const std::string& name) : name_(name) {
  const std::string path = folder.at(name + ".so");
  const test::Finished compiled =
      compile(folder, {"-O2", "-shared", "-fPIC", name + ".c", "-o", path, "-lm"});
  REQUIRE_MESSAGE(compiled.code == 0, compiled.err);
  handle_ = ::dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  REQUIRE(handle_ != nullptr);
}

Library::~Library() {
  if (handle_ != nullptr) ::dlclose(handle_);
}

void* Library::symbol(const std::string& name) const {
  void* found = ::dlsym(handle_, name.c_str());
  REQUIRE_MESSAGE(found != nullptr, name);
  return found;
}

std::vector<float> Library::run(std::span<const float> input, size_t outputs) const {
  const auto function = reinterpret_cast<int (*)(const float*, float*)>(symbol(name_ + "_run"));
  std::vector<float> out(outputs);
  CHECK(function(input.data(), out.data()) == 0);
  CHECK(function(nullptr, out.data()) == 1);
  return out;
}

std::vector<float> Library::run_quantized(std::span<const uint8_t> input, size_t outputs) const {
  const auto function =
      reinterpret_cast<int (*)(const uint8_t*, float*)>(symbol(name_ + "_run_quantized"));
  std::vector<float> out(outputs);
  CHECK(function(input.data(), out.data()) == 0);
  return out;
}

void check_compiled(const ir::Model& model, bool exact, float tolerance) {
  const test::Folder folder;
  formats::write_c(model, folder.at("net.c"));
  std::vector<std::string> flags = {"-O1"};
  if (has_sanitizers()) {
    flags.insert(flags.end(), {"-fsanitize=address,undefined", "-fno-sanitize-recover"});
  }
  const test::Finished passed = self_test(folder, "net.c", flags);
  CHECK_MESSAGE(passed.code == 0, (passed.out + passed.err));
  CHECK(passed.out.ends_with("PASS net\n"));
  const Library library(folder, "net");
  runtime::Session session(model, {});
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    Rng rng(seed);
    for (float& x : session.input()) x = 1.5F * rng.normal();
    const std::vector<float> input(session.input().begin(), session.input().end());
    session.run();
    const std::span<const float> expected = session.output();
    const std::vector<float> got = library.run(input, expected.size());
    float largest = 0.0F;
    for (const float y : expected) largest = std::max(largest, std::abs(y));
    for (size_t i = 0; i < got.size(); ++i) {
      if (exact) {
        CHECK(got[i] == expected[i]);
      } else {
        CHECK(std::abs(got[i] - expected[i]) <= tolerance * largest);
      }
    }
  }
}

}  // namespace pare::tests
