// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/npz.hpp"

#include <limits>

#include "lib/core/error.hpp"
#include "lib/core/inflate.hpp"
#include "lib/core/output_file.hpp"
#include "lib/numpy/npy.hpp"

namespace pare::numpy {
namespace {

constexpr std::string_view kExtension = ".npy";
constexpr uint32_t kLocalHeader = 0x04034B50;
constexpr uint32_t kCentralHeader = 0x02014B50;
constexpr uint32_t kEndRecord = 0x06054B50;
constexpr uint16_t kVersion = 20;  // 2.0
// 1 January 1980, the earliest a zip can say: the bytes must not depend on when they were written.
constexpr uint16_t kDosDate = 0x0021;
// Sizes and offsets have 32 bits; leaves room for the directory.
constexpr int64_t kMaxArchive = (int64_t{1} << 32) - 65536;

void put16(std::string& out, uint32_t value) {
  out += static_cast<char>(value & 0xFF);
  out += static_cast<char>((value >> 8) & 0xFF);
}

void put32(std::string& out, uint32_t value) {
  put16(out, value & 0xFFFF);
  put16(out, value >> 16);
}

// Version needed, flags, method, time, date, CRC, sizes, name and extra lengths: the fields that
// local and central headers share.
void put_shared_fields(std::string& out, uint32_t crc, uint32_t size, const std::string& name) {
  put16(out, kVersion);
  put16(out, 0);
  put16(out, 0);
  put16(out, 0);
  put16(out, kDosDate);
  put32(out, crc);
  put32(out, size);
  put32(out, size);
  put16(out, static_cast<uint32_t>(name.size()));
  put16(out, 0);
}

std::string end_record(size_t members, const std::string& directory, int64_t offset) {
  std::string out;
  put32(out, kEndRecord);
  put32(out, 0);
  put16(out, static_cast<uint32_t>(members));
  put16(out, static_cast<uint32_t>(members));
  put32(out, static_cast<uint32_t>(directory.size()));
  put32(out, static_cast<uint32_t>(offset));
  put16(out, 0);
  return out;
}

}  // namespace

void write_npz(std::span<const NamedArray> arrays, const std::string& path) {
  constexpr size_t kMax16 = std::numeric_limits<uint16_t>::max();
  require(arrays.size() < kMax16, "NPZ members are counted in 16 bits");
  OutputFile file(path);
  std::string directory;
  int64_t offset = 0;
  for (const auto& [array_name, array] : arrays) {
    const std::string name = array_name + std::string(kExtension);
    require(name.size() <= kMax16, "NPZ names have at most 65,535 bytes");
    const std::string start = npy_start(array);
    const auto size = static_cast<int64_t>(start.size() + array.bytes.size());
    if (size >= kMaxArchive - offset) throw Error(path, "an NPZ file ends at 4 GiB");
    const uint32_t crc = crc32_of(array.bytes, crc32_of(std::as_bytes(std::span(start))));
    std::string header;
    put32(header, kLocalHeader);
    put_shared_fields(header, crc, static_cast<uint32_t>(size), name);
    header += name;
    put32(directory, kCentralHeader);
    put16(directory, kVersion);
    put_shared_fields(directory, crc, static_cast<uint32_t>(size), name);
    directory.append(10, '\0');  // comment, disk, internal and external attributes
    put32(directory, static_cast<uint32_t>(offset));
    directory += name;
    file.write(header);
    file.write(start);
    file.write(array.bytes);
    offset += static_cast<int64_t>(header.size()) + size;
  }
  file.write(directory);
  file.write(end_record(arrays.size(), directory, offset));
  file.commit();
}

NpzReader::NpzReader(const std::string& path) : archive_(path) {
  for (size_t i = 0; i < archive_.members().size(); ++i) {
    std::string name = archive_.members()[i].name;
    if (name.ends_with(kExtension)) name.resize(name.size() - kExtension.size());
    if (!members_.emplace(name, i).second) {
      throw Error(path + ": " + name, "is in the archive twice");
    }
  }
}

std::vector<std::string> NpzReader::names() const {
  std::vector<std::string> out;
  for (const auto& [name, member] : members_) out.push_back(name);
  return out;
}

Array NpzReader::load(const std::string& name) const {
  auto content = archive_.read(archive_.members()[members_.at(name)]);
  return parse_npy(content.bytes, std::move(content.owner), archive_.path() + ": " + name);
}

}  // namespace pare::numpy
