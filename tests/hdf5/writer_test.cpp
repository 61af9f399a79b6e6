// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>
#include <numeric>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/hdf5/hdf5_writer.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::hdf5 {

namespace {

using tests::ScratchFolder;
using Dims = std::vector<int64_t>;

std::vector<float> ramp(size_t count) {
  std::vector<float> out(count);
  std::iota(out.begin(), out.end(), 0.0F);
  return out;
}

void write_two(const std::string& path) {
  const std::vector<float> values = ramp(6000);
  Writer writer(path);
  writer.add("train/images", Element::kF32, Dims{60, 100}, std::as_bytes(std::span(values)));
  writer.add_deflated("text", Element::kU8, Dims{4}, std::as_bytes(std::span("abcd", 4)));
  writer.set_attribute("format", 1);
  writer.commit();
}

}  // namespace

TEST_CASE("writer and reader are inverse") {
  const ScratchFolder scratch;
  write_two(scratch.file("a.h5"));
  const Index index = read(scratch.file("a.h5"));
  REQUIRE(index.arrays.size() == 2);
  const Array* images = index.find("train/images");
  REQUIRE(images);
  CHECK(images->element == Element::kF32);
  CHECK(images->dims == Dims{60, 100});
  CHECK(images->file_offset % 64 == 0);
  CHECK(images->file_offset > 0);
  const std::vector<float> expected = ramp(6000);
  REQUIRE(images->bytes.size() == 24000);
  CHECK(std::memcmp(images->bytes.data(), expected.data(), 24000) == 0);
  const Array* text = index.find("text");
  REQUIRE(text);
  CHECK(text->file_offset == -1);
  CHECK(std::memcmp(text->bytes.data(), "abcd", 4) == 0);
  CHECK(index.attributes.at("format") == 1);
  CHECK(index.find("train") == nullptr);
}

TEST_CASE("two writes give the same bytes, also a second apart") {
  const ScratchFolder scratch;
  write_two(scratch.file("a.h5"));
  ::usleep(1'100'000);  // timestamps in HDF5 count seconds
  write_two(scratch.file("b.h5"));
  CHECK(tests::slurp(scratch.file("a.h5")) == tests::slurp(scratch.file("b.h5")));
}

TEST_CASE("rows appended in pieces equal rows added at once") {
  const ScratchFolder scratch;
  const std::vector<float> values = ramp(700);
  const auto bytes = std::as_bytes(std::span(values));
  {
    Writer writer(scratch.file("a.h5"));
    const int array = writer.create("x", Element::kF32, Dims{100, 7});
    writer.append(array, bytes.subspan(0, 28 * 33));
    writer.append(array, bytes.subspan(28 * 33));
    writer.commit();
  }
  const Index index = read(scratch.file("a.h5"));
  CHECK(std::memcmp(index.find("x")->bytes.data(), values.data(), 2800) == 0);
}

TEST_CASE("a writer that is not committed leaves nothing behind") {
  const ScratchFolder scratch;
  {
    const std::vector<float> values = ramp(7);
    Writer writer(scratch.file("a.h5"));
    writer.add("x", Element::kF32, Dims{7}, std::as_bytes(std::span(values)));
  }
  CHECK(scratch.entries() == 0);
}

TEST_CASE("every element type, empty arrays and scalars survive a round trip") {
  const ScratchFolder scratch;
  const std::vector<std::byte> bytes(24, std::byte{0x2A});
  {
    Writer writer(scratch.file("a.h5"));
    for (int i = 0; i < static_cast<int>(Element::kText); ++i) {
      const ElementInfo& row = info(static_cast<Element>(i));
      writer.add(std::string(row.name), row.element, Dims{24 / row.bytes}, bytes);
    }
    writer.add("empty", Element::kF32, Dims{0, 5}, {});
    writer.add("scalar", Element::kF32, {}, std::span(bytes).first(4));
    writer.commit();
  }
  const Index index = read(scratch.file("a.h5"));
  for (int i = 0; i < static_cast<int>(Element::kText); ++i) {
    const Array* array = index.find(info(static_cast<Element>(i)).name);
    REQUIRE(array);
    CHECK(array->element == static_cast<Element>(i));
    CHECK(std::memcmp(array->bytes.data(), bytes.data(), 24) == 0);
  }
  CHECK(index.find("empty")->dims == Dims{0, 5});
  CHECK(index.find("scalar")->dims.empty());
  CHECK(index.find("scalar")->bytes.size() == 4);
}

TEST_CASE("a full disk is one error and leaves nothing behind") {
  const ScratchFolder scratch;
  const std::string disk = scratch.file("disk");
  ::mkdir(disk.c_str(), 0755);
  if (::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=256k") != 0) {
    MESSAGE("skipped: mounting a small tmpfs needs root");
    return;
  }
  const std::vector<float> values = ramp(100'000);
  const auto bytes = std::as_bytes(std::span(values));
  // A size that is known is compared with what is free before anything is written.
  const std::pair<int64_t, std::string> rows[] = {
      {0, "No space left on device"}, {400'000, "it needs 400000 bytes, the disk has 262144 free"}};
  for (const auto& [expected, fact] : rows) {
    CAPTURE(expected);
    CHECK(tests::refusal([&] {
            Writer writer(disk + "/a.h5", expected);
            writer.add("x", Element::kF32, Dims{100'000}, bytes);
            writer.commit();
          }) == disk + "/a.h5: cannot be written: " + fact);
    CHECK(std::filesystem::is_empty(disk));
  }
  // Many small arrays: the space runs out in libhdf5's own metadata.
  CHECK(tests::refusal([&] {
          Writer writer(disk + "/a.h5");
          for (int i = 0; i < 4000; ++i) {
            writer.add("x" + std::to_string(i), Element::kF32, Dims{20}, bytes.first(80));
          }
          writer.commit();
        }) == disk + "/a.h5: cannot be written: No space left on device");
  CHECK(std::filesystem::is_empty(disk));
  ::umount(disk.c_str());
}

}  // namespace pare::hdf5
