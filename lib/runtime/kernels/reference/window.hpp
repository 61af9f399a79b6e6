// SPDX-License-Identifier: Apache-2.0
// Sliding windows in any number of spatial dimensions, one tap at a time.
#pragma once

#include <array>

#include "lib/ir/geometry.hpp"
#include "lib/runtime/kernels/kernel.hpp"

namespace pare::runtime::reference {

// Spatial dimensions only; planes (batch and channels) are the caller's.
class WindowLoops {
 public:
  using Position = std::array<int64_t, 16>;  // the largest rank of a graph value

  WindowLoops(ir::Window window, const ir::Dims& in)
      : window_(std::move(window)), in_(in.begin() + 2, in.end()) {
    in_plane_ = ir::element_count(in_);
    out_plane_ = ir::element_count(window_.output);
    taps_ = ir::element_count(window_.kernel);
  }

  int64_t in_plane() const { return in_plane_; }
  int64_t out_plane() const { return out_plane_; }
  int64_t taps() const { return taps_; }

  // body(offset in the input plane, tap) for the taps of output element `o` inside the input.
  template <class Body>
  void for_each_tap(int64_t o, const Body& body) const {
    const Position out = position(o, window_.output);
    for (int64_t tap = 0; tap < taps_; ++tap) {
      const Position k = position(tap, window_.kernel);
      int64_t offset = 0;
      for (size_t d = 0; d < in_.size() && offset >= 0; ++d) {
        const int64_t at =
            out[d] * window_.strides[d] - window_.pads_begin[d] + k[d] * window_.dilations[d];
        offset = at < 0 || at >= in_[d] ? -1 : offset * in_[d] + at;
      }
      if (offset >= 0) body(offset, tap);
    }
  }

  // The same of a transposed window: body(offset in the output plane, tap) for input element `i`.
  template <class Body>
  void for_each_target(int64_t i, const Body& body) const {
    const Position in = position(i, in_);
    for (int64_t tap = 0; tap < taps_; ++tap) {
      const Position k = position(tap, window_.kernel);
      int64_t offset = 0;
      for (size_t d = 0; d < in_.size() && offset >= 0; ++d) {
        const int64_t at =
            in[d] * window_.strides[d] - window_.pads_begin[d] + k[d] * window_.dilations[d];
        offset = at < 0 || at >= window_.output[d] ? -1 : offset * window_.output[d] + at;
      }
      if (offset >= 0) body(offset, tap);
    }
  }

  // Taps of output element `o` in the input or its stated padding; what ceil_mode adds beyond does
  // not count.
  int64_t padded_taps(int64_t o) const {
    const Position out = position(o, window_.output);
    int64_t count = 1;
    for (size_t d = 0; d < in_.size(); ++d) {
      int64_t inside = 0;
      for (int64_t k = 0; k < window_.kernel[d]; ++k) {
        const int64_t at =
            out[d] * window_.strides[d] - window_.pads_begin[d] + k * window_.dilations[d];
        inside += at < in_[d] + window_.pads_end[d] ? 1 : 0;
      }
      count *= inside;
    }
    return count;
  }

  // Index of an input element when the last spatial dimension varies slowest.
  int64_t column_major(int64_t offset) const {
    const Position at = position(offset, in_);
    int64_t index = 0;
    for (size_t d = in_.size(); d-- > 0;) index = index * in_[d] + at[d];
    return index;
  }

 private:
  static Position position(int64_t flat, const ir::Dims& dims) {
    Position at{};
    for (size_t d = dims.size(); d-- > 0;) {
      at[d] = flat % dims[d];
      flat /= dims[d];
    }
    return at;
  }

  ir::Window window_;
  ir::Dims in_;
  int64_t in_plane_ = 0, out_plane_ = 0, taps_ = 0;
};

// Of a Conv (kernel: the weight's) or a pool (kernel_shape).
inline WindowLoops window_loops(const StepSpec& step, const ir::Dims& kernel) {
  const ir::Dims& in = step.input(0).dims;
  return {ir::window_of(step.node, ir::Dims(in.begin() + 2, in.end()), kernel), in};
}

}  // namespace pare::runtime::reference
