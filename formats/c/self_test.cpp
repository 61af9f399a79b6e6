// SPDX-License-Identifier: Apache-2.0
#include "formats/c/self_test.hpp"

#include "formats/c/literals.hpp"

namespace pare::formats::c {

namespace {

constexpr const char* kHead = R"(#ifdef PARE_SELF_TEST
#include <stdio.h>

)";

constexpr const char* kCompare = R"(// Compares floats; a tolerance of 0 asks for equal bits.
static int check_floats(const char *what, const float *got, const float *expected, int32_t count,
                        float tolerance) {
  float largest = 0.0f;
  int32_t wrong = 0;
  int32_t i;
  for (i = 0; i < count; ++i) {
    const float difference = fabsf(got[i] - expected[i]);
    if (difference > largest) largest = difference;
    if (tolerance == 0.0f ? memcmp(&got[i], &expected[i], sizeof(float)) != 0
                          : !(difference <= tolerance)) {
      ++wrong;
    }
  }
  printf("%s: %ld of %ld values differ, by %g at most (tolerance %g)\n", what, (long)wrong,
         (long)count, (double)largest, (double)tolerance);
  return wrong != 0;
}

)";

constexpr const char* kCompareCodes =
    R"(static int check_codes(const char *what, const uint8_t *got, const uint8_t *expected,
                       int32_t count) {
  int32_t wrong = 0;
  int32_t i;
  for (i = 0; i < count; ++i) wrong += got[i] != expected[i];
  printf("%s: %ld of %ld codes differ\n", what, (long)wrong, (long)count);
  return wrong != 0;
}

)";

template <class T>
std::string table(const char* type, const std::string& name, std::span<const T> values) {
  std::string out = "static const ";
  out += type;
  out += ' ';
  out += name;
  out += '[';
  out += std::to_string(values.size());
  out += "] = ";
  out += initializer(values, 2);
  return out += ";\n\n";
}

std::string check_checkpoint(const Program& program, const Checkpoint& point, size_t index) {
  const std::string expected = "expected_step_" + std::to_string(index);
  const std::string address = program.arena_address(point.buffer);
  const std::string what = "\"before the first rounding step\"";
  if (!point.codes.empty()) {
    return call_text(
        "  failed |= check_codes",
        std::vector<std::string>{what, address, expected, literal(std::ssize(point.codes))}, 0);
  }
  return call_text(
      "  failed |= check_floats",
      std::vector<std::string>{what, address, expected, literal(std::ssize(point.floats)), "0.0f"},
      0);
}

// Calls NAME_run on the stored input and checks outputs and checkpoints.
std::string run_and_check(const Program& program, const Golden& golden, const std::string& name) {
  std::string arguments;
  for (const Port& port : program.inputs) {
    arguments += (arguments.empty() ? "" : ", ") + ("test_" + port.name);
  }
  for (const Port& port : program.outputs) {
    arguments += (arguments.empty() ? "" : ", ") + port.name;
  }
  std::string out = "  failed |= " + name + "_run(" + arguments + ");\n";
  for (size_t i = 0; i < golden.checkpoints.size(); ++i) {
    out += check_checkpoint(program, golden.checkpoints[i], i);
  }
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    const Port& port = program.outputs[i];
    out += call_text(
        "  failed |= check_floats",
        std::vector<std::string>{"\"" + port.name + "\"", port.name, "expected_" + port.name,
                                 literal(port.count()), literal(golden.tolerances[i])},
        0);
  }
  return out;
}

}  // namespace

std::string self_test_text(const Program& program, const Golden& golden, const std::string& name) {
  std::string out = kHead;
  for (size_t i = 0; i < program.inputs.size(); ++i) {
    out +=
        table("float", "test_" + program.inputs[i].name, std::span<const float>(golden.inputs[i]));
  }
  for (size_t i = 0; i < program.outputs.size(); ++i) {
    out += table("float", "expected_" + program.outputs[i].name,
                 std::span<const float>(golden.outputs[i]));
  }
  bool codes = false;
  for (size_t i = 0; i < golden.checkpoints.size(); ++i) {
    const Checkpoint& point = golden.checkpoints[i];
    const std::string expected = "expected_step_" + std::to_string(i);
    codes = codes || !point.codes.empty();
    out += point.codes.empty() ? table("float", expected, std::span<const float>(point.floats))
                               : table("uint8_t", expected, std::span<const uint8_t>(point.codes));
  }
  out += kCompare;
  if (codes) out += kCompareCodes;
  out += "int main(void) {\n";
  for (const Port& port : program.outputs) {
    out += "  static float " + port.name + "[" + literal(port.count()) + "];\n";
  }
  return out + "  int failed = 0;\n" + run_and_check(program, golden, name) + "  printf(\"%s " +
         name +
         "\\n\", failed ? \"FAIL\" : \"PASS\");\n"
         "  return failed;\n}\n#endif\n";
}

}  // namespace pare::formats::c
