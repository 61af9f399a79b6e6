// SPDX-License-Identifier: Apache-2.0
// pare.h: the outputs of a Session, errors as text, nothing exported but its functions.
#include <array>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>

#include <doctest/doctest.h>

#include "apps/libpare/pare.h"
#include "formats/pare/pare_format.hpp"
#include "lib/runtime/session.hpp"

namespace {

const char* const kModel = "tests/formats/golden/mlp_v1.pare";

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = popen(command.c_str(), "r");
  REQUIRE(pipe != nullptr);
  std::array<char, 4096> buffer{};
  while (const size_t n = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    out.append(buffer.data(), n);
  }
  pclose(pipe);
  return out;
}

}  // namespace

TEST_CASE("a model loaded from C gives the outputs of a session") {
  pare_model* model = pare_load(kModel, 3, 1);
  REQUIRE_MESSAGE(model != nullptr, pare_last_error());
  pare::runtime::Session session(pare::formats::read_pare(kModel), {.batch = 3});
  REQUIRE(pare_input_count(model) == 1);
  REQUIRE(pare_output_count(model) == 1);
  CHECK(std::strlen(pare_input_name(model, 0)) > 0);
  CHECK(std::strlen(pare_output_name(model, 0)) > 0);
  CHECK(pare_input_rank(model, 0) == static_cast<int>(session.input_dims(0).size()));
  CHECK(pare_input_dims(model, 0)[0] == 3);
  CHECK(pare_output_dims(model, 0)[0] == 3);
  CHECK(pare_input_dtype(model, 0) == PARE_F32);
  CHECK(pare_output_dtype(model, 0) == PARE_F32);
  REQUIRE(pare_input_bytes(model, 0) == session.input_bytes(0).size());
  REQUIRE(pare_output_bytes(model, 0) == session.output_bytes(0).size());
  for (size_t i = 0; i < session.input().size(); ++i) {
    session.input()[i] = static_cast<float>(i % 7) * 0.25F - 0.5F;
  }
  std::memcpy(pare_input(model, 0), session.input_bytes(0).data(), pare_input_bytes(model, 0));
  session.run();
  REQUIRE(pare_run(model) == 0);
  CHECK(std::memcmp(pare_output(model, 0), session.output_bytes(0).data(),
                    pare_output_bytes(model, 0)) == 0);
  pare_free(model);
}

TEST_CASE("what goes wrong is one line, kept for each thread") {
  CHECK(pare_load("/no/such/model.pare", 1, 1) == nullptr);
  const std::string missing = pare_last_error();
  CHECK(missing.find("/no/such/model.pare") != std::string::npos);
  CHECK(missing.find('\n') == std::string::npos);
  std::thread([] { CHECK(std::string(pare_last_error()).empty()); }).join();
  CHECK(pare_load(nullptr, 1, 1) == nullptr);
  CHECK(pare_load("README.md", 1, 1) == nullptr);
  CHECK(pare_load(kModel, 0, 1) == nullptr);
  CHECK(pare_load(kModel, 1, -1) == nullptr);
  pare_model* model = pare_load(kModel, 1, 0);
  REQUIRE(model != nullptr);
  CHECK(pare_input(model, 1) == nullptr);
  CHECK(std::string(pare_last_error()) == "input 1: the model has 1");
  CHECK(pare_output_dims(model, -1) == nullptr);
  CHECK(pare_input_rank(model, 9) == -1);
  CHECK(pare_run(nullptr) == -1);
  pare_free(model);
  pare_free(nullptr);
}

TEST_CASE("the shared library exports the functions of its header and nothing else") {
  const char* library = std::getenv("PARE_LIBRARY");
  if (library == nullptr) {
    MESSAGE("skipped: PARE_LIBRARY names no library");
    return;
  }
  const std::string symbols =
      output_of("nm -D --defined-only '" + std::string(library) + "' | awk '{print $3}'");
  CHECK(symbols.find("pare_load") != std::string::npos);
  size_t begin = 0;
  for (size_t end; (end = symbols.find('\n', begin)) != std::string::npos; begin = end + 1) {
    const std::string symbol = symbols.substr(begin, end - begin);
    CAPTURE(symbol);
    CHECK((symbol.starts_with("pare_") || symbol.starts_with("PARE_1")));
  }
}
