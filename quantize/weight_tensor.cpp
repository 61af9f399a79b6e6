// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_tensor.hpp"

#include <algorithm>
#include <array>
#include <deque>
#include <functional>
#include <mutex>

#include "lib/core/error.hpp"
#include "lib/core/parallel.hpp"
#include "lib/ir/narrow.hpp"
#include "lib/ir/sparse.hpp"
#include "quantize/scale_search.hpp"
#include "quantize/weight_groups.hpp"

namespace pare::quantize {

// A weight is worked out by whoever asks first; who asks for another part meanwhile waits for it.
class RecentGroups {
 public:
  std::shared_ptr<const Groups> of(const std::shared_ptr<const void>& weight,
                                   const std::function<Groups()>& work_out) {
    const std::shared_ptr<Slot> slot = slot_of(weight);
    const std::lock_guard lock(slot->working);
    if (!slot->groups) slot->groups = std::make_shared<const Groups>(work_out());
    return slot->groups;
  }

 private:
  struct Slot {
    std::weak_ptr<const void> weight;  // while it is known here, its address is not used again
    std::mutex working;
    std::shared_ptr<const Groups> groups;
  };
  static constexpr size_t kHeld = 4;  // a writer works on a few tensors at a time

  std::shared_ptr<Slot> slot_of(const std::shared_ptr<const void>& weight) {
    const std::lock_guard lock(choosing_);
    for (const auto& slot : slots_) {
      if (slot->weight.lock() == weight) return slot;
    }
    slots_.push_back(std::make_shared<Slot>());
    slots_.back()->weight = weight;
    if (slots_.size() > kHeld) slots_.pop_front();
    return slots_.back();
  }

  std::mutex choosing_;
  std::deque<std::shared_ptr<Slot>> slots_;
};

std::shared_ptr<RecentGroups> recent_groups() { return std::make_shared<RecentGroups>(); }

namespace {

// Groups as long as this have parameters so few that they are kept: at most 8 bytes for so many
// weights.
constexpr int64_t kLongGroup = 1024;

ir::QuantScheme ir_scheme(const WeightScheme& scheme) {
  const bool wide = scheme.bits == 8;
  ir::QuantScheme out;
  out.code = scheme.symmetric ? (wide ? ir::DType::kI8 : ir::DType::kI4)
                              : (wide ? ir::DType::kU8 : ir::DType::kU4);
  out.symmetric = scheme.symmetric;
  out.axis = scheme.granularity == Granularity::kTensor ? -1 : scheme.axis;
  out.group_size = scheme.granularity == Granularity::kGroup ? scheme.group_size : 0;
  return out;
}

// What the deferred parts of one weight share.
struct Job {
  ir::Tensor weight;
  WeightScheme scheme;
  ir::QuantScheme quant;
  int threads = 1;
  std::shared_ptr<RecentGroups> recent;
  std::shared_ptr<const Groups> known;  // null: worked out when they are asked for

  CodeRange range() const { return code_range(scheme.bits, scheme.symmetric); }
  WeightGroups groups_of_weight() const {
    return {weight, ir::groups_of(weight.dims(), quant), range(), threads};
  }
};

// Codes are chosen for the scales that are stored.
void round_scales(Groups& groups, ir::DType stored) {
  if (stored == ir::DType::kF16) ir::round_to_f16(groups.scales);
}

Groups worked_out(const Job& job, const WeightGroups& weight) {
  Groups groups = job.scheme.search ? weight.searched() : weight.covering_extents(weight.extents());
  round_scales(groups, job.quant.scale);
  return groups;
}

std::shared_ptr<const Groups> groups_of(const std::shared_ptr<const Job>& job,
                                        const WeightGroups& weight) {
  if (job->known) return job->known;
  return job->recent->of(job, [&] { return worked_out(*job, weight); });
}

ir::Bytes packed(ir::Bytes codes, int bits, int threads) {
  if (bits == 8) return codes;
  constexpr int64_t kStretch = 1 << 16;
  ir::Bytes out((codes.size() + 1) / 2);
  const std::span from(reinterpret_cast<const int8_t*>(codes.data()), codes.size());
  const auto pairs = static_cast<int64_t>(codes.size() / 2);
  parallel_for((pairs + kStretch - 1) / kStretch, threads, [&](int64_t stretch) {
    const int64_t first = stretch * kStretch, n = std::min(kStretch, pairs - first);
    const auto at = static_cast<size_t>(first), pairs_here = static_cast<size_t>(n);
    pack_pairs(from.subspan(2 * at, 2 * pairs_here), std::span(out).subspan(at, pairs_here));
  });
  if (codes.size() % 2 != 0) out.back() = codes.back() & std::byte{15};
  return out;
}

// The mask's elements of `codes`, in order.
ir::Bytes stored_codes(ir::Bytes codes, const ir::Tensor& weight) {
  const ir::BufferView mask = weight.part(ir::Part::kMask)->view();
  const auto kept = ir::expand_mask(mask.bytes(), weight.dims(), weight.layout());
  size_t stored = 0;
  for (size_t i = 0; i < codes.size(); ++i) {
    if (kept[i]) codes[stored++] = codes[i];
  }
  codes.resize(stored);
  return codes;
}

ir::Bytes codes_of(const std::shared_ptr<const Job>& job, bool sparse) {
  const WeightGroups weight = job->groups_of_weight();
  const bool balanced = job->scheme.search && job->scheme.bits == 4;
  const auto stored = [&](ir::Bytes codes) {  // as the tensor stores codes that are one a byte
    if (sparse) codes = stored_codes(std::move(codes), job->weight);
    return packed(std::move(codes), job->scheme.bits, job->threads);
  };
  if (job->known || !weight.short_groups()) {
    return stored(weight.codes(*groups_of(job, weight), balanced));
  }
  const Encoding encoding{
      .search = job->scheme.search,
      .balanced = balanced,
      .half_scales = job->quant.scale == ir::DType::kF16,
      .packed = job->scheme.bits == 4 && !sparse && weight.pairs_stay_together()};
  ir::Bytes codes;
  const auto groups =
      job->recent->of(job, [&] { return weight.groups_and_codes(encoding, codes); });
  if (codes.empty()) return stored(weight.codes(*groups, balanced));  // they were known already
  if (encoding.packed) return codes;
  return stored(std::move(codes));
}

ir::Bytes scales_of(const std::shared_ptr<const Job>& job) {
  const auto groups = groups_of(job, job->groups_of_weight());
  const std::span<const float> scales = groups->scales;
  if (job->quant.scale == ir::DType::kF32) {
    const auto raw = std::as_bytes(scales);
    return {raw.begin(), raw.end()};
  }
  std::vector<uint16_t> halves(scales.size());
  ir::narrow_f16(scales, halves);
  const auto raw = std::as_bytes(std::span(halves));
  return {raw.begin(), raw.end()};
}

ir::Bytes zero_points_of(const std::shared_ptr<const Job>& job) {
  const auto groups = groups_of(job, job->groups_of_weight());
  const auto raw = std::as_bytes(std::span(groups->zero_points));
  return {raw.begin(), raw.end()};
}

ir::Tensor deferred(ir::DType dtype, const ir::Dims& dims, std::function<ir::Bytes()> make) {
  const int64_t bytes = ir::byte_size(dtype, dims);
  return ir::Tensor(dtype, dims, ir::Buffer::deferred(bytes, std::move(make)));
}

ir::Tensor assembled(const std::shared_ptr<const Job>& job) {
  const ir::Tensor& weight = job->weight;
  const ir::QuantScheme& quant = job->quant;
  const int64_t stored = weight.stored_elements();
  const ir::Tensor* mask = weight.part(ir::Part::kMask);
  const int64_t sparse_bytes =
      mask ? mask->count() + ir::byte_size(quant.code, std::array{stored}) : 0;
  const bool sparse = mask != nullptr && sparse_bytes <= ir::byte_size(quant.code, weight.dims());
  const ir::GroupGeometry g = ir::groups_of(weight.dims(), quant);
  const ir::Dims group_dims{g.rows * g.groups_per_row};
  ir::Tensor::Parts parts;
  parts.set(ir::Part::kScales, deferred(quant.scale, group_dims, [job] { return scales_of(job); }));
  if (!quant.symmetric) {
    parts.set(ir::Part::kZeroPoints,
              deferred(ir::DType::kI32, group_dims, [job] { return zero_points_of(job); }));
  }
  if (sparse) parts.set(ir::Part::kMask, *mask);
  parts.set(ir::Part::kCodes, deferred(quant.code, sparse ? ir::Dims{stored} : weight.dims(),
                                       [job, sparse] { return codes_of(job, sparse); }));
  return ir::Tensor::composite(weight.dims(), quant, sparse ? weight.layout() : ir::SparseLayout{},
                               std::move(parts));
}

bool fits_f16(float scale) { return scale >= 0x1p-14F && scale <= 65504.0F; }
bool fit_f16(std::span<const float> scales) { return std::ranges::all_of(scales, fits_f16); }

// Whether the scales of a search will be in f16's range: mostly clear from the extents; where not,
// the groups in doubt are searched.
bool searched_scales_fit(const WeightGroups& weight, std::span<const Extent> extents,
                         const CodeRange& range) {
  std::vector<uint8_t> unsure;
  for (size_t i = 0; i < extents.size(); ++i) {
    if (scale_surely_fits_f16(extents[i], range)) continue;
    unsure.resize(extents.size());
    unsure[i] = 1;
  }
  return unsure.empty() || fit_f16(weight.searched(unsure).scales);
}

void require_finite(const std::string& name, bool finite) {
  if (!finite) throw Error(escaped(name), "holds NaN or Inf");
}

std::vector<Extent> finite_extents(const std::string& name, const WeightGroups& weight) {
  std::vector<Extent> extents = weight.extents();
  require_finite(name, std::ranges::all_of(extents, &Extent::finite));
  return extents;
}

}  // namespace

ir::Tensor quantized_weight(const std::string& name, const ir::Tensor& weight,
                            const WeightScheme& scheme, int threads,
                            std::shared_ptr<RecentGroups> recent) {
  auto job = std::make_shared<Job>(Job{.weight = weight,
                                       .scheme = scheme,
                                       .quant = ir_scheme(scheme),
                                       .threads = threads,
                                       .recent = std::move(recent),
                                       .known = nullptr});
  const WeightGroups groups = job->groups_of_weight();
  // f16 scales hold 4-bit codes' precision several times over and cost half.
  const auto store_as_f16 = [&](bool fit) {
    if (scheme.bits == 4 && fit) job->quant.scale = ir::DType::kF16;
  };
  const bool few = weight.count() >= kLongGroup * groups.group_count();
  if (!few && !scheme.search && groups.short_groups()) {
    const ScaleRange scales = groups.covering_scales();
    require_finite(name, scales.finite);
    store_as_f16(fits_f16(scales.smallest) && fits_f16(scales.largest));
    return assembled(job);
  }
  const std::vector<Extent> extents = finite_extents(name, groups);
  if (few || !scheme.search) {
    Groups known = scheme.search ? groups.searched() : groups.covering_extents(extents);
    store_as_f16(fit_f16(known.scales));
    if (few) round_scales(known, job->quant.scale);
    if (few) job->known = std::make_shared<const Groups>(std::move(known));
  } else if (scheme.bits == 4) {
    store_as_f16(searched_scales_fit(groups, extents, job->range()));
  }
  return assembled(job);
}

ir::Tensor quantized_weight(const ir::Tensor& weight, std::vector<float> scales, int axis,
                            int threads) {
  const WeightScheme scheme{.axis = axis};
  return assembled(std::make_shared<const Job>(
      Job{.weight = weight,
          .scheme = scheme,
          .quant = ir_scheme(scheme),
          .threads = threads,
          .recent = nullptr,
          .known = std::make_shared<const Groups>(Groups{std::move(scales), {}})}));
}

std::vector<float> channel_scales(const std::string& name, const ir::Tensor& weight,
                                  const WeightScheme& scheme, int threads) {
  const WeightGroups groups(weight, ir::groups_of(weight.dims(), ir_scheme(scheme)),
                            code_range(scheme.bits, scheme.symmetric), threads);
  return groups.covering_extents(finite_extents(name, groups)).scales;
}

}  // namespace pare::quantize
