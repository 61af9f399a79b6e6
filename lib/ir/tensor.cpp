// SPDX-License-Identifier: Apache-2.0
// Construction checks everything that can be checked without evaluating deferred bytes.
#include "lib/ir/tensor.hpp"

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/ir/sparse.hpp"

namespace pare::ir {

struct Tensor::Composite {
  std::optional<QuantScheme> scheme;
  SparseLayout layout;
  Parts parts;
};

std::string_view name_of(Part part) {
  static constexpr std::array<std::string_view, kPartCount> kNames{
      "codes", "mask", "scales", "zero_points", "super_scales", "codebook"};
  return kNames.at(static_cast<size_t>(part));
}

int64_t byte_size(DType dtype, std::span<const int64_t> dims, std::string_view subject) {
  const int64_t count = element_count(dims, subject);
  const int bits = info(dtype).bits;
  return bits >= 8 ? checked_mul(count, bits / 8, subject) : count / 2 + count % 2;
}

Tensor::Tensor(DType dtype, Dims dims, Buffer buffer)
    : dtype_(dtype),
      dims_(std::move(dims)),
      count_(element_count(dims_)),
      buffer_(std::move(buffer)) {
  const int64_t expected = byte_size(dtype_, dims_);
  if (buffer_.size() != expected) {
    throw Error("tensor", std::string(name_of(dtype_)) + " " + to_string(dims_) + " takes " +
                              std::to_string(expected) + " bytes, found " +
                              std::to_string(buffer_.size()));
  }
}

Tensor Tensor::f32(Dims dims, std::span<const float> values) {
  return of(DType::kF32, std::move(dims), values);
}

Tensor Tensor::i64(Dims dims, std::span<const int64_t> values) {
  return of(DType::kI64, std::move(dims), values);
}

Tensor::Parts& Tensor::Parts::set(Part part, Tensor tensor) {
  at.at(static_cast<size_t>(part)) = std::make_shared<const Tensor>(std::move(tensor));
  return *this;
}

namespace {

const Tensor* find(const Tensor::Parts& parts, Part part) {
  return parts.at[static_cast<size_t>(part)].get();
}

[[noreturn]] void fail(Part part, const std::string& fact) {
  throw Error("tensor", std::string(name_of(part)) + " " + fact);
}

const Tensor& need(const Tensor::Parts& parts, Part part) {
  const Tensor* tensor = find(parts, part);
  if (!tensor) fail(part, "are missing");
  if (!tensor->is_plain()) fail(part, "are not a plain tensor");
  return *tensor;
}

void refuse(const Tensor::Parts& parts, Part part) {
  if (find(parts, part)) fail(part, "do not belong to this scheme");
}

void expect(Part part, const Tensor& tensor, DType dtype, int64_t count) {
  if (tensor.dtype() != dtype || tensor.count() != count) {
    fail(part, "should be " + std::to_string(count) + " of " + std::string(name_of(dtype)) +
                   ", found " + std::to_string(tensor.count()) + " of " +
                   std::string(name_of(tensor.dtype())));
  }
}

void check_scheme(const QuantScheme& scheme) {
  const auto refuse_if = [](bool wrong, const char* fact) {
    if (wrong) throw Error("quantization scheme", fact);
  };
  const bool floating = info(scheme.code).is_float;
  refuse_if(floating || scheme.code == DType::kBool || scheme.code == DType::kI64,
            "codes have at most 32 bits and are integers");
  refuse_if(scheme.super_group < 0 || scheme.group_size < 0, "a group size is negative");
  const DTypeInfo& scale = info(scheme.scale);
  const bool codes = !scale.is_float && scheme.scale != DType::kBool && scheme.scale != DType::kI64;
  refuse_if(scheme.super_group == 0 && !scale.is_float, "scales are floating unless two-level");
  refuse_if(!scale.is_float && !codes, "scale codes have at most 32 bits");
  refuse_if(scheme.codebook && (info(scheme.code).is_signed || !scheme.symmetric),
            "codebook codes are unsigned and have no zero point");
}

void check_codebook(const QuantScheme& scheme, const Tensor::Parts& parts) {
  if (!scheme.codebook) return refuse(parts, Part::kCodebook);
  const Tensor& book = need(parts, Part::kCodebook);
  expect(Part::kCodebook, book, DType::kF32, book.count());
  if (book.count() < 1 || book.count() > max_code(scheme.code) + 1) {
    fail(Part::kCodebook, "has " + std::to_string(book.count()) + " entries for " +
                              std::string(name_of(scheme.code)) + " codes");
  }
}

void check_quantized(const Dims& dims, const QuantScheme& scheme, const Tensor::Parts& parts) {
  check_scheme(scheme);
  const GroupGeometry g = groups_of(dims, scheme);
  const int64_t groups = checked_mul(g.rows, g.groups_per_row, "tensor");
  expect(Part::kScales, need(parts, Part::kScales), scheme.scale, groups);
  if (scheme.symmetric) {
    refuse(parts, Part::kZeroPoints);
  } else {
    expect(Part::kZeroPoints, need(parts, Part::kZeroPoints), DType::kI32, groups);
  }
  if (scheme.super_group > 0) {
    const Tensor& super = need(parts, Part::kSuperScales);
    if (!info(super.dtype()).is_float) fail(Part::kSuperScales, "are not floating");
    const int64_t count = groups / scheme.super_group + (groups % scheme.super_group != 0 ? 1 : 0);
    expect(Part::kSuperScales, super, super.dtype(), count);
  } else {
    refuse(parts, Part::kSuperScales);
  }
  check_codebook(scheme, parts);
}

void check_plain(const Tensor::Parts& parts) {
  for (const Part part : {Part::kScales, Part::kZeroPoints, Part::kSuperScales, Part::kCodebook}) {
    refuse(parts, part);
  }
}

// The mask is counted when its bytes are at hand; a deferred one is counted when it is decoded.
void check_stored(const Dims& dims, const SparseLayout& layout, const Tensor::Parts& parts) {
  const Tensor& codes = need(parts, Part::kCodes);
  if (layout.kind == SparseKind::kDense) {
    refuse(parts, Part::kMask);
    if (codes.dims() != dims) {
      fail(Part::kCodes, "should be " + to_string(dims) + ", found " + to_string(codes.dims()));
    }
    return;
  }
  check_layout(layout);
  const Tensor& mask = need(parts, Part::kMask);
  expect(Part::kMask, mask, DType::kU8, mask_bytes(dims, layout));
  if (codes.dims().size() != 1 || codes.count() > element_count(dims)) {
    fail(Part::kCodes, "of a sparse " + to_string(dims) + " should be [stored], found " +
                           to_string(codes.dims()));
  }
  if (mask.buffer().is_deferred()) return;
  const int64_t stored = stored_in_mask(mask.view().bytes(), dims, layout);
  if (stored != codes.count()) {
    fail(Part::kMask, "stores " + std::to_string(stored) + " elements, codes hold " +
                          std::to_string(codes.count()));
  }
}

}  // namespace

Tensor Tensor::composite(Dims dims, std::optional<QuantScheme> scheme, SparseLayout layout,
                         Parts parts) {
  Tensor out;
  out.count_ = element_count(dims);
  if (!scheme && layout.kind == SparseKind::kDense) {
    throw Error("tensor", "a composite tensor is quantized or sparse");
  }
  const Tensor& codes = need(parts, Part::kCodes);
  if (scheme) {
    check_quantized(dims, *scheme, parts);
    expect(Part::kCodes, codes, scheme->code, codes.count());
  } else {
    check_plain(parts);
    if (!info(codes.dtype()).is_float)
      fail(Part::kCodes, "of an unquantized tensor are not floating");
  }
  check_stored(dims, layout, parts);
  out.dims_ = std::move(dims);
  out.composite_ =
      std::make_shared<const Composite>(Composite{std::move(scheme), layout, std::move(parts)});
  return out;
}

bool Tensor::is_quantized() const { return composite_ && composite_->scheme; }

bool Tensor::is_sparse() const { return layout().kind != SparseKind::kDense; }

const QuantScheme* Tensor::scheme() const {
  return is_quantized() ? &*composite_->scheme : nullptr;
}

SparseLayout Tensor::layout() const { return composite_ ? composite_->layout : SparseLayout{}; }

const Tensor* Tensor::part(Part part) const {
  return composite_ ? find(composite_->parts, part) : nullptr;
}

int64_t Tensor::stored_bytes() const {
  if (!composite_) return buffer_.size();
  int64_t bytes = 0;
  for (const auto& part : composite_->parts.at) {
    if (part) bytes += part->stored_bytes();
  }
  return bytes;
}

int64_t Tensor::stored_elements() const {
  return composite_ ? find(composite_->parts, Part::kCodes)->count() : count_;
}

GroupGeometry groups_of(const Dims& dims, const QuantScheme& scheme) {
  const int64_t count = element_count(dims);
  const auto rank = static_cast<int>(dims.size());
  if (scheme.axis < -1 || scheme.axis >= rank) {
    throw Error("quantization scheme", "axis " + std::to_string(scheme.axis) +
                                           " is outside a tensor of " + std::to_string(rank) +
                                           " dimensions");
  }
  if (scheme.group_size > 0 && scheme.axis > 0) {
    throw Error("quantization scheme", "groups need axis 0, found " + std::to_string(scheme.axis));
  }
  GroupGeometry g;
  if (scheme.axis >= 0) {
    g.rows = dims[static_cast<size_t>(scheme.axis)];
    g.inner = element_count(std::span(dims).subspan(static_cast<size_t>(scheme.axis) + 1));
  } else {
    g.inner = count;
  }
  g.columns = g.rows > 0 ? count / g.rows : 0;
  g.group_size = scheme.group_size > 0 ? scheme.group_size : g.columns;
  const bool ragged = g.group_size > 0 && g.columns % g.group_size != 0;
  g.groups_per_row = scheme.group_size > 0 ? g.columns / g.group_size + (ragged ? 1 : 0) : 1;
  g.stride_outer = checked_mul(g.rows, g.inner, "tensor");
  return g;
}

}  // namespace pare::ir
