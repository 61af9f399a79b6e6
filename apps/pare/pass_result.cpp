// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/pass_result.hpp"

#include <cstdio>
#include <filesystem>

#include "formats/formats.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/json.hpp"
#include "lib/eval/size.hpp"

namespace pare::cli {

namespace {

constexpr int kSchemaVersion = 1;

void print_json(const PassResult& result, const ir::Model& model, const eval::SizeReport& size) {
  Json out{{"schema_version", kSchemaVersion},
           {"command", result.command},
           {"output", result.output},
           {"sha256", to_hex(sha256_of_file(result.output))},
           {"bytes", size.file_bytes},
           {"parameters", ir::parameter_count(model)},
           {"bits_per_weight", size.bits_per_weight},
           {"sparsity", size.sparsity}};
  if (!result.input.empty()) {
    out["input"] = result.input;
    out["input_bytes"] = result.input_bytes;
  }
  const ir::HistoryEntry& last = model.metadata.history.back();
  out["options"] = last.options;
  out["inputs"] = last.inputs;
  std::printf("%s\n", to_text(out, 2).c_str());
}

void print_text(const PassResult& result, const ir::Model& model, const eval::SizeReport& size) {
  std::string line = escaped(result.output) + ": " + grouped(size.file_bytes) + " bytes";
  if (result.input_bytes > 0) {
    char ratio[32];
    std::snprintf(ratio, sizeof ratio, "%.2f",
                  static_cast<double>(size.file_bytes) / static_cast<double>(result.input_bytes));
    line += ", " + std::string(ratio) + " of " + escaped(result.input) + " (" +
            grouped(result.input_bytes) + " bytes)";
  }
  std::printf("%s\n%s parameters, %.2f bits each", line.c_str(),
              grouped(ir::parameter_count(model)).c_str(), size.bits_per_weight);
  if (size.sparsity > 0) std::printf(", %.1f %% of the weights are zero", 100 * size.sparsity);
  std::printf("\n");
}

}  // namespace

// Measured as it was written, from the file, where that takes no more memory than a tensor: what is
// deferred in the model would be worked out once more.
void print_pass_result(const PassResult& result, const ir::Model& model) {
  const auto bytes = static_cast<int64_t>(std::filesystem::file_size(result.output));
  const std::string_view format = formats::writer_for(result.output).name;
  const eval::SizeReport size =
      eval::measure_size(format == "pare"          ? formats::read_pare(result.output, false)
                         : format == "safetensors" ? formats::read(result.output)
                                                   : model,
                         bytes);
  result.json ? print_json(result, model, size) : print_text(result, model, size);
}

std::string grouped(int64_t number) {
  std::string digits = std::to_string(number < 0 ? -number : number);
  for (int64_t at = static_cast<int64_t>(digits.size()) - 3; at > 0; at -= 3) {
    digits.insert(static_cast<size_t>(at), ",");
  }
  return number < 0 ? "-" + digits : digits;
}

}  // namespace pare::cli
