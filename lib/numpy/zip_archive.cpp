// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/zip_archive.hpp"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "lib/core/checked.hpp"
#include "lib/core/inflate.hpp"

namespace pare::numpy {
namespace {

constexpr uint32_t kEndSignature = 0x06054B50;
constexpr uint32_t kEnd64Signature = 0x06064B50;
constexpr uint32_t kLocatorSignature = 0x07064B50;
constexpr uint32_t kCentralSignature = 0x02014B50;
constexpr uint32_t kLocalSignature = 0x04034B50;
constexpr int64_t kEndSize = 22;
constexpr int64_t kLocatorSize = 20;
constexpr int64_t kEnd64Size = 56;
constexpr int64_t kCentralSize = 46;
constexpr int64_t kLocalSize = 30;

// Little-endian fields at checked places.
class Fields {
 public:
  Fields(std::span<const std::byte> bytes, const std::string& path) : bytes_(bytes), path_(path) {}
  int64_t size() const { return static_cast<int64_t>(bytes_.size()); }
  std::span<const std::byte> range(int64_t at, int64_t size) const {
    if (at < 0 || size < 0 || at > this->size() || size > this->size() - at) {
      throw Error(path_, "damaged zip archive: a record lies outside the file");
    }
    return bytes_.subspan(static_cast<size_t>(at), static_cast<size_t>(size));
  }
  int64_t u16(int64_t at) const { return static_cast<int64_t>(load<uint16_t>(at)); }
  int64_t u32(int64_t at) const { return static_cast<int64_t>(load<uint32_t>(at)); }
  int64_t u64(int64_t at) const {
    const auto value = load<uint64_t>(at);
    if (value > INT64_MAX) throw Error(path_, "damaged zip archive: a size overflows");
    return static_cast<int64_t>(value);
  }

 private:
  template <class T>
  T load(int64_t at) const {
    T value;
    std::memcpy(&value, range(at, sizeof(T)).data(), sizeof(T));
    return value;
  }
  std::span<const std::byte> bytes_;
  const std::string& path_;
};

struct Directory {
  int64_t entries = 0, size = 0, offset = 0;
};

Directory find_directory(const Fields& file, const std::string& path) {
  // The end record is last, followed by a comment of at most 65,535 bytes.
  const int64_t first = std::max<int64_t>(0, file.size() - kEndSize - 65'535);
  for (int64_t at = file.size() - kEndSize; at >= first; --at) {
    if (file.u32(at) != kEndSignature || at + kEndSize + file.u16(at + 20) != file.size()) continue;
    Directory out{file.u16(at + 10), file.u32(at + 12), file.u32(at + 16)};
    if (file.u16(at + 4) != 0) throw Error(path, "is one part of a split zip archive");
    const bool zip64 = out.entries == 0xFFFF || out.size == 0xFFFFFFFF || out.offset == 0xFFFFFFFF;
    if (zip64 && at >= kLocatorSize && file.u32(at - kLocatorSize) == kLocatorSignature) {
      const int64_t end64 = file.u64(at - kLocatorSize + 8);
      file.range(end64, kEnd64Size);
      if (file.u32(end64) != kEnd64Signature) throw Error(path, "damaged zip64 directory");
      out = {file.u64(end64 + 32), file.u64(end64 + 40), file.u64(end64 + 48)};
    }
    return out;
  }
  throw Error(path, "is not a zip archive, or its end is missing");
}

// Sizes and offset of a central record; 0xFFFFFFFF means "in the zip64 extra field".
struct Extent {
  int64_t size = 0, stored = 0, offset = 0;
};

Extent extent_of(const Fields& file, int64_t at, const std::string& path) {
  Extent out{file.u32(at + 24), file.u32(at + 20), file.u32(at + 42)};
  int64_t extra = at + kCentralSize + file.u16(at + 28);
  const int64_t end = extra + file.u16(at + 30);
  while (extra + 4 <= end) {
    const int64_t id = file.u16(extra);
    const int64_t next = extra + 4 + file.u16(extra + 2);
    if (next > end) break;
    if (id == 1) {
      int64_t value = extra + 4;
      for (int64_t* field : {&out.size, &out.stored, &out.offset}) {
        if (*field != 0xFFFFFFFF) continue;
        if (value + 8 > next) throw Error(path, "damaged zip64 field");
        *field = file.u64(value);
        value += 8;
      }
    }
    extra = next;
  }
  return out;
}

std::string text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

ZipArchive::ZipArchive(const std::string& path) : file_(MappedFile::open(path)) {
  const Fields file(file_->bytes(), path);
  const Directory directory = find_directory(file, path);
  file.range(directory.offset, directory.size);
  if (directory.entries > directory.size / kCentralSize) {
    throw Error(path, "damaged zip archive: more members than its directory can hold");
  }
  std::set<std::string> names;
  std::vector<std::pair<int64_t, int64_t>> ranges{{directory.offset, file.size()}};
  int64_t at = directory.offset;
  for (int64_t i = 0; i < directory.entries; ++i) {
    if (file.u32(at) != kCentralSignature) throw Error(path, "damaged zip directory");
    Member member;
    const int64_t name_size = file.u16(at + 28);
    member.name = text_of(file.range(at + kCentralSize, name_size));
    const std::string subject = path + ": " + member.name;
    if ((file.u16(at + 8) & 1) != 0) throw Error(subject, "is encrypted");
    const int64_t method = file.u16(at + 10);
    if (method != 0 && method != 8) {
      throw Error(subject, "uses zip compression " + std::to_string(method) +
                               ", expected 0 (stored) or 8 (deflate)");
    }
    member.deflated = method == 8;
    member.crc = static_cast<uint32_t>(file.u32(at + 16));
    const Extent extent = extent_of(file, at, path);
    member.size = extent.size;
    if (!member.deflated && extent.size != extent.stored) {
      throw Error(subject, "is stored, but in another size than declared");
    }
    file.range(extent.offset, kLocalSize);
    if (file.u32(extent.offset) != kLocalSignature) throw Error(subject, "has no local header");
    const int64_t data =
        extent.offset + kLocalSize + file.u16(extent.offset + 26) + file.u16(extent.offset + 28);
    member.stored = file.range(data, extent.stored);
    ranges.emplace_back(extent.offset, data + extent.stored);
    if (!names.insert(member.name).second) throw Error(subject, "is in the archive twice");
    members_.push_back(std::move(member));
    at += kCentralSize + name_size + file.u16(at + 30) + file.u16(at + 32);
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i].first < ranges[i - 1].second) throw Error(path, "has zip members that overlap");
  }
}

ZipArchive::Content ZipArchive::read(const Member& member) const {
  const std::string subject = path() + ": " + member.name;
  Content out{member.stored, file_};
  if (member.deflated) {
    const auto inflated = std::make_shared<const std::vector<std::byte>>(
        inflate_raw(member.stored, member.size, subject));
    out = {*inflated, inflated};
  }
  if (crc32_of(out.bytes) != member.crc) {
    throw Error(subject, "damaged: its checksum does not agree");
  }
  return out;
}

}  // namespace pare::numpy
