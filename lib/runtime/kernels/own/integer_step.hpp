// SPDX-License-Identifier: Apache-2.0
// What the integer kernels of this folder share: the loops for the active ISA, names, threads, and
// how images of a batch are spread over threads.
#pragma once

#include <algorithm>
#include <string>

#include "lib/core/parallel.hpp"
#include "lib/runtime/isa.hpp"
#include "lib/runtime/kernels/own/integer_block.hpp"
#include "lib/runtime/kernels/own/padded_image.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime::own {

inline const IntegerKernels& kernels_for(Isa isa) {
#if defined(__x86_64__)
  if (isa == Isa::kAvx512Vnni) return kIntegerAvx512Vnni;
  if (isa == Isa::kAvx512) return kIntegerAvx512;
  if (isa == Isa::kAvx2) return kIntegerAvx2;
#endif
  (void)isa;
  return kIntegerScalar;
}

inline std::string kernel_name(const std::string& what) {
  return "int8-" + what + "-" + std::string(name_of(active_isa()));
}

// Index of the residual among the step's inputs, -1 without one.
inline int residual_index(const StepSpec& step) {
  return step.has_residual ? static_cast<int>(step.inputs.size()) - 1 : -1;
}

// Below this many multiply-accumulates a step runs on the calling thread: waking others costs more.
inline int threads_for(const StepSpec& step, int64_t macs) {
  constexpr int64_t kParallelMacs = 400'000;
  return macs < kParallelMacs ? 1 : step.threads;
}

inline bool pads_are_sane(const Conv2d& g) {
  return g.pad_top >= 0 && g.pad_left >= 0 && g.pad_bottom >= 0 && g.pad_right >= 0;
}

template <class Block>
void set_epilogue(Block& b, const Requantize& requantize) {
  b.residual_multiplier = requantize.residual_multiplier;
  b.residual_zero = static_cast<float>(requantize.residual_zero);
  b.low = requantize.low;
  b.high = requantize.high;
  b.zero = requantize.zero;
  b.to_float = requantize.to_float;
}

// Scratch areas that for_each_image needs, each of image.bytes().
inline int64_t image_scratch(const PaddedImage& image, int threads) {
  return image.bytes() * std::max<int64_t>(1, std::min<int64_t>(threads, image.g.batch));
}

// Calls body(n, padded codes of image n, threads it may use). Images go to threads whole when there
// are several, each thread with scratch of its own.
template <class Body>
void for_each_image(const PaddedImage& image, const RunArgs& args, uint8_t zero, int threads,
                    const Body& body) {
  const int64_t batch = image.g.batch;
  const int64_t size = image.g.channels * image.g.height * image.g.width;
  const int64_t chunks = std::min<int64_t>(threads, batch);
  const auto run = [&](int64_t n, std::byte* scratch, int inner_threads) {
    body(n, image.fill(scratch, args.in<uint8_t>(0) + n * size, zero), inner_threads);
  };
  if (chunks <= 1) {
    for (int64_t n = 0; n < batch; ++n) run(n, args.scratch, threads);
    return;
  }
  parallel_for(chunks, threads, [&](int64_t chunk) {
    std::byte* scratch = args.scratch + chunk * image.bytes();
    for (int64_t n = batch * chunk / chunks; n < batch * (chunk + 1) / chunks; ++n) {
      run(n, scratch, 1);
    }
  });
}

}  // namespace pare::runtime::own
