// SPDX-License-Identifier: Apache-2.0
#include "prune/kept_elements.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstring>
#include <numeric>

#include "lib/core/cpu_clones.hpp"
#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/ir/sparse.hpp"

namespace pare::prune {

namespace {

constexpr int64_t kStretch = 16384;

using Scratch = pass::FloatRanges::Scratch;

struct Work {
  Scratch scratch;
  std::vector<uint8_t> kept;
};

uint32_t magnitude_bits(float value) { return std::bit_cast<uint32_t>(value) & 0x7FFFFFFFU; }

PARE_CPU_CLONES
void keep_from(std::span<const float> values, uint32_t smallest, uint8_t* kept) {
  for (size_t i = 0; i < values.size(); ++i) {
    kept[i] = magnitude_bits(values[i]) >= smallest ? 1 : 0;
  }
}

PARE_CPU_CLONES
int64_t count_equal(std::span<const float> values, uint32_t bits) {
  int32_t equal = 0;
  for (const float value : values) equal += magnitude_bits(value) == bits ? 1 : 0;
  return equal;
}

PARE_CPU_CLONES
int64_t count_kept(std::span<const uint8_t> kept) {
  int32_t sum = 0;
  for (const uint8_t flag : kept) sum += flag;
  return sum;
}

PARE_CPU_CLONES
void pack_bits(std::span<const uint8_t> kept, std::byte* out) {
  for (size_t byte = 0; byte < kept.size() / 8; ++byte) {
    unsigned bits = 0;
    for (size_t j = 0; j < 8; ++j) bits |= static_cast<unsigned>(kept[8 * byte + j]) << j;
    out[byte] = static_cast<std::byte>(bits);
  }
  const size_t whole = kept.size() / 8 * 8;
  if (whole == kept.size()) return;
  unsigned bits = 0;
  for (size_t i = whole; i < kept.size(); ++i)
    bits |= static_cast<unsigned>(kept[i]) << (i - whole);
  out[whole / 8] = static_cast<std::byte>(bits);
}

// One byte for m elements of a row.
void pack_groups(std::span<const uint8_t> kept, int64_t columns, int m, std::byte* out) {
  const auto width = static_cast<size_t>(columns), group = static_cast<size_t>(m);
  for (size_t row = 0; row < kept.size(); row += width) {
    for (size_t first = 0; first < width; first += group) {
      unsigned bits = 0;
      for (size_t j = 0; j < group && first + j < width; ++j) {
        bits |= static_cast<unsigned>(kept[row + first + j]) << j;
      }
      *out++ = static_cast<std::byte>(bits);
    }
  }
}

// Elements of Width bytes whose flag is set, one after the other. `out` has room for them alone.
// Every element is written, and the next one over it where it is not kept: half of all branches
// would be mispredicted.
template <size_t Width>
void gather(const std::byte* from, std::span<const uint8_t> kept, std::byte* out) {
  const std::byte* const end = out + static_cast<size_t>(count_kept(kept)) * Width;
  for (size_t i = 0; out != end; ++i) {
    std::memcpy(out, from + i * Width, Width);
    out += kept[i] * Width;
  }
}

template <size_t Width>
void clear(std::span<const uint8_t> kept, std::byte* values) {
  for (size_t i = 0; i < kept.size(); ++i) {
    if (!kept[i]) std::memset(values + i * Width, 0, Width);
  }
}

}  // namespace

ir::DType KeptElements::dtype() const {
  return source_.is_plain() ? source_.dtype() : ir::DType::kF32;
}

int64_t KeptElements::stretch_count() const {
  return stretch_ > 0 ? (source_.count() + stretch_ - 1) / stretch_ : 0;
}

void KeptElements::choose(const pass::FloatRanges& values, int64_t stretch, Scratch& scratch,
                          std::span<uint8_t> kept) const {
  const auto floats = values.read(stretch * stretch_, static_cast<int64_t>(kept.size()), scratch);
  if (m_ > 0) {
    const int64_t rows = columns_ > 0 ? static_cast<int64_t>(kept.size()) / columns_ : 0;
    const std::vector<uint8_t> flags = kept_n_of_m(floats, rows, n_, m_);
    std::ranges::copy(flags, kept.begin());
    return;
  }
  keep_from(floats, std::max(cut_.bits, 1U), kept.data());
  if (ties_before_.empty()) return;
  int64_t before = ties_before_[static_cast<size_t>(stretch)];
  constexpr size_t kBlock = 256;  // most hold no tie
  for (size_t first = 0; first < kept.size() && before < cut_.ties; first += kBlock) {
    const size_t end = std::min(kept.size(), first + kBlock);
    if (count_equal(floats.subspan(first, end - first), cut_.bits) == 0) continue;
    for (size_t i = first; i < end && before < cut_.ties; ++i) {
      if (magnitude_bits(floats[i]) != cut_.bits) continue;
      kept[i] = 0;
      ++before;
    }
  }
}

// Calls visit(stretch, values, flags), values being those that the flags were chosen by.
template <class Visit>
void KeptElements::for_stretches(const Visit& visit) const {
  const pass::FloatRanges values(source_);
  parallel_for_with<Work>(stretch_count(), threads_, [&](int64_t stretch, Work& work) {
    work.kept.resize(static_cast<size_t>(std::min(stretch_, source_.count() - stretch * stretch_)));
    choose(values, stretch, work.scratch, work.kept);
    visit(stretch, values, work);
  });
}

void KeptElements::count_stretches() {
  std::vector<int64_t> counts(static_cast<size_t>(stretch_count()));
  for_stretches([&](int64_t stretch, const pass::FloatRanges&, const Work& work) {
    counts[static_cast<size_t>(stretch)] = count_kept(work.kept);
  });
  stored_ = std::accumulate(counts.begin(), counts.end(), int64_t{0});
  stored_before_.resize(counts.size());
  std::exclusive_scan(counts.begin(), counts.end(), stored_before_.begin(), int64_t{0});
}

std::shared_ptr<const KeptElements> KeptElements::by_cut(const ir::Tensor& source,
                                                         MagnitudeCut& cut, int threads) {
  std::shared_ptr<KeptElements> out(new KeptElements(source, threads));
  out->stretch_ = kStretch;
  out->cut_ = {cut.bits, 0};
  if (cut.ties > 0) {
    const pass::FloatRanges values(source);
    std::vector<int64_t> ties(static_cast<size_t>(out->stretch_count()));
    parallel_for_with<Scratch>(out->stretch_count(), threads, [&](int64_t i, Scratch& scratch) {
      const int64_t n = std::min(kStretch, source.count() - i * kStretch);
      ties[static_cast<size_t>(i)] = count_equal(values.read(i * kStretch, n, scratch), cut.bits);
    });
    const int64_t here = std::accumulate(ties.begin(), ties.end(), int64_t{0});
    out->cut_.ties = std::min(cut.ties, here);
    cut.ties -= out->cut_.ties;
    out->ties_before_.resize(ties.size());
    std::exclusive_scan(ties.begin(), ties.end(), out->ties_before_.begin(), int64_t{0});
  }
  out->count_stretches();
  return out;
}

std::shared_ptr<const KeptElements> KeptElements::n_of_m(const std::string& name,
                                                         const ir::Tensor& source, int n, int m,
                                                         int threads) {
  std::shared_ptr<KeptElements> out(new KeptElements(source, threads));
  const int64_t rows = source.dims().size() > 1 ? source.dims()[0] : 1;
  out->n_ = n;
  out->m_ = m;
  out->columns_ = rows > 0 ? source.count() / rows : 0;
  out->stretch_ = std::max<int64_t>(1, kStretch / std::max<int64_t>(1, out->columns_)) *
                  std::max<int64_t>(1, out->columns_);
  std::atomic<bool> finite = true;
  const pass::FloatRanges values(source);
  parallel_for_with<Scratch>(out->stretch_count(), threads, [&](int64_t i, Scratch& scratch) {
    const int64_t first = i * out->stretch_;
    const int64_t size = std::min(out->stretch_, source.count() - first);
    if (!all_finite(values.read(first, size, scratch))) finite = false;
  });
  if (!finite) throw Error(escaped(name), "holds NaN or Inf");
  out->count_stretches();
  return out;
}

ir::Bytes KeptElements::mask() const {
  const bool groups = m_ > 0;
  const int64_t in_row = groups && columns_ > 0 ? (columns_ + m_ - 1) / m_ : 0;
  const int64_t rows = columns_ > 0 ? source_.count() / columns_ : 0;
  ir::Bytes out(static_cast<size_t>(groups ? rows * in_row : (source_.count() + 7) / 8));
  for_stretches([&](int64_t stretch, const pass::FloatRanges&, const Work& work) {
    const int64_t first = stretch * stretch_;
    if (groups) {
      pack_groups(work.kept, columns_, m_, out.data() + first / columns_ * in_row);
    } else {
      pack_bits(work.kept, out.data() + first / 8);
    }
  });
  return out;
}

ir::Bytes KeptElements::values() const {
  const size_t width = static_cast<size_t>(ir::info(dtype()).bits / 8);
  ir::Bytes out(static_cast<size_t>(stored_) * width);
  const ir::BufferView plain = source_.is_plain() ? source_.view() : ir::BufferView{{}, nullptr};
  for_stretches([&](int64_t stretch, const pass::FloatRanges& values, Work& work) {
    const auto first = static_cast<size_t>(stretch * stretch_);
    std::byte* to =
        out.data() + static_cast<size_t>(stored_before_[static_cast<size_t>(stretch)]) * width;
    if (source_.is_plain() && width == 2) {
      return gather<2>(plain.bytes().data() + first * width, work.kept, to);
    }
    const auto floats =
        values.read(stretch * stretch_, static_cast<int64_t>(work.kept.size()), work.scratch);
    gather<4>(std::as_bytes(floats).data(), work.kept, to);
  });
  return out;
}

ir::Bytes KeptElements::dense() const {
  const size_t width = static_cast<size_t>(ir::info(dtype()).bits / 8);
  ir::Bytes out(static_cast<size_t>(source_.count()) * width);
  const ir::BufferView plain = source_.is_plain() ? source_.view() : ir::BufferView{{}, nullptr};
  for_stretches([&](int64_t stretch, const pass::FloatRanges& values, Work& work) {
    const auto first = static_cast<size_t>(stretch * stretch_);
    std::byte* to = out.data() + first * width;
    if (source_.is_plain()) {
      std::memcpy(to, plain.bytes().data() + first * width, work.kept.size() * width);
    } else {
      const auto floats =
          values.read(stretch * stretch_, static_cast<int64_t>(work.kept.size()), work.scratch);
      std::memcpy(to, floats.data(), floats.size_bytes());
    }
    width == 2 ? clear<2>(work.kept, to) : clear<4>(work.kept, to);
  });
  return out;
}

ir::Tensor sparse_tensor(const std::shared_ptr<const KeptElements>& kept,
                         const ir::SparseLayout& layout) {
  const ir::Dims& dims = kept->source().dims();
  const int64_t mask_bytes = ir::mask_bytes(dims, layout);
  const ir::Dims stored{kept->count()};
  ir::Tensor::Parts parts;
  parts
      .set(ir::Part::kCodes, ir::Tensor(kept->dtype(), stored,
                                        ir::Buffer::deferred(ir::byte_size(kept->dtype(), stored),
                                                             [kept] { return kept->values(); })))
      .set(ir::Part::kMask,
           ir::Tensor(ir::DType::kU8, {mask_bytes},
                      ir::Buffer::deferred(mask_bytes, [kept] { return kept->mask(); })));
  return ir::Tensor::composite(dims, std::nullopt, layout, std::move(parts));
}

ir::Tensor dense_tensor(const std::shared_ptr<const KeptElements>& kept) {
  const ir::Dims& dims = kept->source().dims();
  const int64_t bytes = ir::byte_size(kept->dtype(), dims);
  return ir::Tensor(kept->dtype(), dims,
                    ir::Buffer::deferred(bytes, [kept] { return kept->dense(); }));
}

}  // namespace pare::prune
