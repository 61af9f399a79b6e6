// SPDX-License-Identifier: Apache-2.0
// Damaged models of every format that is read, through the real binary (damage_sweep.hpp). The
// folders of tests/formats sweep every byte inside one process.
#include <cstdint>
#include <cstring>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/ir/graph_builder.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/damage_sweep.hpp"
#include "tests/formats/sample_models.hpp"

using pare::test::Folder;
using pare::test::Swept;
using pare::test::Victim;

namespace {

// x [batch, 4] -> Gemm with int8 weights.
pare::ir::Model layer() {
  pare::ir::GraphBuilder builder({4});
  pare::ir::Model model = builder.finish(builder.gemm(builder.input(), 3, "fc"), {});
  model.parameters.set("fc.weight", pare::tests::int8_weight({3, 4}, 1));
  model.metadata.preprocessing.stated = true;
  return model;
}

Victim fixture(const std::string& extension, const std::string& path) {
  Victim victim{extension, pare::test::read_file(path)};
  victim.header_bytes = victim.bytes.size();
  return victim;
}

Victim written(const std::string& extension, pare::ir::Model model) {
  const Folder folder;
  const std::string path = folder.at("m" + extension);
  pare::formats::write(model, path);
  return fixture(extension, path);
}

Victim weights(const std::string& extension) {
  pare::ir::Model model = layer();
  model.graphs.clear();
  return written(extension, model);
}

void check_sweeps(const Victim& victim, size_t most_cuts_read) {
  REQUIRE(victim.bytes.size() > 100);
  const Swept cuts = pare::test::sweep_cuts(victim);
  CHECK(cuts.read <= most_cuts_read);
  const Swept flips = pare::test::sweep_flips(victim);
  MESSAGE(victim.extension, ": ", cuts.read, " of ", cuts.copies, " cuts and ", flips.read, " of ",
          flips.copies, " flips are read");
}

}  // namespace

TEST_CASE("a damaged .pare file is refused in one line or read, and leaves nothing behind") {
  check_sweeps(fixture(".pare", "tests/formats/golden/two_graphs_v1.pare"), 0);
}

TEST_CASE("a damaged ONNX file is refused in one line or read, and leaves nothing behind") {
  // Fields that may be missing come last: metadata.
  check_sweeps(written(".onnx", layer()), 6);
}

TEST_CASE("a damaged PyTorch file is refused in one line or read, and leaves nothing behind") {
  check_sweeps(weights(".pt"), 0);
  check_sweeps(fixture(".pt", "tests/formats/pytorch/tiny_legacy.pt"), 0);
}

TEST_CASE("a damaged safetensors file is refused in one line or read, and leaves nothing behind") {
  Victim victim = weights(".safetensors");
  uint64_t header = 0;
  std::memcpy(&header, victim.bytes.data(), sizeof header);
  victim.header_bytes = sizeof header + header;
  check_sweeps(victim, 0);
}

TEST_CASE("a damaged .npz file is refused in one line or read, and leaves nothing behind") {
  check_sweeps(weights(".npz"), 0);
}

TEST_CASE("a damaged Keras file is refused in one line or read, and leaves nothing behind") {
  // In tiny_latest.h5, which the tests of the folder sweep, all that matters has a checksum.
  const Victim victim = fixture(".h5", "tests/formats/keras/fixtures/tiny.h5");
  check_sweeps(victim, 0);
}
