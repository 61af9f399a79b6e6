// SPDX-License-Identifier: Apache-2.0
// Gemm on activation codes with 4-bit weights that stay packed in memory (w4a8): from one row,
// bound by reading the weights, to many, where what is decoded serves several of them.
#include "lib/runtime/kernels/own/grouped/group_product.hpp"

#include <algorithm>
#include <bit>
#include <memory>

#include "lib/core/parallel.hpp"
#include "lib/runtime/kernels/geometry.hpp"
#include "lib/runtime/kernels/grouped_linear.hpp"
#include "lib/runtime/kernels/own/dense/linear_step.hpp"
#include "lib/runtime/kernels/own/own.hpp"

namespace pare::runtime::own {

namespace {

// What one thread does at a time.
constexpr int64_t kPartVectors = 4;
constexpr int64_t kPartRows = 48;

const GroupProductKernels& kernels() {
  switch (active_isa()) {
#if defined(__x86_64__)
    case Isa::kAvx512Vnni:
      return kGroupProductAvx512Vnni;
    case Isa::kAvx512:
      return kGroupProductAvx512;
    case Isa::kAvx2:
      return kGroupProductAvx2;
#elif defined(__aarch64__)
    case Isa::kNeon:
      return kGroupProductNeon;
#endif
    default:
      return kGroupProductScalar;
  }
}

int64_t words_of(int64_t codes) { return (codes + kWordCodes - 1) / kWordCodes; }

class GroupProduct {
 public:
  GroupProduct(const StepSpec& step, const GroupedLinear& linear)
      : rows_(matrix_geometry(step).rows),
        depth_(linear.depth),
        group_size_(linear.group_size),
        groups_(linear.groups),
        residual_input_(residual_index(step)),
        threads_(linear_threads(step, rows_ * depth_ * linear.columns)) {
    const int64_t lanes = kernels().lanes;
    const int64_t last = groups_ > 0 ? linear.group_length(groups_ - 1) : 0;
    block_.words = words_of(group_size_);
    block_.last_words = words_of(last);
    block_.groups = groups_;
    block_.row_bytes =
        (std::max<int64_t>(groups_ - 1, 0) * block_.words + block_.last_words) * kWordCodes;
    block_.input_zero = linear.input_zero;
    block_.scale = linear.multiplier;
    block_.vectors = (linear.columns + lanes - 1) / lanes;
    block_.channels = block_.output_stride = linear.columns;
    block_.vector_units = (groups_ + block_.row_bytes / kWordCodes) * lanes;
    static_cast<BlockOutput&>(block_) = block_output(linear.output);
    pack(linear, lanes);
    block_.weights = weights_.data();
    block_.bias = bias_.data();
  }

  int64_t packed_bytes() const { return static_cast<int64_t>(weights_.size() + bias_.size()) * 4; }
  int64_t scratch_bytes() const {
    return rows_ * (groups_ * 4 + (in_place() ? 0 : block_.row_bytes));
  }

  void run(const RunArgs& args) const {
    GroupProductBlock whole = block_;
    prepare(args, whole);
    whole.output = args.out<std::byte>();
    if (residual_input_ >= 0) whole.residual = args.in<uint8_t>(residual_input_);
    const int64_t row_parts = (rows_ + kPartRows - 1) / kPartRows;
    const int64_t vector_parts = (block_.vectors + kPartVectors - 1) / kPartVectors;
    parallel_for(vector_parts * row_parts, threads_, [&](int64_t i) {
      run_part(whole, i % row_parts * kPartRows, i / row_parts * kPartVectors);
    });
  }

 private:
  // Groups of whole words need no padding.
  bool in_place() const { return block_.row_bytes == depth_; }

  void pack(const GroupedLinear& linear, int64_t lanes) {
    weights_.assign(static_cast<size_t>(block_.vectors * block_.vector_units), 0);
    bias_.assign(static_cast<size_t>(block_.vectors * lanes), 0.0F);
    std::ranges::copy(linear.bias, bias_.begin());
    for (int64_t c = 0; c < linear.columns; ++c) {
      uint32_t* at = weights_.data() + c / lanes * block_.vector_units + c % lanes;
      for (int64_t g = 0; g < groups_; ++g) {
        const int8_t* codes = linear.weight.data() + c * depth_ + linear.group_begin(g);
        const auto scale = linear.scales[static_cast<size_t>(c * groups_ + g)];
        at = pack_group({codes, static_cast<size_t>(linear.group_length(g))}, scale, at, lanes);
      }
    }
  }

  // Returns where the channel's next group begins.
  static uint32_t* pack_group(std::span<const int8_t> codes, float scale, uint32_t* at,
                              int64_t lanes) {
    *at = std::bit_cast<uint32_t>(scale);
    at += lanes;
    for (size_t k = 0; k < codes.size(); ++k) {
      const size_t in_word = k % kWordCodes;
      const size_t shift = in_word % 4 * 8 + in_word / 4 * 4;
      at[static_cast<int64_t>(k / kWordCodes) * lanes] |= static_cast<uint32_t>(codes[k] + 8)
                                                          << shift;
    }
    return at + words_of(static_cast<int64_t>(codes.size())) * lanes;
  }

  // The rows, padded where groups are, and the sums of their groups.
  void prepare(const RunArgs& args, GroupProductBlock& whole) const {
    auto* sums = reinterpret_cast<int32_t*>(args.scratch);
    auto* padded = reinterpret_cast<uint8_t*>(sums + rows_ * groups_);
    const uint8_t* codes = args.in<uint8_t>(0);
    whole.row_sums = sums;
    whole.input = in_place() ? codes : padded;
    parallel_for(rows_, rows_ < kPartRows ? 1 : threads_, [&](int64_t row) {
      prepare_row(codes + row * depth_, sums + row * groups_,
                  in_place() ? nullptr : padded + row * block_.row_bytes);
    });
  }
  void prepare_row(const uint8_t* codes, int32_t* sums, uint8_t* padded) const {
    for (int64_t g = 0; g < groups_; ++g) {
      const int64_t length = std::min(group_size_, depth_ - g * group_size_);
      auto sum = -static_cast<int32_t>(length) * block_.input_zero;
      for (int64_t k = 0; k < length; ++k) sum += codes[k];
      sums[g] = -8 * sum;
      if (padded != nullptr) {
        const int64_t room = words_of(length) * kWordCodes;
        std::copy_n(codes, length, padded);
        std::fill(padded + length, padded + room, uint8_t{0});
        padded += room;
      }
      codes += length;
    }
  }

  void run_part(const GroupProductBlock& whole, int64_t row, int64_t vector) const {
    const int64_t channel = vector * kernels_.lanes;
    const int64_t at = row * whole.output_stride + channel;
    GroupProductBlock b = whole;
    b.rows = std::min(kPartRows, rows_ - row);
    b.input += row * b.row_bytes;
    b.row_sums += row * groups_;
    b.weights += vector * b.vector_units;
    b.bias = bias_.data() + channel;
    b.vectors = std::min(kPartVectors, whole.vectors - vector);
    b.channels -= channel;
    b.output = static_cast<std::byte*>(whole.output) + at * (whole.to_float ? 4 : 1);
    if (whole.residual != nullptr) b.residual = static_cast<const uint8_t*>(whole.residual) + at;
    kernels_.product(b);
  }

  GroupProductKernels kernels_ = kernels();
  int64_t rows_, depth_, group_size_, groups_;
  int residual_input_;
  int threads_;
  GroupProductBlock block_;  // all rows and channels, without pointers into activations
  std::vector<uint32_t> weights_;
  std::vector<float> bias_;  // padded to whole vectors
};

}  // namespace

bool supports_group_product(const StepSpec& step) {
  return step.integer && grouped_runs_in_integers(step);
}

Kernel make_group_product(const StepSpec& step) {
  const auto product = std::make_shared<const GroupProduct>(step, grouped_linear(step));
  Kernel kernel{.name = "int4-gemm-u8-" + std::string(name_of(active_isa()))};
  kernel.packed_bytes = product->packed_bytes();
  kernel.scratch_bytes = product->scratch_bytes();
  kernel.run = [product](const RunArgs& args) { product->run(args); };
  return kernel;
}

}  // namespace pare::runtime::own
