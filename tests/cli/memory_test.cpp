// SPDX-License-Identifier: Apache-2.0
// Models larger than the memory a command may use go through it, and --max-memory and a full disk
// are one line before the work.
#include <cstring>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"
#include "tests/cli/child_process.hpp"

namespace pare::test {
namespace {

constexpr int64_t kTensors = 24, kRows = 1024, kColumns = 2048;
constexpr int64_t kTensorBytes = kRows * kColumns * 2;  // 4 MiB, so 96 MiB in all
// Heap, thread stacks and writable data of libraries: a process that does nothing takes about 20 MB
// of it. Neither the model, nor its 8-bit codes (48 MiB) or masks and values (64 MiB), would fit.
constexpr int64_t kLimit = 44 << 20;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;  // these reserve terabytes
#else
constexpr bool kSanitized = false;
#endif

// F16 values between 2^-8 and 2^-4, of both signs.
ir::Bytes halves(int64_t seed) {
  ir::Bytes out(static_cast<size_t>(kTensorBytes));
  auto state = static_cast<uint32_t>(seed * 2654435761 + 1);
  for (size_t at = 0; at < out.size(); at += 2) {
    state = state * 1664525U + 1013904223U;
    const auto half =
        static_cast<uint16_t>((state >> 31) << 15 | (0x1C00U + (state >> 16 & 0xFFFU)));
    std::memcpy(out.data() + at, &half, sizeof half);
  }
  return out;
}

void write_large(const std::string& path) {
  ir::Model model;
  for (int64_t i = 0; i < kTensors; ++i) {
    model.parameters.set("layers." + std::to_string(i) + ".weight",
                         ir::Tensor(ir::DType::kF16, {kRows, kColumns},
                                    ir::Buffer::deferred(kTensorBytes, [i] { return halves(i); })));
  }
  formats::write(model, path);
}

}  // namespace

TEST_CASE("a model larger than the memory allowed is converted, quantized and pruned") {
  if (kSanitized) {
    MESSAGE("skipped: sanitizers reserve more than any limit");
    return;
  }
  const Folder folder;
  write_large(folder.at("m.safetensors"));
  const std::vector<std::vector<std::string>> commands{
      {"convert", "m.safetensors", "-o", "m.pare"},
      {"convert", "m.pare", "-o", "again.safetensors"},
      {"inspect", "m.pare", "--json"},
      {"quantize", "m.safetensors", "--scheme", "w8a16", "--threads", "1", "-o", "w8.pare"},
      {"quantize", "m.pare", "--scheme", "w4a16", "--threads", "1", "-o", "w4.pare"},
      {"prune", "m.safetensors", "--sparsity", "0.5", "--threads", "1", "-o", "half.pare"},
      {"prune", "m.safetensors", "--sparsity", "0.02", "--threads", "1", "-o", "dense.pare"},
      {"prune", "m.safetensors", "--pattern", "2:4", "--threads", "1", "-o", "pattern.pare"},
      {"convert", "w8.pare", "-o", "w8.safetensors"},
      {"convert", "w4.pare", "-o", "w4.safetensors"},
      {"convert", "w4.safetensors", "-o", "w4again.pare"}};
  for (const auto& command : commands) {
    const Finished finished = run(folder, {.arguments = command, .data_limit = kLimit});
    INFO(command.front() << " " << command[1] << ": " << finished.err);
    CHECK(finished.code == 0);
  }
}

TEST_CASE("--max-memory refuses with an estimate, and lets smaller work through") {
  const Folder folder;
  write_large(folder.at("m.safetensors"));
  const Finished refused = run(folder, {"quantize", "m.safetensors", "--bits", "8", "--max-memory",
                                        "64M", "-o", "out.pare"});
  CHECK(refused.code == 1);
  CHECK(refused.err.starts_with("pare: error: m.safetensors: needs about "));
  CHECK(refused.err.ends_with(" MB of memory, --max-memory allows 64 MB\n"));
  CHECK(folder.names() == std::vector<std::string>{"m.safetensors"});
  CHECK(run(folder, {"inspect", "m.safetensors", "--max-memory", "0.5G"}).code == 0);
  const Finished wrong = run(folder, {"inspect", "m.safetensors", "--max-memory", "lots"});
  CHECK(wrong.code == 2);
  CHECK(wrong.err ==
        "pare: error: --max-memory: a size such as 512M or 2G is expected, got \"lots\"\n");
}

TEST_CASE("what cannot fit on the disk is refused before anything is written") {
  const Folder folder;
  {
    OutputFile file(folder.at("big"));
    CHECK_NOTHROW(file.require_space(1));
    try {
      file.require_space(int64_t{1} << 60);
      CHECK(false);
    } catch (const Error& error) {
      CHECK(error.fact().starts_with(
          "cannot be written: it needs 1152921504606846976 bytes, the disk has "));
    }
  }
  CHECK(folder.names().empty());
}

}  // namespace pare::test
