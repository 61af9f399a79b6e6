// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/hdf5_reader.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <optional>

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/hdf5/child_index.hpp"
#include "lib/hdf5/confined.hpp"

namespace pare::hdf5 {

namespace {

constexpr std::array<unsigned char, 8> kSignature = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

// What the child may take beyond what it decodes: libhdf5 itself, then tables that grow with the
// file.
constexpr int64_t kLibraryBytes = 32 << 20;
constexpr int64_t kTableBytesPerByte = 32;
constexpr int64_t kMostTableBytes = int64_t{1} << 30;

// Anonymous memory that the child fills and the parent maps read-only.
class SharedMemory {
 public:
  SharedMemory() : fd_(::memfd_create("pare-hdf5", MFD_CLOEXEC)) {
    if (fd_ < 0) throw Error("memfd", "no shared memory for decoding");
  }
  ~SharedMemory() {
    if (data_) ::munmap(data_, size_);
    ::close(fd_);
  }
  SharedMemory(const SharedMemory&) = delete;
  SharedMemory& operator=(const SharedMemory&) = delete;
  int descriptor() const { return fd_; }

  // After the child is gone: nobody can change or shrink it any more.
  std::span<const std::byte> map() {
    struct stat status {};
    if (::fstat(fd_, &status) != 0 || status.st_size == 0) return {};
    size_ = static_cast<size_t>(status.st_size);
    void* data = ::mmap(nullptr, size_, PROT_READ, MAP_SHARED, fd_, 0);
    if (data == MAP_FAILED) throw Error("memfd", "cannot be mapped into memory");
    data_ = data;
    return {static_cast<const std::byte*>(data_), size_};
  }

 private:
  int fd_;
  void* data_ = nullptr;
  size_t size_ = 0;
};

struct Owner {
  std::shared_ptr<const MappedFile> file;
  SharedMemory decoded;
};

[[noreturn]] void damaged(const std::string& path) { throw Error(path, "damaged HDF5 file"); }

// The signature is at 0, or at 512, 1024, 2048 ... behind a user block (HDF5 format, section II.A).
bool is_hdf5(std::span<const std::byte> bytes) {
  if (has_signature(bytes)) return true;
  for (size_t at = 512; at < bytes.size(); at *= 2) {
    if (has_signature(bytes.subspan(at))) return true;
  }
  return false;
}

// A file expands to at most what deflate makes of it, 1,032 : 1; chunks that were never written
// would expand without end.
int64_t most_decoded(const ReadOptions& options, int64_t file_bytes) {
  const int64_t honest =
      file_bytes > options.max_decoded_bytes / 1032 ? options.max_decoded_bytes : file_bytes * 1032;
  return std::min(options.max_decoded_bytes, std::max<int64_t>(honest, 1 << 20));
}

std::string list_in_child(const std::string& path, const ReadOptions& options,
                          const SharedMemory& decoded, int64_t file_bytes) {
  const int64_t most = most_decoded(options, file_bytes);
  const ChildTask task{.path = path,
                       .only = options.only,
                       .shared_memory = decoded.descriptor(),
                       .max_decoded_bytes = most,
                       .max_text_bytes = options.max_text_bytes};
  const int64_t tables =
      std::min(checked_mul(file_bytes, kTableBytesPerByte, path), kMostTableBytes);
  // A chunk is inflated into a buffer that doubles before it is copied to where it belongs.
  const int64_t decoding = checked_mul(most, 4, path);
  const Confinement limits{
      .memory_bytes = checked_add(kLibraryBytes + tables, decoding, path),
      .file_bytes = most,
      // Inflating and byte-swapping run well above 50 MB/s.
      .cpu_seconds = static_cast<int>(20 + (file_bytes + most / 8) / 50'000'000),
      .max_result_bytes = (1 << 20) + tables,
      .keep_open = {decoded.descriptor()}};
  const LibraryLock lock;
  Handle file;
  const auto listing = run_confined(
      limits, [&] { file = open_for_listing(path); }, [&] { return list_arrays(task, file); });
  if (!listing) damaged(path);
  return *listing;
}

// The child may have been taken over by a crafted file: nothing it says is believed unchecked.
Array checked_array(const Json& row, const std::string& path, std::span<const std::byte> file,
                    std::span<const std::byte> decoded) {
  Array out;
  out.name = row.at("n").get<std::string>();
  const auto element = element_from_name(row.at("t").get<std::string>());
  if (!element) damaged(path);
  out.element = *element;
  out.element_bytes = row.at("s").get<int64_t>();
  const int expected = info(out.element).bytes;
  if (out.element_bytes < 1 || (expected != 0 && out.element_bytes != expected)) damaged(path);
  out.dims = row.at("d").get<std::vector<int64_t>>();
  const int64_t size = row.at("b").get<int64_t>();
  if (checked_mul(checked_product(out.dims, path), out.element_bytes, path) != size) damaged(path);
  const bool in_file = row.contains("f");
  const int64_t offset = row.at(in_file ? "f" : "m").get<int64_t>();
  const std::span<const std::byte> home = in_file ? file : decoded;
  if (offset < 0 || checked_add(offset, size, path) > static_cast<int64_t>(home.size())) {
    throw Error(path, escaped(out.name) + " ends past the end of the file");
  }
  out.bytes = home.subspan(static_cast<size_t>(offset), static_cast<size_t>(size));
  out.stored_bytes = row.at("z").get<int64_t>();
  if (in_file) out.file_offset = offset;
  return out;
}

// Two names for one array are fine; arrays that share only some bytes are not.
void check_disjoint(const std::vector<Array>& arrays, const std::string& path) {
  std::vector<std::pair<int64_t, int64_t>> ranges;
  for (const Array& array : arrays) {
    const auto size = static_cast<int64_t>(array.bytes.size());
    if (array.file_offset >= 0 && size > 0) {
      ranges.emplace_back(array.file_offset, array.file_offset + size);
    }
  }
  std::sort(ranges.begin(), ranges.end());
  for (size_t i = 1; i < ranges.size(); ++i) {
    if (ranges[i] != ranges[i - 1] && ranges[i].first < ranges[i - 1].second) {
      throw Error(path, "arrays overlap in the file");
    }
  }
}

}  // namespace

bool has_signature(std::span<const std::byte> head) {
  return head.size() >= kSignature.size() &&
         std::memcmp(head.data(), kSignature.data(), kSignature.size()) == 0;
}

const Array* Index::find(std::string_view name) const {
  const auto it =
      std::lower_bound(arrays.begin(), arrays.end(), name,
                       [](const Array& array, std::string_view key) { return array.name < key; });
  return it != arrays.end() && it->name == name ? &*it : nullptr;
}

Index read(const std::string& path, const ReadOptions& options) {
  auto owner = std::make_shared<Owner>();
  owner->file = MappedFile::open(path);
  const std::span<const std::byte> file = owner->file->bytes();
  if (!is_hdf5(file)) throw Error(path, "is not an HDF5 file");
  const std::string listing =
      list_in_child(path, options, owner->decoded, static_cast<int64_t>(file.size()));
  Index out;
  out.path = path;
  out.file_bytes = static_cast<int64_t>(file.size());
  try {
    const Json json = parse_json(listing, path);
    if (json.at("too_large").get<bool>()) {
      const int64_t most = most_decoded(options, static_cast<int64_t>(file.size()));
      throw Error(path, "expands to more than " + std::to_string(most >> 20) + " MiB when decoded");
    }
    if (json.at("too_much_text").get<bool>()) {
      throw Error(path, "its attributes hold more than " + std::to_string(options.max_text_bytes) +
                            " bytes of text");
    }
    const std::span<const std::byte> decoded = owner->decoded.map();
    for (const Json& row : json.at("arrays")) {
      out.arrays.push_back(checked_array(row, path, file, decoded));
    }
    out.attributes = json.at("attributes").get<std::map<std::string, int64_t>>();
    for (const Json& group : json.at("texts")) {
      out.texts[group.at("g").get<std::string>()] =
          group.at("a").get<std::map<std::string, std::vector<std::string>>>();
    }
    out.unsupported = json.at("unsupported").get<std::vector<std::string>>();
  } catch (const Json::exception&) {
    damaged(path);
  }
  std::sort(out.arrays.begin(), out.arrays.end(),
            [](const Array& a, const Array& b) { return a.name < b.name; });
  check_disjoint(out.arrays, path);
  out.owner = owner;
  return out;
}

}  // namespace pare::hdf5
