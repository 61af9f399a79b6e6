// SPDX-License-Identifier: Apache-2.0
// The ZIP around the arrays.
#include "lib/eval/npz.hpp"

#include <algorithm>
#include <cstring>

#include <zlib.h>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::eval {
namespace {

constexpr uint32_t kLocalHeader = 0x04034b50;
constexpr uint32_t kCentralHeader = 0x02014b50;
constexpr uint32_t kEndRecord = 0x06054b50;
constexpr size_t kLocalSize = 30;
constexpr size_t kCentralSize = 46;
constexpr size_t kEndSize = 22;
// 1 January 1980, the earliest a ZIP can say: the bytes must not depend on when they were written.
constexpr uint16_t kDosDate = 0x0021;
constexpr int64_t kMaxExpanded = int64_t{1} << 32;
constexpr uint64_t kMaxDeflateRatio = 1032;  // of deflate: 258 bytes from 2 bits

void put16(std::string& out, uint32_t value) {
  out += static_cast<char>(value & 255);
  out += static_cast<char>((value >> 8) & 255);
}

void put32(std::string& out, uint32_t value) {
  put16(out, value & 0xFFFF);
  put16(out, value >> 16);
}

uint32_t get16(std::span<const std::byte> bytes, size_t at) {
  uint16_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

uint32_t get32(std::span<const std::byte> bytes, size_t at) {
  uint32_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

uint32_t crc_of(std::span<const std::byte> bytes) {
  return static_cast<uint32_t>(
      crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

// Version needed, flags, method, time, date, CRC, sizes, name and extra lengths: the fields that
// local and central headers share.
void put_shared_fields(std::string& out, uint32_t crc, size_t size, const std::string& name) {
  put16(out, 20);
  put16(out, 0);
  put16(out, 0);
  put16(out, 0);
  put16(out, kDosDate);
  put32(out, crc);
  put32(out, static_cast<uint32_t>(size));
  put32(out, static_cast<uint32_t>(size));
  put16(out, static_cast<uint32_t>(name.size()));
  put16(out, 0);
}

ir::Bytes inflate_raw(std::span<const std::byte> packed, size_t size, const std::string& path) {
  ir::Bytes out(size);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Error(path, "zlib could not start");
  stream.next_in = const_cast<Bytef*>(reinterpret_cast<const Bytef*>(packed.data()));
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(size);
  const int status = inflate(&stream, Z_FINISH);
  const bool whole = status == Z_STREAM_END && stream.avail_out == 0;
  inflateEnd(&stream);
  if (!whole) throw Error(path, "damaged: compressed data do not expand to their stated size");
  return out;
}

size_t find_end_record(std::span<const std::byte> bytes, const std::string& path) {
  constexpr size_t kMaxComment = 65535;
  if (bytes.size() >= kEndSize) {
    const size_t last = bytes.size() - kEndSize;
    for (size_t back = 0; back <= std::min(last, kMaxComment); ++back) {
      const size_t at = last - back;
      if (get32(bytes, at) == kEndRecord && get16(bytes, at + 20) == back) return at;
    }
  }
  throw Error(path, "not an NPZ file, or cut off: no ZIP directory at its end");
}

// The member whose central header is at `at`; moves `at` behind it.
std::pair<std::string, NpyArray> read_member(std::span<const std::byte> bytes, size_t& at,
                                             size_t directory_end, const std::string& path) {
  const auto damaged = [&](const std::string& what) { return Error(path, "damaged: " + what); };
  if (directory_end - at < kCentralSize || get32(bytes, at) != kCentralHeader) {
    throw damaged("ZIP directory is malformed");
  }
  const uint32_t flags = get16(bytes, at + 8);
  const uint32_t method = get16(bytes, at + 10);
  const uint32_t crc = get32(bytes, at + 16);
  const size_t packed_size = get32(bytes, at + 20);
  const size_t size = get32(bytes, at + 24);
  const size_t name_size = get16(bytes, at + 28);
  const size_t header_size =
      kCentralSize + name_size + get16(bytes, at + 30) + get16(bytes, at + 32);
  const size_t local = get32(bytes, at + 42);
  if (header_size > directory_end - at) throw damaged("ZIP directory is malformed");
  std::string name(reinterpret_cast<const char*>(bytes.data()) + at + kCentralSize, name_size);
  at += header_size;
  constexpr size_t kZip64 = 0xFFFFFFFF;
  if (packed_size == kZip64 || size == kZip64 || local == kZip64) {
    throw Error(path, "members above 4 GiB (ZIP64) cannot be read");
  }
  if ((flags & 1U) != 0) throw Error(path, "encrypted members cannot be read");
  if (bytes.size() < kLocalSize || local > bytes.size() - kLocalSize ||
      get32(bytes, local) != kLocalHeader) {
    throw damaged("a member starts past the file");
  }
  const size_t start = local + kLocalSize + get16(bytes, local + 26) + get16(bytes, local + 28);
  if (start > bytes.size() || packed_size > bytes.size() - start) {
    throw damaged("a member ends past the file");
  }
  const auto packed = bytes.subspan(start, packed_size);
  ir::Bytes expanded;
  std::span<const std::byte> content = packed;
  if (method == 8) {
    if (size > (packed_size + 1) * kMaxDeflateRatio) throw damaged("impossible compression ratio");
    expanded = inflate_raw(packed, size, path);
    content = expanded;
  } else if (method != 0 || size != packed_size) {
    throw Error(path, "ZIP members must be stored or deflated");
  }
  if (crc_of(content) != crc) throw damaged("checksum of " + name + " differs");
  if (name.ends_with(".npy")) name.resize(name.size() - 4);
  return {name, parse_npy(content, path + ":" + name)};
}

}  // namespace

void write_npz(const NpzArrays& arrays, const std::string& path) {
  OutputFile file(path);
  std::string directory;
  int64_t offset = 0;
  for (const auto& [array_name, array] : arrays) {
    const std::string name = array_name + ".npy";
    const std::string content = npy_bytes(array);
    const uint32_t crc = crc_of(std::as_bytes(std::span(content)));
    const auto size = static_cast<int64_t>(content.size());
    if (offset + size >= kMaxExpanded - 65536) throw Error(path, "an NPZ file ends at 4 GiB");
    std::string header;
    put32(header, kLocalHeader);
    put_shared_fields(header, crc, content.size(), name);
    header += name;
    put32(directory, kCentralHeader);
    put16(directory, 20);
    put_shared_fields(directory, crc, content.size(), name);
    directory.append(10, '\0');  // comment, disk, internal and external attributes
    put32(directory, static_cast<uint32_t>(offset));
    directory += name;
    file.write(header);
    file.write(content);
    offset += static_cast<int64_t>(header.size()) + size;
  }
  const auto members = static_cast<uint32_t>(arrays.size());
  std::string end;
  put32(end, kEndRecord);
  put32(end, 0);
  put16(end, members);
  put16(end, members);
  put32(end, static_cast<uint32_t>(directory.size()));
  put32(end, static_cast<uint32_t>(offset));
  put16(end, 0);
  file.write(directory);
  file.write(end);
  file.commit();
}

std::map<std::string, NpyArray> read_npz(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  const size_t end = find_end_record(bytes, path);
  const size_t members = get16(bytes, end + 10);
  const size_t directory_size = get32(bytes, end + 12);
  size_t at = get32(bytes, end + 16);
  if (at > end || directory_size > end - at)
    throw Error(path, "damaged: ZIP directory is malformed");
  const size_t directory_end = at + directory_size;
  std::map<std::string, NpyArray> arrays;
  for (size_t i = 0; i < members; ++i) {
    auto [name, array] = read_member(bytes, at, directory_end, path);
    if (!arrays.emplace(name, std::move(array)).second) {
      throw Error(path, "array " + name + " is there twice");
    }
  }
  return arrays;
}

}  // namespace pare::eval
