// SPDX-License-Identifier: Apache-2.0
#include "formats/c/write_text.hpp"

#include <map>

#include "formats/c/golden.hpp"
#include "formats/c/identifiers.hpp"
#include "formats/c/kernel_text.hpp"
#include "formats/c/program.hpp"
#include "formats/c/self_test.hpp"
#include "formats/c/steps.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"

namespace pare::formats::c {

namespace {

// "const float *input, float *output", with codes where `codes` asks for them.
std::string parameters(const Program& program, bool codes) {
  std::string out;
  const auto add = [&](const Port& port, const char* qualifier) {
    const bool as_codes = codes && port.codes;
    out += (out.empty() ? "" : ", ") + std::string(qualifier) + (as_codes ? "uint8_t" : "float") +
           " *" + port.name;
  };
  for (const Port& port : program.inputs) add(port, "const ");
  for (const Port& port : program.outputs) add(port, "");
  return out;
}

// Constants and calls of all steps.
void emit_steps(const Program& program, Source& source) {
  for (const int s : program.steps) {
    const runtime::PlannedStep& planned = program.plan.steps[static_cast<size_t>(s)];
    const runtime::StepSpec& spec = *planned.spec;
    Step step{.spec = spec,
              .name = identifier(spec.node.name.empty() ? spec.node.op : spec.node.name)};
    for (const int b : planned.inputs) step.inputs.push_back(b < 0 ? "" : program.address(b));
    for (const int b : planned.outputs) step.outputs.push_back(program.address(b));
    step.scratch = program.scratch_address(s);
    emit(step, source);
  }
}

std::string null_check(const Program& program) {
  std::string out;
  for (const auto* ports : {&program.inputs, &program.outputs}) {
    for (const Port& port : *ports) out += (out.empty() ? "" : " || ") + port.name + " == 0";
  }
  return "  if (" + out + ") return 1;\n";
}

std::string arena_text(const Program& program) {
  const std::string bytes = literal(program.arena_bytes);
  std::string out =
      "// Everything between input and output lives here.\nstatic union {\n  float floats[" +
      literal(program.arena_bytes / 4) + "];\n  uint8_t bytes[" + bytes + "];\n} arena;\n\n";
  if (program.sums > 0) {
    out += "// Sums of one output row of a convolution.\nstatic int32_t row_sums[" +
           literal(program.sums) + "];\n\n";
  }
  return out;
}

std::string function_text(const Program& program, const std::string& name, bool codes,
                          const std::string& body) {
  return "int " + name + "(" + parameters(program, codes) + ") {\n" + null_check(program) + body +
         "  return 0;\n}\n\n";
}

// The body of run(): conversions around infer().
std::string run_body(const Program& program, Source& source) {
  std::string arguments;
  for (const auto* ports : {&program.inputs, &program.outputs}) {
    for (const Port& port : *ports) {
      arguments += (arguments.empty() ? "" : ", ") +
                   (port.codes ? program.arena_address(port.buffer) : port.name);
    }
  }
  for (const Port& port : program.inputs) {
    if (!port.codes) continue;
    source.call("quantize", {port.name, program.arena_address(port.buffer), literal(port.count()),
                             literal(port.codes->scale), literal(port.codes->zero_point)});
  }
  std::string out = source.take_calls() + "  infer(" + arguments + ");\n";
  for (const Port& port : program.outputs) {
    if (!port.codes) continue;
    source.call("dequantize", {program.arena_address(port.buffer), port.name, literal(port.count()),
                               literal(port.codes->scale), literal(port.codes->zero_point)});
  }
  return out + source.take_calls();
}

std::string forwarded(const Program& program) {
  std::string out;
  for (const auto* ports : {&program.inputs, &program.outputs}) {
    for (const Port& port : *ports) out += (out.empty() ? "" : ", ") + port.name;
  }
  return out;
}

std::string operator_list(const Program& program) {
  std::map<std::string, int> floats;
  std::map<std::string, int> codes;
  for (const int s : program.steps) {
    const runtime::StepSpec& spec = *program.plan.steps[static_cast<size_t>(s)].spec;
    const bool on_codes = spec.integer || spec.output().quant.has_value();
    ++(on_codes ? codes : floats)[spec.node.op];
  }
  std::string out;
  const auto add = [&](const std::map<std::string, int>& counts, const char* kind) {
    if (counts.empty()) return;
    out += (out.empty() ? "" : "; ") + std::string(kind);
    for (const auto& [op, count] : counts) out += " " + std::to_string(count) + " " + op;
  };
  add(codes, "on codes:");
  add(floats, "in floats:");
  return out;
}

std::string source_head(const Program& program, const std::string& name, int64_t flash) {
  const std::string macro = upper(name);
  return "// " + name +
         ": a neural network as C99 source, written by pare " PARE_VERSION
         ". Made by a program: do not edit.\n"
         "//\n"
         "// Steps " +
         plain_text(operator_list(program), 2000) +
         "\n"
         "// Flash: " +
         std::to_string(flash) + " bytes of constants (" + macro +
         "_FLASH_BYTES), besides code.\n"
         "// RAM: " +
         std::to_string(program.ram_bytes()) + " bytes, one static arena (" + macro +
         "_RAM_BYTES), and a few hundred of stack.\n"
         "// No allocation, no recursion, no other global state; one call at a time.\n"
         "//\n"
         "// Compile with -std=c99 -ffp-contract=off: every rounding is the one that is written.\n"
         "// float has to be IEEE 754 binary32. int may have 16 bits.\n"
         "// Self-test: cc -std=c99 -ffp-contract=off -DPARE_SELF_TEST " +
         name +
         ".c -lm\n"
         "//\n"
         "// The functions before the constants are from pare, under the Apache License 2.0.\n";
}

std::string preprocessing_text(const ir::Model& model) {
  const ir::Preprocessing& p = model.metadata.preprocessing;
  if (!p.stated) return "";
  const auto list = [](const std::vector<float>& values) {
    std::string out;
    for (const float v : values) out += (out.empty() ? "" : ", ") + literal(v);
    return out;
  };
  std::string formula = "raw * " + literal(p.input_scale);
  if (!p.mean.empty()) formula = "(" + formula + " - mean)";
  if (!p.std.empty()) formula += " / std";
  std::string out = "// Input values are " + formula;
  if (!p.mean.empty()) out += "; mean " + list(p.mean);
  if (!p.std.empty()) out += "; std " + list(p.std);
  return out + ".\n";
}

std::string label_text(const ir::Model& model) {
  std::string out;
  const std::vector<std::string>& labels = model.metadata.labels;
  if (labels.empty() || labels.size() > 1000) return out;
  std::string line = "// Classes:";
  for (size_t i = 0; i < labels.size(); ++i) {
    const std::string item = " " + std::to_string(i) + " " + plain_text(labels[i], 40) +
                             (i + 1 < labels.size() ? "," : "");
    if (line.size() + item.size() > 100) {
      out += line + "\n";
      line = "//";
    }
    line += item;
  }
  return out + line + "\n";
}

// Macros of one port: NAME_INPUT_SIZE, and _SCALE and _ZERO_POINT of codes.
std::string port_macros(const std::string& prefix, const Port& port) {
  const std::string macro = prefix + "_" + upper(port.name);
  std::string out = "// " + plain_text(port.value) + ": " + ir::to_string(port.dims) +
                    ", row by row\n#define " + macro + "_SIZE " + literal(port.count()) + "\n";
  if (port.codes) {
    out += "#define " + macro + "_SCALE " + literal(port.codes->scale) + "\n#define " + macro +
           "_ZERO_POINT " + literal(port.codes->zero_point) + "\n";
  }
  return out;
}

std::string header_text(const ir::Model& model, const Program& program, const std::string& name,
                        int64_t flash) {
  const std::string macro = upper(name);
  std::string out = "// " + name +
                    ": a neural network as C99 source, written by pare " PARE_VERSION
                    ". See the .c file.\n" +
                    preprocessing_text(model) + label_text(model) + "#ifndef " + macro +
                    "_H\n#define " + macro + "_H\n\n#include <stdint.h>\n\n";
  for (const Port& port : program.inputs) out += port_macros(macro, port);
  for (const Port& port : program.outputs) out += port_macros(macro, port);
  out += "\n// Constants, and the static arena.\n#define " + macro + "_FLASH_BYTES " +
         literal(flash) + "\n#define " + macro + "_RAM_BYTES " + literal(program.ram_bytes()) +
         "\n\n#ifdef __cplusplus\nextern \"C\" {\n#endif\n\n"
         "// Returns 0, or 1 when a pointer is null. Arrays must not overlap.\n"
         "int " +
         name + "_run(" + parameters(program, false) + ");\n";
  if (program.has_codes()) {
    out += "\n// The same on codes: value = SCALE * (code - ZERO_POINT).\nint " + name +
           "_run_quantized(" + parameters(program, true) + ");\n";
  }
  return out + "\n#ifdef __cplusplus\n}\n#endif\n\n#endif\n";
}

// Source and header are two files, and one of them may be left from an earlier model.
void tie(Files& files, const std::string& macro) {
  const std::string texts = files.header + files.source;
  const std::string hash = "0x" + to_hex(sha256(std::as_bytes(std::span(texts)))).substr(0, 8);
  const std::string guard = "#include <stdint.h>\n\n";
  const size_t at = files.header.find(guard);
  require(at != std::string::npos, "the header includes stdint.h");
  files.header.insert(at + guard.size(), "// Which source this header is for.\n#define " + macro +
                                             " " + hash + "\n\n");
  const std::string math = "\n#include <math.h>\n";
  const size_t after = files.source.find(math);
  require(after != std::string::npos, "the source includes math.h");
  files.source.insert(after, "\n#if !defined(" + macro + ") || " + macro + " != " + hash +
                                 "\n#error \"the header is not the one written with this source\"\n"
                                 "#endif\n");
}

}  // namespace

Files file_texts(const ir::Model& model, const std::string& name, const std::string& header_name) {
  const Program program = make_program(model);
  Source source;
  for (const auto* ports : {&program.inputs, &program.outputs}) {
    for (const Port& port : *ports) {
      for (const char* prefix : {"", "test_", "expected_"}) source.unique(prefix + port.name);
    }
  }
  emit_steps(program, source);
  const std::string steps = source.take_calls();
  const std::string body = run_body(program, source);
  const std::string self_test = self_test_text(program, make_golden(program), name);
  const int64_t flash = source.constant_bytes();

  Files files;
  files.header = header_text(model, program, name, flash);
  files.source = source_head(program, name, flash) + "#include \"" + header_name +
                 "\"\n\n#include <math.h>\n#include <string.h>\n\n" +
                 kernel_code(source.kernels()) + source.constants() + arena_text(program) +
                 "static void infer(" + parameters(program, true) + ") {" + steps + "}\n\n" +
                 function_text(program, name + "_run", false, body);
  if (program.has_codes()) {
    files.source += function_text(program, name + "_run_quantized", true,
                                  "  infer(" + forwarded(program) + ");\n");
  }
  files.source += self_test;
  tie(files, upper(name) + "_FILES");
  return files;
}

}  // namespace pare::formats::c
