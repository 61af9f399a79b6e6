// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the reader of one format, PARE_FUZZED_FORMAT; built by clang only, once a
// format: see docs/formats.md. An input that breaks a reader goes into <format>/corpus, which
// corpus_test.cpp replays in every test run.
#include <cstddef>
#include <cstdint>

#include "formats/formats.hpp"
#include "tests/formats/replay.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace {

// "input.onnx"
std::string name_of_input() {
  for (const pare::formats::FormatRow& row : pare::formats::all_formats()) {
    if (row.name == PARE_FUZZED_FORMAT) return "input" + std::string(row.extensions.front());
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pare::tests::ScratchFolder scratch;
  static const std::string path = scratch.file(name_of_input());
  const auto* bytes = reinterpret_cast<const char*>(data);
  pare::tests::spill(path, {bytes, bytes + size});
  (void)pare::tests::read_wholly(path, nullptr, PARE_FUZZED_FORMAT);
  return 0;
}
