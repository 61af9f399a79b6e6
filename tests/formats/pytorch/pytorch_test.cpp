// SPDX-License-Identifier: Apache-2.0
// checkpoint.pt and legacy.pt were written by PyTorch 1.13 (torch.save of the same state dict, the
// first inside a checkpoint and with "module." before each name).
#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "lib/core/error.hpp"
#include "lib/numpy/zip_writer.hpp"
#include "tests/formats/damage.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::read_wholly;
using tests::ScratchFolder;

constexpr const char* kCheckpoint = "tests/formats/pytorch/checkpoint.pt";
constexpr const char* kLegacy = "tests/formats/pytorch/legacy.pt";

std::vector<std::string> notes_of(const std::string& path, ir::Model& model) {
  std::vector<std::string> notes;
  model = read(path, {.note = [&](const std::string& note) { notes.push_back(note); }});
  return notes;
}

// Values in row-major order, whatever the type.
std::vector<float> values(const ir::Model& model, const char* name) {
  return ir::to_f32(model.parameters.at(name));
}

// Opcodes of a pickle, put together by hand.
std::string text(const std::string& value) {
  return "\x8c" + std::string(1, static_cast<char>(value.size())) + value;
}
std::string number(int32_t value) {
  std::string out = "J";
  for (int shift = 0; shift < 32; shift += 8) out += static_cast<char>(value >> shift);
  return out;
}

constexpr std::string_view kProto("\x80\x02", 2);

// A legacy file around the pickle of an object, with the storages "0" of `elements` floats.
std::string legacy(const std::string& object, int32_t elements) {
  const std::string magic("\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15);
  const std::string proto(kProto);
  std::string out = magic + proto + "M\xe9\x03." + proto + "}(" + text("little_endian") + "\x88u.";
  out += proto + object + "." + proto + "](" + text("0") + "e.";
  for (int shift = 0; shift < 64; shift += 8) {
    out += shift < 32 ? static_cast<char>(elements >> shift) : '\0';
  }
  return out + std::string(static_cast<size_t>(elements) * 4, '\0');
}

// {"w": a tensor that views storage "0" of four floats}
std::string one_tensor(int32_t offset, int32_t size, int32_t stride) {
  return "}" + text("w") + "ctorch._utils\n_rebuild_tensor_v2\n((" + text("storage") +
         "ctorch\nFloatStorage\n" + text("0") + text("cpu") + number(4) + "tQ" + number(offset) +
         number(size) + "\x85" + number(stride) + "\x85" + "\x89}tRs";
}

std::string refused(const std::string& content) {
  const ScratchFolder scratch;
  const std::string path = scratch.file("x.pt");
  tests::spill(path, {content.begin(), content.end()});
  const std::string line = read_wholly(path);
  return line.empty() ? line : line.substr(path.size() + 2);
}

}  // namespace

TEST_CASE("a checkpoint's weights are found, named and said") {
  ir::Model model;
  const auto notes = notes_of(kCheckpoint, model);
  REQUIRE(notes.size() == 3);
  CHECK(notes[0] == "the weights are those under \"state_dict\"");
  CHECK(notes[1] == "1 tensors of 64-bit floats became f32");
  CHECK(notes[2] == "the prefix \"module.\" of every name was stripped");
  CHECK(model.graphs.empty());
  CHECK(model.parameters.entries().size() == 15);
  CHECK(model.parameters.entries()[0].name == "plain");
}

TEST_CASE("tensors of every stride, offset and type have PyTorch's values") {
  ir::Model model;
  notes_of(kLegacy, model);
  CHECK(model.parameters.at("transposed").dims() == ir::Dims{4, 3, 2});
  std::vector<float> transposed;
  for (int k = 0; k < 4; ++k) {
    for (int j = 0; j < 3; ++j) {
      for (int i = 0; i < 2; ++i) transposed.push_back(static_cast<float>(12 * i + 4 * j + k));
    }
  }
  CHECK(values(model, "transposed") == transposed);
  CHECK(values(model, "sliced") == std::vector<float>{4, 6, 8, 10, 16, 18, 20, 22});
  CHECK(values(model, "expanded") == std::vector<float>{1.5, 1.5, 1.5, 2.5, 2.5, 2.5});
  CHECK(values(model, "parameter") == std::vector<float>{0.5, -0.25});
  CHECK(values(model, "double") == std::vector<float>{0.1F, -3});
  CHECK(model.parameters.at("half").dtype() == ir::DType::kF16);
  CHECK(values(model, "half") == std::vector<float>{1.5, -2});
  CHECK(model.parameters.at("bfloat").dtype() == ir::DType::kBF16);
  CHECK(values(model, "bfloat") == std::vector<float>{1.5, -2});
  CHECK(model.parameters.at("steps").dims().empty());
  CHECK(ir::to_i64(model.parameters.at("steps")) == std::vector<int64_t>{7});
  CHECK(values(model, "small") == std::vector<float>{-1, 2});
  CHECK(values(model, "short") == std::vector<float>{-300});
  CHECK(values(model, "int") == std::vector<float>{70000});
  CHECK(values(model, "byte") == std::vector<float>{200});
  CHECK(model.parameters.at("mask").dtype() == ir::DType::kBool);
  CHECK(values(model, "mask") == std::vector<float>{1, 0, 1});
  CHECK(model.parameters.at("empty").dims() == ir::Dims{0, 3});
}

TEST_CASE("the legacy form and the zip form of the same weights are the same model") {
  CHECK(tests::difference(read(kLegacy), read(kCheckpoint)) == "");
}

TEST_CASE("a pickle that would run a program is refused by name") {
  const std::string why =
      ": only tensors, containers, numbers and text are read; save model.state_dict() or export to "
      "ONNX";
  const std::string proto(kProto);
  CHECK(refused(proto + "cposix\nsystem\n" + text("id") + "\x85R.") ==
        "refuses to load posix.system" + why);
  CHECK(refused(proto + text("os") + text("system") + "\x93" + text("id") + "\x85R.") ==
        "refuses to load os.system" + why);
  CHECK(refused(proto + "(" + text("id") + "ios\nsystem\n.") == "refuses to load os.system" + why);
  CHECK(refused(legacy("cbuiltins\neval\n" + text("1") + "\x85R", 0)) ==
        "refuses to load builtins.eval" + why);
  CHECK(refused(legacy("c__main__\nNet\n)\x81", 0)) == "refuses to load __main__.Net" + why);
}

TEST_CASE("a tensor must lie inside its storage") {
  CHECK(refused(legacy(one_tensor(0, 4, 1), 4)) == "");
  CHECK(refused(legacy(one_tensor(3, 4, 0), 4)) == "");
  CHECK(refused(legacy(one_tensor(1, 4, 1), 4)) == "damaged tensor: it ends past its storage");
  CHECK(refused(legacy(one_tensor(0, 3, 2), 4)) == "damaged tensor: it ends past its storage");
  CHECK(refused(legacy(one_tensor(-1, 4, 1), 4)) == "damaged tensor: offset is no size");
  CHECK(refused(legacy(one_tensor(0, -4, 1), 4)) == "damaged tensor: shape is no size");
  CHECK(refused(legacy(one_tensor(0, 4, 1), 3)) == "storage 0 should have 4 elements, found 3");
}

TEST_CASE("a small file cannot ask for a tensor of gigabytes") {
  CHECK(refused(legacy(one_tensor(0, 1 << 30, 0), 4)) ==
        "damaged tensor: its values take far more memory than the file has");
}

TEST_CASE("what torch.save did not write is refused") {
  const std::string proto(kProto);
  CHECK(refused(proto + "K\x01.") == "is a pickle, but not one that torch.save wrote");
  CHECK(refused(legacy("}", 0)) == "stores values that no tensor has");
  CHECK(refused("plain text") == "is not a .pt file");
  CHECK(refused(proto + "(.") == "damaged pickle at byte 4: its stack is empty");
  CHECK(refused(proto + "K") == "damaged pickle at byte 3: it ends early");
  CHECK(refused(proto + "h\x05.") ==
        "damaged pickle at byte 4: refers to value 5, which is not there");
  CHECK(refused(proto + "\xff") ==
        "damaged pickle at byte 3: opcode 0xff is not one that PyTorch writes");
}

TEST_CASE("a TorchScript module is named as one") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("module.pt");
  numpy::ZipWriter zip(path);
  for (const char* name : {"m/data.pkl", "m/code/m.py", "m/constants.pkl"}) zip.add(name, {});
  zip.commit();
  CHECK(read_wholly(path) ==
        path + ": is a TorchScript module, which only pare and pare-train read");
  CHECK_THROWS_WITH_AS(
      read(path, {.format = "pytorch"}),
      (path + ": is a TorchScript module rather than weights; --from torchscript reads it").c_str(),
      Error);
}

TEST_CASE("containers that contain themselves end") {
  CHECK(refused(legacy("}q\1" + text("state_dict") + "h\1s", 0)) ==
        "stores values that no tensor has");
  CHECK(refused(legacy(one_tensor(0, 4, 1) + "q\1" + text("a") + "]h\1a" + "s", 4)) == "");
}

TEST_CASE("a state dict keeps values, names and history, and says what it cannot hold") {
  const ScratchFolder scratch;
  ir::Model model = tests::every_storage();
  std::vector<std::string> notes;
  write(model, scratch.file("m.pt"),
        {.note = [&](const std::string& note) { notes.push_back(note); }});
  CHECK(notes.size() == 2);
  const ir::Model back = read(scratch.file("m.pt"));
  REQUIRE(back.parameters.entries().size() == model.parameters.entries().size());
  for (size_t i = 0; i < model.parameters.entries().size(); ++i) {
    const auto& entry = model.parameters.entries()[i];
    CAPTURE(entry.name);
    CHECK(back.parameters.entries()[i].name == entry.name);
    CHECK(back.parameters.at(entry.name).dims() == entry.tensor.dims());
    CHECK(ir::to_f32(back.parameters.at(entry.name)) == ir::to_f32(entry.tensor));
  }
  CHECK(back.metadata.history.back().options["losses"].size() == 2);
  // What a state dict can hold comes back as it was, and as the same bytes.
  write(back, scratch.file("again.pt"));
  CHECK(tests::slurp(scratch.file("again.pt")) == tests::slurp(scratch.file("m.pt")));
}

TEST_CASE("a PyTorch file cut at any byte is refused") {
  CHECK(tests::cuts_read(kCheckpoint) == 0);
  CHECK(tests::cuts_read(kLegacy) == 0);
}

TEST_CASE(
    "whatever byte of a PyTorch file is flipped, nothing but a refusal or a model comes out") {
  // Members of the zip have checksums, so only the order and names of members can change.
  MESSAGE(tests::flips_that_differ(kCheckpoint), " flips of the zip change the model");
  MESSAGE(tests::flips_that_differ(kLegacy), " flips of the legacy file change the model");
}

}  // namespace pare::formats
