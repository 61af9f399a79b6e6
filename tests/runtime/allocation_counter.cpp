// SPDX-License-Identifier: Apache-2.0
// Replaces operator new and delete by counting ones. A file of its own: where both are visible to
// the compiler it takes free() in operator delete for a mistake.
#include "tests/runtime/allocation_counter.hpp"

#include <atomic>
#include <cstdlib>
#include <new>

namespace {

std::atomic<int64_t> allocations{0};

}  // namespace

void* operator new(size_t size) {
  ++allocations;
  if (void* memory = std::malloc(size == 0 ? 1 : size)) return memory;
  throw std::bad_alloc();
}
// std::stable_sort asks for its buffer so; AddressSanitizer's own would not pair with delete here.
void* operator new(size_t size, const std::nothrow_t&) noexcept {
  ++allocations;
  return std::malloc(size == 0 ? 1 : size);
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, size_t) noexcept { std::free(memory); }

namespace pare::test {

int64_t allocation_count() { return allocations.load(); }

}  // namespace pare::test
