// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/hdf5_writer.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <set>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"
#include "lib/hdf5/native.hpp"

namespace pare::hdf5 {

namespace {

constexpr hsize_t kAlignment = 64;
constexpr hsize_t kAlignedFrom = 512;
// Metadata is allotted in blocks; what is left of the last one is lost.
constexpr hsize_t kMetadataBlock = 512;
constexpr unsigned kDeflateLevel = 9;
constexpr hsize_t kLargestChunk = hsize_t{1} << 30;
// So many links of a group stay in its object header: the tables that replace them by default from
// 9 on cost a kilobyte and more, but adding to a header takes time proportional to its size.
constexpr unsigned kMostLinks = 256;

// errno as libhdf5 wrote it into its error stack ("... errno = 28, ...").
herr_t find_errno(unsigned, const H5E_error2_t* entry, void* out) noexcept {
  const char* at = entry->desc ? std::strstr(entry->desc, "errno = ") : nullptr;
  if (at) *static_cast<int*>(out) = std::atoi(at + std::strlen("errno = "));
  return 0;
}

Handle creation_list(hid_t kind) {
  Handle list(H5Pcreate(kind));
  H5Pset_obj_track_times(list, false);
  return list;
}

Handle file_access() {
  Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_libver_bounds(access, H5F_LIBVER_LATEST, H5F_LIBVER_LATEST);
  H5Pset_alignment(access, kAlignedFrom, kAlignment);
  H5Pset_meta_block_size(access, kMetadataBlock);
  H5Pset_small_data_block_size(access, 0);
  // Writes must reach the file where their failure is noticed: one that is put off until its data
  // set closes leaves it half-closed, on which libhdf5 1.14 crashes at the next flush.
  H5Pset_sieve_buf_size(access, 0);
  // OutputFile already holds a lock on the file.
  H5Pset_file_locking(access, false, true);
  return access;
}

}  // namespace

struct Writer::State {
  struct Filling {
    Handle dataset;
    Handle type;
    std::vector<hsize_t> dims;
    size_t row_bytes = 0;
    hsize_t rows_done = 0;
  };

  State(const std::string& target, int64_t expected_bytes) : path(target), out(target) {
    out.require_space(expected_bytes);
    const LibraryLock lock;
    const Handle creation = creation_list(H5P_FILE_CREATE);
    H5Pset_link_phase_change(creation, kMostLinks, 0);
    file = Handle(H5Fcreate(out.staging_path().c_str(), H5F_ACC_TRUNC, creation, file_access()));
    if (!file.valid()) fail();
    reserve(expected_bytes);
  }

  // Throws what libhdf5's error stack says about the operating system's refusal.
  [[noreturn]] void fail() {
    int number = 0;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_DOWNWARD, find_errno, &number);
    detach();
    throw Error(path, std::string("cannot be written: ") +
                          (number != 0 ? std::strerror(number) : "HDF5 reports a failure"));
  }
  void check(bool fine) {
    if (!fine) fail();
  }

  int descriptor() const {
    void* handle = nullptr;
    return H5Fget_vfd_handle(file, H5P_DEFAULT, &handle) < 0 ? -1 : *static_cast<int*>(handle);
  }

  // Blocks only, not size: what is left over is given back by commit(). File systems that cannot
  // reserve say so, which is no failure.
  void reserve(int64_t bytes) {
    if (bytes <= 0) return;
    if (::fallocate(descriptor(), FALLOC_FL_KEEP_SIZE, 0, bytes) != 0 && errno == ENOSPC) {
      abandon();
      throw Error(path, std::string("cannot be written: ") + std::strerror(ENOSPC));
    }
  }

  // Closing a file whose disk is full fails and leaves its handles half-closed. So the descriptor
  // is pointed at memory first, where the last writes succeed and vanish.
  void detach() noexcept {
    const int fd = file.valid() ? descriptor() : -1;
    const int memory = ::memfd_create("pare-abandoned", MFD_CLOEXEC);
    if (fd >= 0 && memory >= 0) ::dup3(memory, fd, O_CLOEXEC);
    if (memory >= 0) ::close(memory);
  }

  void abandon() noexcept {
    detach();
    filling.clear();
    file.reset();
  }

  void make_groups(const std::string& name) {
    for (size_t slash = name.find('/'); slash != std::string::npos;
         slash = name.find('/', slash + 1)) {
      const std::string group = name.substr(0, slash);
      if (!groups.insert(group).second) continue;
      const Handle creation = creation_list(H5P_GROUP_CREATE);
      H5Pset_link_phase_change(creation, kMostLinks, 0);
      const Handle made(H5Gcreate2(file, group.c_str(), H5P_DEFAULT, creation, H5P_DEFAULT));
      check(made.valid());
    }
  }

  Handle create_dataset(const std::string& name, hid_t type, const std::vector<hsize_t>& dims,
                        bool deflate) {
    require(names.insert(name).second, "array names are unique");
    make_groups(name);
    const Handle creation = creation_list(H5P_DATASET_CREATE);
    H5Pset_fill_time(creation, H5D_FILL_TIME_NEVER);
    H5Pset_dset_no_attrs_hint(creation, true);  // else the header keeps room for them
    if (deflate) {
      std::vector<hsize_t> chunk = dims;
      hsize_t inner = H5Tget_size(type);
      for (size_t i = 1; i < chunk.size(); ++i) inner *= chunk[i];
      chunk[0] = std::clamp<hsize_t>(kLargestChunk / inner, 1, chunk[0]);
      H5Pset_chunk(creation, static_cast<int>(chunk.size()), chunk.data());
      H5Pset_deflate(creation, kDeflateLevel);
      H5Pset_fletcher32(creation);  // deflate's own checksum is absent where it gains nothing
    }
    const Handle space(dims.empty()
                           ? H5Screate(H5S_SCALAR)
                           : H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr));
    Handle dataset(H5Dcreate2(file, name.c_str(), type, space, H5P_DEFAULT, creation, H5P_DEFAULT));
    check(dataset.valid());
    return dataset;
  }

  void add(const std::string& name, Element element, std::span<const int64_t> dims,
           std::span<const std::byte> bytes, bool deflate) {
    require(element != Element::kText, "texts are written as u8");
    require(checked_mul(checked_product(dims, name), info(element).bytes, name) ==
                static_cast<int64_t>(bytes.size()),
            "an array has as many bytes as its dims say");
    const LibraryLock lock;
    const Handle type = native_type(element);
    const Handle dataset =
        create_dataset(name, type, {dims.begin(), dims.end()}, deflate && !bytes.empty());
    if (!bytes.empty()) {
      check(H5Dwrite(dataset, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, bytes.data()) >= 0);
    }
  }

  std::string path;
  OutputFile out;
  Handle file;
  std::set<std::string> names;
  std::set<std::string> groups;
  std::vector<Filling> filling;
};

Writer::Writer(const std::string& path, int64_t expected_bytes)
    : state_(std::make_unique<State>(path, expected_bytes)) {}

Writer::~Writer() {
  const LibraryLock lock;
  if (state_->file.valid()) state_->abandon();
}

void Writer::add(const std::string& name, Element element, std::span<const int64_t> dims,
                 std::span<const std::byte> bytes) {
  state_->add(name, element, dims, bytes, false);
}

void Writer::add_deflated(const std::string& name, Element element, std::span<const int64_t> dims,
                          std::span<const std::byte> bytes) {
  require(!dims.empty(), "only arrays are compressed");
  state_->add(name, element, dims, bytes, true);
}

int Writer::create(const std::string& name, Element element, std::span<const int64_t> dims) {
  require(!dims.empty() && element != Element::kText, "an array filled in order has rows");
  const LibraryLock lock;
  State::Filling filling{.type = native_type(element), .dims = {dims.begin(), dims.end()}};
  filling.row_bytes = static_cast<size_t>(
      checked_mul(checked_product(dims.subspan(1), name), info(element).bytes, name));
  filling.dataset = state_->create_dataset(name, filling.type, filling.dims, false);
  state_->filling.push_back(std::move(filling));
  return static_cast<int>(state_->filling.size()) - 1;
}

void Writer::append(int array, std::span<const std::byte> rows) {
  State::Filling& filling = state_->filling.at(static_cast<size_t>(array));
  if (rows.empty()) return;
  require(filling.row_bytes > 0 && rows.size() % filling.row_bytes == 0, "whole rows are appended");
  const hsize_t count = rows.size() / filling.row_bytes;
  require(filling.rows_done + count <= filling.dims[0], "no more rows than the array has");
  const LibraryLock lock;
  std::vector<hsize_t> start(filling.dims.size(), 0);
  std::vector<hsize_t> extent = filling.dims;
  start[0] = filling.rows_done;
  extent[0] = count;
  const Handle target(H5Dget_space(filling.dataset));
  H5Sselect_hyperslab(target, H5S_SELECT_SET, start.data(), nullptr, extent.data(), nullptr);
  const Handle source(H5Screate_simple(static_cast<int>(extent.size()), extent.data(), nullptr));
  state_->check(H5Dwrite(filling.dataset, filling.type, source, target, H5P_DEFAULT, rows.data()) >=
                0);
  filling.rows_done += count;
}

void Writer::set_attribute(const std::string& name, int64_t value) {
  const LibraryLock lock;
  const Handle space(H5Screate(H5S_SCALAR));
  const Handle attribute(
      H5Acreate2(state_->file, name.c_str(), H5T_STD_I64LE, space, H5P_DEFAULT, H5P_DEFAULT));
  state_->check(attribute.valid() && H5Awrite(attribute, H5T_NATIVE_INT64, &value) >= 0);
}

void Writer::commit() {
  State& state = *state_;
  for (const State::Filling& filling : state.filling) {
    require(filling.rows_done == filling.dims[0], "every row was appended");
  }
  {
    const LibraryLock lock;
    state.filling.clear();
    state.check(H5Fflush(state.file, H5F_SCOPE_GLOBAL) >= 0);
    state.file.reset();
  }
  struct stat status {};
  const std::string& staging = state.out.staging_path();
  if (::stat(staging.c_str(), &status) != 0 || ::truncate(staging.c_str(), status.st_size) != 0) {
    throw Error(state.path, std::string("cannot be written: ") + std::strerror(errno));
  }
  state.out.commit();
}

}  // namespace pare::hdf5
