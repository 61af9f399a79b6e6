// SPDX-License-Identifier: Apache-2.0
// Stands in for lib/hdf5/confined.cpp where the linker sees this first: the work is done in this
// process, without limits, so that a fuzzer sees which code its inputs reach and AddressSanitizer
// reports what would only end the child. libhdf5 itself may crash then; the product never runs so.
#include "lib/hdf5/confined.hpp"

namespace pare::hdf5 {

std::optional<std::string> run_confined(const Confinement& limits,
                                        const std::function<void()>& open,
                                        const std::function<std::string()>& work) {
  try {
    open();
    std::string result = work();
    if (static_cast<int64_t>(result.size()) > limits.max_result_bytes) return std::nullopt;
    return result;
  } catch (...) {
    return std::nullopt;  // the child would have exited with 1
  }
}

}  // namespace pare::hdf5
