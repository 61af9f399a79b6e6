// SPDX-License-Identifier: Apache-2.0
#include "tests/formats/random_models.hpp"

#include <array>

#include "lib/core/rng.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/ir/graph_builder.hpp"
#include "lib/ir/sparse.hpp"
#include "tests/formats/sample_models.hpp"

namespace pare::tests {

namespace {

using ir::Dims;
using ir::DType;
using ir::Part;
using ir::QuantScheme;
using ir::SparseKind;
using ir::SparseLayout;
using ir::Tensor;

template <class T, size_t N>
const T& one_of(Rng& rng, const std::array<T, N>& choices) {
  return choices[static_cast<size_t>(rng.below(static_cast<int64_t>(N)))];
}

bool coin(Rng& rng) { return rng.below(2) == 0; }

// Any bits, so NaNs and denormals among the floats; booleans are 0 or 1.
Tensor random_plain(Rng& rng, DType dtype, const Dims& dims) {
  ir::Bytes bytes(static_cast<size_t>(ir::byte_size(dtype, dims)));
  for (std::byte& byte : bytes) {
    byte = static_cast<std::byte>(rng.below(dtype == DType::kBool ? 2 : 256));
  }
  // The upper half of the last byte belongs to no element.
  if (ir::info(dtype).bits == 4 && ir::element_count(dims) % 2 != 0) bytes.back() &= std::byte{15};
  return Tensor(dtype, dims, ir::Buffer::heap(std::move(bytes)));
}

Tensor random_scales(Rng& rng, DType dtype, int64_t count) {
  std::vector<float> values(static_cast<size_t>(count));
  for (float& value : values) value = rng.uniform(0.001F, 2.0F);
  if (dtype == DType::kF32) return Tensor::f32({count}, values);
  std::vector<uint16_t> halves;
  for (const float value : values) {
    halves.push_back(dtype == DType::kF16 ? ir::f32_to_f16(value) : ir::f32_to_bf16(value));
  }
  return Tensor::of(dtype, {count}, std::span<const uint16_t>(halves));
}

Dims random_dims(Rng& rng, int64_t least_rank, int64_t least_size) {
  Dims dims(static_cast<size_t>(least_rank + rng.below(5 - least_rank)));
  for (int64_t& dim : dims) dim = least_size + rng.below(7 - least_size);
  return dims;
}

QuantScheme random_scheme(Rng& rng, const Dims& dims) {
  QuantScheme scheme{
      .code = one_of(rng, std::array{DType::kI8, DType::kU8, DType::kI4, DType::kU4}),
      .scale = one_of(rng, std::array{DType::kF32, DType::kF16, DType::kBF16}),
      .symmetric = coin(rng)};
  const auto rank = static_cast<int64_t>(dims.size());
  if (coin(rng)) scheme.axis = static_cast<int>(rng.below(rank));
  if (scheme.axis <= 0 && coin(rng)) scheme.group_size = 1 + rng.below(6);
  scheme.codebook = scheme.symmetric && !ir::info(scheme.code).is_signed && rng.below(4) == 0;
  return scheme;
}

SparseLayout random_layout(Rng& rng) {
  switch (rng.below(3)) {
    case 0:
      return {.kind = SparseKind::kBitmask};
    case 1:
      return {.kind = SparseKind::kNOfM, .n = 2, .m = 4};
    default:
      return {.kind = SparseKind::kBlock, .block = 1 + static_cast<int>(rng.below(8))};
  }
}

// The mask of a random choice of elements that the layout allows; adds its part.
int64_t add_mask(Rng& rng, const Dims& dims, const SparseLayout& layout, Tensor::Parts& parts) {
  ir::Bytes mask(static_cast<size_t>(ir::mask_bytes(dims, layout)));
  std::vector<uint8_t> kept = ir::expand_mask(mask, dims, layout);
  const size_t unit = layout.kind == SparseKind::kBlock  ? static_cast<size_t>(layout.block)
                      : layout.kind == SparseKind::kNOfM ? 2
                                                         : 1;
  for (size_t i = 0; i < kept.size(); ++i) {
    // Every other element is at most two of any four.
    const bool allowed = layout.kind != SparseKind::kNOfM || i % 2 == 0;
    const bool starts = layout.kind == SparseKind::kNOfM || i % unit == 0;
    kept[i] = starts ? static_cast<uint8_t>(allowed && coin(rng)) : kept[i - 1];
  }
  mask = ir::pack_mask(kept, dims, layout);
  const auto size = static_cast<int64_t>(mask.size());
  const int64_t stored = ir::stored_in_mask(mask, dims, layout);
  parts.set(Part::kMask, Tensor(DType::kU8, {size}, ir::Buffer::heap(std::move(mask))));
  return stored;
}

// Quantized, sparse, or both.
Tensor random_composite(Rng& rng) {
  const Dims dims = random_dims(rng, 1, 1);
  const int64_t form = rng.below(4);
  std::optional<QuantScheme> scheme;
  SparseLayout layout;
  Tensor::Parts parts;
  Dims stored = dims;
  if (form != 0) scheme = random_scheme(rng, dims);
  if (form <= 1) {
    layout = random_layout(rng);
    stored = {add_mask(rng, dims, layout, parts)};
  }
  parts.set(Part::kCodes, random_plain(rng, scheme ? scheme->code : DType::kF32, stored));
  if (scheme) {
    const ir::GroupGeometry groups = ir::groups_of(dims, *scheme);
    const int64_t count = groups.rows * groups.groups_per_row;
    parts.set(Part::kScales, random_scales(rng, scheme->scale, count));
    if (!scheme->symmetric) {
      std::vector<int32_t> zeros(static_cast<size_t>(count));
      const int64_t low = ir::min_code(scheme->code), high = ir::max_code(scheme->code);
      for (int32_t& zero : zeros) zero = static_cast<int32_t>(low + rng.below(high - low + 1));
      parts.set(Part::kZeroPoints,
                Tensor::of<int32_t>(DType::kI32, {count}, std::span<const int32_t>(zeros)));
    }
    if (scheme->codebook) {
      const int64_t entries = ir::max_code(scheme->code) + 1;
      parts.set(Part::kCodebook, random_scales(rng, DType::kF32, entries));
    }
  }
  return Tensor::composite(dims, scheme, layout, std::move(parts));
}

constexpr std::array kNames = {"layer.weight", "a/b",   "..",           "with space", "quote\"d\\",
                               "Zürich",       "tab\t", "running_mean", "日本",       "x.y.z"};

}  // namespace

ir::ParameterTable random_parameters(uint64_t seed) {
  Rng rng(seed, stream_of("parameters"));
  ir::ParameterTable out;
  for (int64_t i = 0, n = 1 + rng.below(6); i < n; ++i) {
    const std::string name = one_of(rng, kNames) + std::to_string(i);
    const auto types = ir::all_dtypes();
    const DType dtype =
        types[static_cast<size_t>(rng.below(static_cast<int64_t>(types.size())))].dtype;
    out.set(name,
            coin(rng) ? random_plain(rng, dtype, random_dims(rng, 0, 0)) : random_composite(rng));
  }
  return out;
}

ir::Metadata random_metadata(uint64_t seed) {
  Rng rng(seed, stream_of("metadata"));
  ir::Metadata out;
  if (coin(rng)) out.task = "regression";
  for (int64_t i = 0, n = rng.below(4); i < n; ++i) out.labels.push_back(one_of(rng, kNames));
  if (coin(rng)) {
    out.preprocessing = {.stated = true,
                         .input_scale = rng.uniform(),
                         .mean = {rng.uniform(), rng.uniform()},
                         .std = {rng.uniform()},
                         .layout = coin(rng) ? "NCHW" : "NHWC",
                         .size = {1 + rng.below(9), 1 + rng.below(9)}};
  }
  if (coin(rng)) out.source = {{"arch", one_of(rng, kNames)}, {"width", rng.below(100)}};
  for (int64_t i = 0, n = rng.below(3); i < n; ++i) {
    out.history.push_back({.pass = "prune",
                           .options = {{"sparsity", rng.uniform()}, {"rules", Json::array({"*"})}},
                           .tool_version = "0.1.0",
                           .seed = rng.next(),
                           .inputs = {{one_of(rng, kNames), std::string(64, 'a')}}});
  }
  return out;
}

ir::Model random_network(uint64_t seed, bool quantized) {
  Rng rng(seed);
  const auto pick = [&](int64_t n) { return rng.below(n); };
  ir::GraphBuilder builder({1 + pick(3), 8, 8});
  ir::ValueId x = builder.input();
  for (int64_t i = 0, n = 1 + pick(4); i < n; ++i) {
    const std::string name = "layer" + std::to_string(i);
    switch (pick(4)) {
      case 0:
        x = builder.conv_bn_relu(x, {.channels = 1 + pick(5), .pad = 1}, name);
        break;
      case 1:
        x = builder.relu(builder.conv(x, {.channels = 3, .kernel = 1, .bias = true}, name));
        break;
      case 2:
        x = builder.add(x, builder.relu(x), name);
        break;
      default:
        if (i == 0) x = builder.max_pool(x);
    }
  }
  x = builder.gemm(builder.flatten(x), 4, "head");
  ir::Model model = builder.finish(x, Json::object());
  ir::initialise(model, seed);
  if (!quantized) return model;
  for (const auto& entry : std::vector(model.parameters.entries())) {
    if (!entry.name.ends_with(".weight")) continue;
    model.parameters.set(entry.name, int8_weight(entry.tensor.dims(), seed));
  }
  ir::Graph& graph = model.main();
  for (size_t i = 0; i < graph.values().size(); ++i) {
    ir::Value& value = graph.value({static_cast<int32_t>(i)});
    if (!value.parameter.empty() || pick(3) == 0) continue;
    value.quant = ir::ActivationQuant{.scale = 0.01F + rng.uniform(0.0F, 0.05F),
                                      .zero_point = static_cast<int32_t>(pick(256))};
  }
  return model;
}

}  // namespace pare::tests
