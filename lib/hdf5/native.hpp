// SPDX-License-Identifier: Apache-2.0
// Shared by reader and writer, internal to lib/hdf5: handles that close themselves, element types
// as HDF5 types, and the lock that keeps two threads out of libhdf5.
#pragma once

#include <mutex>
#include <utility>

#include <hdf5.h>

#include "lib/hdf5/element.hpp"

namespace pare::hdf5 {

// An HDF5 identifier of any kind. Invalid ones (negative) are allowed and tested by valid().
class Handle {
 public:
  Handle() = default;
  explicit Handle(hid_t id) : id_(id) {}
  ~Handle() { reset(); }
  Handle(Handle&& other) noexcept : id_(std::exchange(other.id_, H5I_INVALID_HID)) {}
  Handle& operator=(Handle&& other) noexcept {
    if (this != &other) {
      reset();
      id_ = std::exchange(other.id_, H5I_INVALID_HID);
    }
    return *this;
  }
  bool valid() const { return id_ >= 0; }
  operator hid_t() const { return id_; }  // NOLINT(google-explicit-constructor)
  void reset() {
    if (id_ >= 0) H5Idec_ref(id_);
    id_ = H5I_INVALID_HID;
  }

 private:
  hid_t id_ = H5I_INVALID_HID;
};

// The little-endian type an element has in files that we write and in memory.
Handle native_type(Element element, size_t text_bytes = 1);

// Held while this process is inside libhdf5, and while it forks: a child must not inherit a lock
// that no thread of its own will release. Inside, libhdf5 prints nothing.
class LibraryLock {
 public:
  LibraryLock();

 private:
  std::lock_guard<std::mutex> lock_;
};

}  // namespace pare::hdf5
