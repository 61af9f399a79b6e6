// SPDX-License-Identifier: Apache-2.0
// pare verify: a file is what its hashes say, and, made again, what its history says.
#include <cstdio>
#include <filesystem>

#include "apps/pare/commands/commands.hpp"
#include "apps/pare/option_groups.hpp"
#include "apps/pare/pass_result.hpp"
#include "apps/pare/provenance.hpp"
#include "apps/pare/recipe/rebuild.hpp"
#include "formats/formats.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/hash.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

void check(const pass::Options& options) {
  for (const char* name : {"data", "search", "threads"}) {
    if (options.given(name) && !options.flag("rebuild")) {
      throw UsageError("--" + std::string(name), "has no effect without --rebuild");
    }
  }
}

// Reads every part of every tensor, which checks it. Returns how many there are.
int64_t check_tensors(const ir::Model& model) {
  int64_t parts = 0;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (tensor.is_plain()) {
      tensor.view();
      ++parts;
      continue;
    }
    for (int i = 0; i < ir::kPartCount; ++i) {
      const ir::Tensor* part = tensor.part(static_cast<ir::Part>(i));
      if (!part) continue;
      part->view();
      ++parts;
    }
  }
  return parts;
}

std::string history_text(const ir::Model& model) {
  std::string out;
  int number = 0;
  for (const ir::HistoryEntry& entry : model.metadata.history) {
    out += std::to_string(++number) + "  " + escaped(entry.pass) + ", pare " +
           escaped(entry.tool_version) + ", seed " + std::to_string(entry.seed) + "\n";
    out += "   options  " + escaped(to_text(entry.options), 4000) + "\n";
    for (const auto& [name, hash] : entry.inputs.items()) {
      out += "   " + escaped(name) + std::string(name.size() < 8 ? 8 - name.size() : 0, ' ') + " " +
             escaped(hash.is_string() ? hash.get<std::string>() : to_text(hash)) + "\n";
    }
  }
  return out.empty() ? "the file records no history\n" : out;
}

Json history_json(const ir::Model& model) {
  Json out = Json::array();
  for (const ir::HistoryEntry& entry : model.metadata.history) {
    out.push_back({{"pass", entry.pass},
                   {"options", entry.options},
                   {"tool_version", entry.tool_version},
                   {"seed", entry.seed},
                   {"inputs", entry.inputs}});
  }
  return out;
}

struct Verified {
  std::string path;
  int64_t bytes;
  std::string sha256;
  int64_t parts;
};

void print(const Verified& verified, const ir::Model& model, const Rebuilt* rebuilt) {
  std::printf(
      "%s: %s bytes, SHA-256 %s\n%s parts of %zu tensors, graph and history match their "
      "hashes\n%s",
      escaped(verified.path).c_str(), grouped(verified.bytes).c_str(), verified.sha256.c_str(),
      grouped(verified.parts).c_str(), model.parameters.entries().size(),
      history_text(model).c_str());
  if (rebuilt) {
    std::printf("made again in %zu steps, with the same bytes\n", rebuilt->commands.size());
  }
}

void print_json(const Verified& verified, const ir::Model& model, const Rebuilt* rebuilt) {
  Json out{{"schema_version", kSchemaVersion},
           {"path", verified.path},
           {"bytes", verified.bytes},
           {"sha256", verified.sha256},
           {"hashes_checked", verified.parts},
           {"history", history_json(model)},
           {"rebuilt", rebuilt ? Json(true) : Json()}};
  if (rebuilt) out["commands"] = rebuilt->commands;
  std::printf("%s\n", to_text(out, 2).c_str());
}

ExitCode run(const Invocation& invocation) {
  const std::string& path = invocation.positionals.front();
  const std::string_view format = formats::format_of(path).name;
  if (format != "pare") {
    throw Error(path, "is " + std::string(format) + "; only .pare files store hashes to check");
  }
  const ir::Model model = formats::read_pare(path);
  Verified verified{.path = path, .parts = check_tensors(model)};
  verified.sha256 = to_hex(sha256_of_file(path));
  verified.bytes = static_cast<int64_t>(std::filesystem::file_size(path));
  Rebuilt rebuilt;
  if (invocation.flag("rebuild")) {
    rebuilt = rebuild({.path = path,
                       .data = invocation.options.list("data"),
                       .search = invocation.options.list("search"),
                       .threads = invocation.threads},
                      model, invocation.progress);
    if (rebuilt.code != 0) return static_cast<ExitCode>(rebuilt.code);
  }
  const Rebuilt* made = invocation.flag("rebuild") ? &rebuilt : nullptr;
  invocation.flag("json") ? print_json(verified, model, made) : print(verified, model, made);
  return ExitCode::kOk;
}

}  // namespace

Command make_verify() {
  using pass::OptionType;
  return {.name = "verify",
          .summary =
              "Check a model file against its hashes and show how it was made, or make it "
              "again and compare the bytes",
          .positional = {"MODEL", "A .pare file", 1, 1},
          .groups = {{"Rebuilding",
                      {{.name = "rebuild",
                        .type = OptionType::kFlag,
                        .help = "Run the recorded command lines again and compare the bytes"},
                       {.name = "data",
                        .type = OptionType::kTextList,
                        .help = "A data set that went in; which one, its fingerprint tells",
                        .metavar = "PATH"},
                       {.name = "search",
                        .type = OptionType::kTextList,
                        .help = "A file that went in, or a folder to look for them in; MODEL's "
                                "own folder is looked through as well",
                        .metavar = "PATH"}}},
                     general_group({"threads", "json", "quiet", "verbose"})},
          .examples = {"pare verify student.int8.pare",
                       "pare verify student.int8.pare --rebuild --data fashion-mnist/"},
          .run = run,
          .check = check,
          .notes = {"Inputs are found by their hashes, whatever they are called by now. A training "
                    "gives the same bytes on the same kind of processor, with the number of "
                    "threads that the history records."}};
}

}  // namespace pare::cli
