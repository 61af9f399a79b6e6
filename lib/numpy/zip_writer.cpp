// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/zip_writer.hpp"

#include <limits>

#include "lib/core/error.hpp"
#include "lib/core/inflate.hpp"

namespace pare::numpy {
namespace {

constexpr uint32_t kLocalHeader = 0x04034B50;
constexpr uint32_t kCentralHeader = 0x02014B50;
constexpr uint32_t kEndRecord = 0x06054B50;
constexpr uint16_t kVersion = 20;  // 2.0
constexpr size_t kLocalSize = 30;
// 1 January 1980, the earliest a zip can say: the bytes must not depend on when they were written.
constexpr uint16_t kDosDate = 0x0021;
// Id of the field that only pads, as PyTorch uses it.
constexpr uint16_t kPadding = 0x4246;
constexpr size_t kFieldHeader = 4;
// Sizes and offsets have 32 bits; leaves room for the directory.
constexpr int64_t kMaxArchive = (int64_t{1} << 32) - 65536;
constexpr size_t kMax16 = std::numeric_limits<uint16_t>::max();

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
void put_shared_fields(std::string& out, uint32_t crc, uint32_t size, const std::string& name,
                       size_t extra) {
  put16(out, kVersion);
  put16(out, 0);
  put16(out, 0);
  put16(out, 0);
  put16(out, kDosDate);
  put32(out, crc);
  put32(out, size);
  put32(out, size);
  put16(out, static_cast<uint32_t>(name.size()));
  put16(out, static_cast<uint32_t>(extra));
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

// An extra field that makes `start` plus its size a multiple of `alignment`; empty when it is one.
std::string padding_after(size_t start, size_t alignment) {
  std::string out;
  if (start % alignment == 0) return out;
  size_t size = alignment - start % alignment;
  if (size < kFieldHeader) size += alignment;
  put16(out, kPadding);
  put16(out, static_cast<uint32_t>(size - kFieldHeader));
  out.resize(size, '\0');
  return out;
}

}  // namespace

ZipWriter::ZipWriter(const std::string& path) : path_(path), file_(path) {}

void ZipWriter::add(const std::string& name,
                    std::initializer_list<std::span<const std::byte>> pieces, size_t alignment) {
  if (name.size() > kMax16) throw Error(path_, "a zip archive's names have at most 65,535 bytes");
  if (members_ + 1 >= kMax16) throw Error(path_, "a zip archive has at most 65,534 members");
  size_t bytes = 0;
  uint32_t crc = 0;
  for (const auto& piece : pieces) {
    bytes += piece.size();
    crc = crc32_of(piece, crc);
  }
  if (static_cast<int64_t>(bytes) >= kMaxArchive - offset_) {
    throw Error(path_, "a zip archive without zip64 ends at 4 GiB");
  }
  const auto size = static_cast<uint32_t>(bytes);
  const std::string extra =
      padding_after(static_cast<size_t>(offset_) + kLocalSize + name.size(), alignment);
  std::string header;
  put32(header, kLocalHeader);
  put_shared_fields(header, crc, size, name, extra.size());
  header += name + extra;
  put32(directory_, kCentralHeader);
  put16(directory_, kVersion);
  put_shared_fields(directory_, crc, size, name, 0);
  directory_.append(10, '\0');  // comment, disk, internal and external attributes
  put32(directory_, static_cast<uint32_t>(offset_));
  directory_ += name;
  file_.write(header);
  for (const auto& piece : pieces) file_.write(piece);
  offset_ += static_cast<int64_t>(header.size() + bytes);
  ++members_;
}

void ZipWriter::commit() {
  file_.write(directory_);
  file_.write(end_record(members_, directory_, offset_));
  file_.commit();
}

}  // namespace pare::numpy
