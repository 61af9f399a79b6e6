// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/numpy/npz.hpp"
#include "tests/formats/damage.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::ScratchFolder;

ir::Model weights_alone() {
  ir::Model model = tests::small_mlp();
  model.graphs.clear();
  model.assets.clear();
  return model;
}

}  // namespace

TEST_CASE("reading undoes writing for weights that an .npz file can hold") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.npz");
  write(weights_alone(), path);
  CHECK(tests::difference(read(path), weights_alone()) == "");
  CHECK(format_of(path).name == "npz");
}

TEST_CASE("every storage keeps its values in an .npz file, and what changes is said") {
  const ScratchFolder scratch;
  const ir::Model model = tests::every_storage();
  std::vector<std::string> notes;
  write(model, scratch.file("m.npz"),
        {.note = [&](const std::string& note) { notes.push_back(note); }});
  CHECK(notes.size() == 3);
  const ir::Model back = read(scratch.file("m.npz"));
  for (const auto& entry : model.parameters.entries()) {
    CAPTURE(entry.name);
    CHECK(ir::to_f32(back.parameters.at(entry.name)) == ir::to_f32(entry.tensor));
  }
}

TEST_CASE("arrays of other types are refused by name") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("t.npz");
  numpy::write_npz(std::vector<numpy::NamedArray>{{"words", numpy::array_of_text("a")}}, path);
  CHECK(tests::read_wholly(path) == path + ": array words: no model stores elements of type '<U1'");
}

TEST_CASE("an .npz file cut at any byte, or with any byte flipped, harms nobody") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("m.npz");
  write(weights_alone(), path);
  CHECK(tests::cuts_read(path) == 0);
  // Members have checksums; the names of members have none.
  MESSAGE(tests::flips_that_differ(path), " flips change the model");
}

}  // namespace pare::formats
