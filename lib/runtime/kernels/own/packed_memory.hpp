// SPDX-License-Identifier: Apache-2.0
// Memory for packed weights: whole cache lines, and in huge pages where there is enough of it,
// which reading in order is a tenth faster from (prefetching stops at the end of a page).
#pragma once

#include <cstdlib>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace pare::runtime::own {

template <class T>
struct PackedAllocator {
  using value_type = T;

  PackedAllocator() = default;
  template <class U>
  explicit PackedAllocator(const PackedAllocator<U>&) {}

  T* allocate(size_t count) {
    constexpr size_t kLine = 64;
    constexpr size_t kHugePage = size_t{2} << 20;
    const size_t align = count * sizeof(T) >= 2 * kHugePage ? kHugePage : kLine;
    const size_t bytes = (count * sizeof(T) + kLine - 1) / kLine * kLine;
    void* memory = std::aligned_alloc(align, bytes == 0 ? kLine : bytes);
    if (memory == nullptr) throw std::bad_alloc();
#if defined(__linux__)
    // Whole pages only: a last page that is partly used would be resident in full.
    if (align == kHugePage) madvise(memory, bytes / kHugePage * kHugePage, MADV_HUGEPAGE);
#endif
    return static_cast<T*>(memory);
  }
  void deallocate(T* memory, size_t) { std::free(memory); }
  bool operator==(const PackedAllocator&) const { return true; }
};

template <class T>
using PackedVector = std::vector<T, PackedAllocator<T>>;

}  // namespace pare::runtime::own
