// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/zip_archive.hpp"

#include "tests/eval/scratch.hpp"
#include "tests/numpy/encoded.hpp"
#include "tests/numpy/refusal.hpp"

namespace pare::numpy {
namespace {

using eval::Scratch;
using testing::contains;
using testing::little_endian;
using testing::zip;

const std::string kText(1000, 'a');
const std::string kGood = zip({{"x", kText, true}, {"y", kText}});

void read_all(const std::string& path) {
  const ZipArchive archive(path);
  for (const auto& member : archive.members()) archive.read(member);
}

std::string refused(const std::string& file) {
  const Scratch scratch;
  const auto path = scratch.write("a.zip", file);
  return testing::refusal([&] { read_all(path); });
}

std::string with_bytes(size_t at, const std::string& bytes) {
  std::string out = kGood;
  return out.replace(at, bytes.size(), bytes);
}

// kGood with its second member's sizes and offset, and the directory's place, in zip64 records.
std::string zip64(uint64_t size, uint64_t offset) {
  const size_t directory = kGood.find("PK\x01\x02");
  const size_t second = kGood.find("PK\x01\x02", directory + 4);
  const size_t end = kGood.find("PK\x05\x06");
  std::string out = kGood.substr(0, end);
  out.replace(second + 20, 8, std::string(8, '\xFF'));
  out.replace(second + 30, 2, little_endian<uint16_t>(28));
  out.replace(second + 42, 4, std::string(4, '\xFF'));
  out += little_endian<uint16_t>(1) + little_endian<uint16_t>(24) + little_endian(size) +
         little_endian(size) + little_endian(offset);
  const uint64_t end64 = out.size();
  out += "PK\x06\x06" + little_endian<uint64_t>(44) + std::string(12, '\0') +
         little_endian<uint64_t>(2) + little_endian<uint64_t>(2) +
         little_endian<uint64_t>(end64 - directory) + little_endian<uint64_t>(directory);
  out += "PK\x06\x07" + std::string(4, '\0') + little_endian(end64) + little_endian<uint32_t>(1);
  return out + "PK\x05\x06" + std::string(4, '\0') + std::string(12, '\xFF') + std::string(2, '\0');
}

TEST_CASE("stored and deflated members, with a comment behind them") {
  const Scratch scratch;
  std::string commented = kGood;
  commented.replace(commented.size() - 2, 2, little_endian<uint16_t>(5));
  const ZipArchive archive(scratch.write("a.zip", commented + "hello"));
  REQUIRE(archive.members().size() == 2);
  for (const auto& member : archive.members()) {
    const auto content = archive.read(member);
    CHECK(std::string(reinterpret_cast<const char*>(content.bytes.data()), content.bytes.size()) ==
          kText);
  }
}

TEST_CASE("sizes and places may be in zip64 records") {
  const uint64_t offset = kGood.find("PK\x03\x04", 4);
  CHECK(refused(zip64(kText.size(), offset)).empty());
  CHECK(contains(refused(zip64(kText.size() + 1, offset)), "overlap"));
  CHECK(contains(refused(zip64(kText.size(), offset + (uint64_t{1} << 40))), "outside the file"));
  CHECK(contains(refused(zip64(UINT64_MAX, offset)), "overflows"));
  CHECK(contains(refused(zip64(INT64_MAX, offset)), "outside the file"));
}

TEST_CASE("an archive that lies about its members is refused") {
  const size_t directory = kGood.find("PK\x01\x02");
  const size_t second = kGood.find("PK\x01\x02", directory + 4);
  const size_t end = kGood.find("PK\x05\x06");
  CHECK(contains(refused(with_bytes(directory + 24, little_endian<uint32_t>(4'000'000'000U))),
                 "declares 4000000000 bytes, more than"));
  CHECK(contains(refused(with_bytes(directory + 24, little_endian<uint32_t>(999))),
                 "another size than the 999 bytes declared"));
  CHECK(contains(refused(with_bytes(directory + 42, little_endian<uint32_t>(1 << 30))),
                 "outside the file"));
  CHECK(contains(refused(with_bytes(second + 42, little_endian<uint32_t>(0))), "overlap"));
  CHECK(contains(refused(with_bytes(second + 24, little_endian<uint32_t>(7))), "another size"));
  CHECK(contains(refused(with_bytes(directory + 8, little_endian<uint16_t>(1))), "is encrypted"));
  CHECK(contains(refused(with_bytes(directory + 10, little_endian<uint16_t>(12))),
                 "zip compression 12"));
  CHECK(contains(refused(with_bytes(directory + 16, little_endian<uint32_t>(7))), "checksum"));
  CHECK(contains(refused(with_bytes(end + 10, little_endian<uint16_t>(60'000))), "more members"));
  CHECK(contains(refused(with_bytes(end + 4, little_endian<uint16_t>(1))), "split"));
  CHECK(contains(refused(zip({{"x", kText}, {"x", kText}})), "is in the archive twice"));
  CHECK(contains(refused("PK\x03\x04"), "is not a zip archive, or its end is missing"));
}

}  // namespace
}  // namespace pare::numpy
