// SPDX-License-Identifier: Apache-2.0
// libFuzzer target for the ONNX reader (built by clang only):
//   cmake -S . -B build-fuzz -DCMAKE_CXX_COMPILER=clang++ && ninja -C build-fuzz fuzz_onnx
//   build-fuzz/tests/fuzz_onnx tests/formats/onnx/corpus
// What it finds is kept in that folder, which onnx_damage_test.cpp replays in every test run.
#include <cstddef>
#include <cstdint>

#include "tests/formats/replay.hpp"
#include "tests/hdf5/scratch_folder.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const pare::tests::ScratchFolder scratch;
  const auto* bytes = reinterpret_cast<const char*>(data);
  pare::tests::spill(scratch.file("input.onnx"), {bytes, bytes + size});
  (void)pare::tests::read_wholly(scratch.file("input.onnx"));
  return 0;
}
