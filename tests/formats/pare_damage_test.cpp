// SPDX-License-Identifier: Apache-2.0
// One test for each way a .pare file can be wrong: refused in one line that names the file, never a
// crash, a hang or a model that differs from what was written.
#include <algorithm>
#include <filesystem>
#include <functional>

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "formats/formats.hpp"
#include "formats/pare/file_index.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/hdf5/hdf5_writer.hpp"
#include "lib/ir/serialize.hpp"
#include "tests/formats/replay.hpp"
#include "tests/formats/sample_models.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::formats {

namespace {

using tests::read_wholly;
using tests::refusal;
using tests::ScratchFolder;

constexpr const char* kGolden = "tests/formats/golden/two_graphs_v1.pare";

// A file of two 6-element tensors "a" and "b" in the shared array, after `edit` had its way with
// the index.
struct Crafted {
  int64_t version = kPareFormatVersion;
  std::vector<std::byte> small = std::vector<std::byte>(48);
  std::string graphs = "[]";
  std::string metadata = to_text(ir::to_json(ir::Metadata{}));
  std::string index;

  explicit Crafted(const std::function<void(Json&)>& edit = [](Json&) {}) {
    FileIndex table{.graphs_hash = hash_of(graphs), .metadata_hash = hash_of(metadata)};
    for (const char* name : {"a", "b"}) {
      PartLocation values{.dims = {6}, .offset = name[0] == 'a' ? 0 : 24};
      values.hash = hash_text(std::span(small).first(24));
      table.tensors.push_back({.name = name, .dims = {6}, .parts = {values}});
    }
    Json json = to_json(table);
    edit(json);
    index = to_text(json);
  }

  static std::string hash_of(const std::string& text) {
    return hash_text(std::as_bytes(std::span(text)));
  }

  std::string written_to(const std::string& path) const {
    hdf5::Writer writer(path);
    writer.set_attribute(std::string(kVersionAttribute), version);
    const auto add = [&](std::string_view name, std::span<const std::byte> bytes) {
      writer.add_deflated(std::string(name), hdf5::Element::kU8,
                          std::vector<int64_t>{static_cast<int64_t>(bytes.size())}, bytes);
    };
    add(kSmallArray, small);
    add(kGraphsArray, std::as_bytes(std::span(graphs)));
    add(kMetadataArray, std::as_bytes(std::span(metadata)));
    add(kIndexArray, std::as_bytes(std::span(index)));
    writer.commit();
    return path;
  }
};

// The refusal of a crafted file, without its path.
std::string refused(const Crafted& file) {
  const ScratchFolder scratch;
  const std::string path = file.written_to(scratch.file("x.pare"));
  const std::string text = read_wholly(path);
  return text.empty() ? text : text.substr(path.size() + 2);
}

}  // namespace

TEST_CASE("a crafted file that is in order is read") { CHECK(refused(Crafted()) == ""); }

TEST_CASE("a newer format is refused by name") {
  Crafted file;
  file.version = 7;
  CHECK(refused(file) == "written by a newer pare: format 7, this pare reads up to 1");
  file.version = 0;
  CHECK(refused(file) == "damaged .pare file: no such format version");
}

TEST_CASE("an HDF5 file of another kind is refused by name") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("data.pare");
  {
    hdf5::Writer writer(path);
    writer.add("x", hdf5::Element::kU8, std::vector<int64_t>{1}, std::vector<std::byte>(1));
    writer.commit();
  }
  CHECK(read_wholly(path) == path + ": is an HDF5 file, but not a .pare model");
}

TEST_CASE("tensors that overlap are refused") {
  CHECK(refused(Crafted([](Json& j) { j["tensors"][1]["parts"][0]["at"] = 16; })) ==
        "tensors overlap in the file");
}

TEST_CASE("a tensor outside its data is refused") {
  const auto at = [](const Json& offset) {
    return refused(Crafted([&](Json& j) { j["tensors"][1]["parts"][0]["at"] = offset; }));
  };
  CHECK(at(32) == "tensor b: ends past the data it lies in");
  CHECK(at(-8) == "size overflows");
  CHECK(at(INT64_MAX) == "size overflows");
  CHECK(at(UINT64_MAX) == "size overflows");
  CHECK(at("nowhere") == "damaged .pare file: nowhere is missing");
  CHECK(at("small") == "tensor b: takes 24 bytes, the file holds 48");
}

TEST_CASE("dims that overflow, are negative or fractional are refused") {
  const auto dims = [](const Json& value) {
    return refused(Crafted([&](Json& j) { j["tensors"][0]["dims"] = value; }));
  };
  CHECK(dims({INT64_MAX, INT64_MAX}) != "");
  CHECK(dims({-6}) != "");
  CHECK(dims({6.5}) == "damaged index: dims are not integers");
  CHECK(dims("six") == "damaged index: dims are not integers");
  CHECK(dims({7}) == "tensors overlap in the file");
}

TEST_CASE("a sparse tensor far larger than the file is refused") {
  CHECK(refused(Crafted([](Json& j) {
          Json& tensor = j["tensors"][0];
          tensor["parts"][0]["dims"] = {6};
          tensor["dims"] = {1 << 20, 1 << 20};
          tensor["layout"] = {{"kind", "block"}, {"block", 1 << 30}};
        })) == "tensor a: is sparse, and far larger than the file");
}

TEST_CASE("a tensor named twice is refused") {
  CHECK(refused(Crafted([](Json& j) { j["tensors"][1]["name"] = "a"; })) ==
        "tensor a: appears twice");
}

TEST_CASE("what the index leaves out, adds or misspells is refused") {
  const auto part = [](const std::function<void(Json&)>& edit) {
    return refused(Crafted([&](Json& j) { edit(j["tensors"][0]["parts"][0]); }));
  };
  CHECK(part([](Json& p) { p.erase("sha256"); }) ==
        "damaged index: a field is missing or of the wrong type");
  CHECK(part([](Json& p) { p["sha256"] = "abc"; }) == "damaged index: a hash is not 32 hex digits");
  CHECK(part([](Json& p) { p["dtype"] = "f8"; }) == "damaged index: unknown dtype of a");
  CHECK(part([](Json& p) { p["part"] = "wings"; }) == "damaged index: unknown part of a");
  CHECK(part([](Json& p) { p["colour"] = 1; }) == "damaged index: unknown key colour");
  CHECK(refused(Crafted([](Json& j) { j["tensors"] = 3; })) != "");
  CHECK(refused(Crafted([](Json& j) { j["tensors"][0]["parts"] = Json::array(); })) != "");
  Crafted file;
  file.index.pop_back();
  CHECK(refused(file) != "");
}

TEST_CASE("damaged contents are named by tensor when first read") {
  CHECK(refused(Crafted([](Json& j) {
          j["tensors"][1]["parts"][0]["sha256"] = std::string(32, '0');
        })) == "tensor b: contents do not match their hash");
  Crafted file;
  file.small[3] = std::byte{1};
  CHECK(refused(file) == "tensor a: contents do not match their hash");
  file = Crafted();
  file.graphs = "[ ]";
  CHECK(refused(file) == "graphs: contents do not match their hash");
}

TEST_CASE("hostile names are shown escaped and do not break the line") {
  CHECK(refused(Crafted([](Json& j) {
          j["tensors"][0]["name"] = "\x1b[2J\n";
          j["tensors"][0]["parts"][0]["sha256"] = std::string(32, '0');
        })) == "tensor \\x1b[2J\\x0a: contents do not match their hash");
}

TEST_CASE("a file cut at any byte of its headers, or beyond, is refused") {
  const ScratchFolder scratch;
  const std::vector<char> whole = tests::slurp(kGolden);
  REQUIRE(whole.size() > 1500);
  const std::string path = scratch.file("cut.pare");
  for (size_t size = 0; size < whole.size(); size += size < 600 ? 1 : 5) {
    tests::spill(path, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    REQUIRE(read_wholly(path) != "");
  }
}

TEST_CASE("whatever byte is flipped, the file is refused or reads as it was written") {
  const ScratchFolder scratch;
  const std::vector<char> whole = tests::slurp(kGolden);
  REQUIRE(whole.size() > 1500);
  const std::string path = scratch.file("flipped.pare");
  const ir::Model original = tests::two_graphs();
  size_t harmless = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    std::vector<char> bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ 0xFF);
    tests::spill(path, bytes);
    ir::Model model;
    if (read_wholly(path, &model).empty()) {
      REQUIRE(tests::difference(model, original) == "");
      ++harmless;
    }
  }
  // Padding and reserved fields; everything that means something is checked.
  MESSAGE(harmless, " of ", whole.size(), " bytes do not matter");
  CHECK(harmless < whole.size() / 4);
}

TEST_CASE("a full disk leaves the old file as it was") {
  const ScratchFolder scratch;
  const std::string disk = scratch.file("disk");
  ::mkdir(disk.c_str(), 0755);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=64k") != 0) {
    MESSAGE("skipped: mounting a small tmpfs needs root");
    return;
  }
  const std::string path = disk + "/m.pare";
  write(tests::small_mlp(), path);
  const std::vector<char> before = tests::slurp(path);
  const std::string refused = refusal([&] { write(tests::int8_resnet8(), path); });
  CHECK(refused.starts_with(path + ": cannot be written: it needs "));
  CHECK(refused.ends_with(" free"));
  CHECK(tests::slurp(path) == before);
  const auto left = std::filesystem::directory_iterator(disk);
  CHECK(std::distance(begin(left), end(left)) == 1);
  ::umount(disk.c_str());
}

}  // namespace pare::formats
