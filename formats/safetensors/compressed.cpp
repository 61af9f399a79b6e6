// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/compressed.hpp"

#include <algorithm>
#include <cstring>
#include <functional>
#include <set>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::safetensors {

namespace {

using ir::DType;
using ir::Part;
using ir::QuantScheme;
using ir::Tensor;

constexpr int kPackBits = 32;

int bits_of(const QuantScheme& scheme) { return ir::info(scheme.code).bits; }

// What is added to our codes to get the signed ones of compressed-tensors: u8 and u4 begin at 0.
int32_t to_signed(const QuantScheme& scheme) {
  return ir::info(scheme.code).is_signed ? 0 : -(1 << (bits_of(scheme) - 1));
}

int64_t packed_length(int64_t length, int bits) {
  const int64_t factor = kPackBits / bits;
  return length / factor + (length % factor != 0 ? 1 : 0);
}

// Rows of signed codes, each packed into whole words from the low bits.
std::vector<int32_t> packed_rows(const std::vector<int32_t>& codes, int64_t rows, int bits) {
  const int64_t columns = rows > 0 ? static_cast<int64_t>(codes.size()) / rows : 0;
  const int64_t words = packed_length(columns, bits);
  const int factor = kPackBits / bits;
  std::vector<uint32_t> out(static_cast<size_t>(rows * words));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const auto code =
          static_cast<uint32_t>(codes[static_cast<size_t>(r * columns + c)] + (1 << (bits - 1)));
      out[static_cast<size_t>(r * words + c / factor)] |= code << (c % factor * bits);
    }
  }
  return {out.begin(), out.end()};
}

std::vector<int32_t> unpacked_rows(std::span<const std::byte> packed, int64_t rows, int64_t columns,
                                   int bits) {
  const int64_t words = packed_length(columns, bits);
  const int factor = kPackBits / bits;
  const uint32_t mask = (1U << bits) - 1;
  std::vector<int32_t> out(static_cast<size_t>(rows * columns));
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      uint32_t word = 0;
      std::memcpy(&word, packed.data() + (r * words + c / factor) * 4, sizeof word);
      const auto code = static_cast<int32_t>(word >> (c % factor * bits) & mask);
      out[static_cast<size_t>(r * columns + c)] = code - (1 << (bits - 1));
    }
  }
  return out;
}

std::vector<int32_t> transposed(const std::vector<int32_t>& values, int64_t rows) {
  const int64_t columns = rows > 0 ? static_cast<int64_t>(values.size()) / rows : 0;
  std::vector<int32_t> out(values.size());
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      out[static_cast<size_t>(c * rows + r)] = values[static_cast<size_t>(r * columns + c)];
    }
  }
  return out;
}

Tensor bytes_tensor(ir::Dims dims, const std::vector<int32_t>& values) {
  const std::vector<int8_t> bytes(values.begin(), values.end());
  return Tensor::of(DType::kI8, std::move(dims), std::span<const int8_t>(bytes));
}

Tensor words_tensor(ir::Dims dims, const std::vector<int32_t>& values) {
  return Tensor::of(DType::kI32, std::move(dims), std::span<const int32_t>(values));
}

// Unsigned codes become signed ones around a zero point, also where ours was 0 without saying so.
bool needs_zero_points(const QuantScheme& scheme) {
  return !scheme.symmetric || !ir::info(scheme.code).is_signed;
}

// Zero points may be any i32; stored ones are codes themselves.
bool zero_points_are_codes(const Tensor& tensor) {
  const Tensor* zeros = tensor.part(Part::kZeroPoints);
  if (!zeros) return true;
  const DType code = tensor.scheme()->code;
  return std::ranges::all_of(ir::to_i64(*zeros), [&](int64_t zero) {
    return zero >= ir::min_code(code) && zero <= ir::max_code(code);
  });
}

// What a config group names: the module of a weight, else the tensor itself.
std::string target_of(const std::string& name) {
  constexpr std::string_view kWeight = ".weight";
  return name.ends_with(kWeight) ? name.substr(0, name.size() - kWeight.size()) : name;
}

ir::Dims scale_dims(const ir::Dims& dims, const QuantScheme& scheme) {
  if (scheme.axis < 0 && scheme.group_size == 0) return {1};
  if (scheme.group_size > 0) {
    const ir::GroupGeometry g = ir::groups_of(dims, scheme);
    return {g.rows, g.groups_per_row};
  }
  ir::Dims out(dims.size(), 1);
  out[static_cast<size_t>(scheme.axis)] = dims[static_cast<size_t>(scheme.axis)];
  return out;
}

std::vector<int32_t> shifted(std::vector<int32_t> values, int32_t by) {
  for (int32_t& value : values) value += by;
  return values;
}

std::string strategy_of(const QuantScheme& scheme) {
  if (scheme.group_size > 0) return "group";
  return scheme.axis < 0 ? "tensor" : "channel";
}

}  // namespace

bool can_compress(const Tensor& tensor) {
  const QuantScheme* scheme = tensor.scheme();
  if (!scheme || scheme->codebook || scheme->super_group != 0 || bits_of(*scheme) > 8) return false;
  if (scheme->group_size > 0 && scheme->axis != 0) return false;
  return tensor.count() > 0 && !tensor.dims().empty() && zero_points_are_codes(tensor);
}

namespace {

Tensor deferred(DType dtype, ir::Dims dims, std::function<ir::Bytes()> make) {
  const int64_t bytes = ir::byte_size(dtype, dims);
  return Tensor(dtype, std::move(dims), ir::Buffer::deferred(bytes, std::move(make)));
}

// The sign bits of all 4-bit or 8-bit codes: flipped, signed ones become those plus half their
// range, and the other way round.
constexpr uint64_t kSigns4 = 0x8888888888888888, kSigns8 = 0x8080808080808080;

// The tensor's bytes with those bits flipped, a word at a time.
ir::Bytes flipped(const Tensor& codes, uint64_t bits) {
  const ir::BufferView view = codes.view();
  ir::Bytes out(view.bytes().begin(), view.bytes().end());
  for (size_t i = 0; i < out.size(); i += sizeof bits) {
    uint64_t word = 0;
    const size_t n = std::min(sizeof word, out.size() - i);
    std::memcpy(&word, out.data() + i, n);
    word ^= bits;
    std::memcpy(out.data() + i, &word, n);
  }
  return out;
}

// Our nibbles lie as in packed words when rows fill whole words.
bool fills_words(int64_t columns, int bits) {
  return bits == 4 && columns % (kPackBits / bits) == 0;
}

Tensor packed_codes(const Tensor& tensor, int64_t rows, int64_t columns, int bits) {
  const ir::Dims dims{rows, packed_length(columns, bits)};
  const Tensor& codes = *tensor.part(Part::kCodes);
  if (!tensor.is_sparse() && fills_words(columns, bits)) {
    const uint64_t flip = codes.dtype() == DType::kU4 ? 0 : kSigns4;
    return deferred(DType::kI32, dims, [codes, flip] { return flipped(codes, flip); });
  }
  return deferred(DType::kI32, dims, [tensor, rows, bits] {
    const auto words =
        packed_rows(shifted(ir::to_codes(tensor), to_signed(*tensor.scheme())), rows, bits);
    const auto bytes = std::as_bytes(std::span(words));
    return ir::Bytes(bytes.begin(), bytes.end());
  });
}

Tensor byte_codes(const Tensor& tensor) {
  const Tensor& codes = *tensor.part(Part::kCodes);
  if (!tensor.is_sparse() && codes.dtype() == DType::kI8) return codes;
  return deferred(DType::kI8, tensor.dims(), [tensor] {
    const auto codes_now = shifted(ir::to_codes(tensor), to_signed(*tensor.scheme()));
    ir::Bytes out(codes_now.size());
    for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(codes_now[i]);
    return out;
  });
}

}  // namespace

std::vector<NamedTensor> compress(const std::string& name, const Tensor& tensor) {
  const QuantScheme& scheme = *tensor.scheme();
  const int bits = bits_of(scheme);
  const ir::Dims& dims = tensor.dims();
  const int64_t rows = dims.empty() ? 1 : dims[0];
  const int64_t columns = rows > 0 ? tensor.count() / rows : 0;
  std::vector<NamedTensor> out;
  const bool packed = bits < 8;
  if (packed) {
    out.emplace_back(name + "_packed", packed_codes(tensor, rows, columns, bits));
    out.emplace_back(name + "_shape",
                     Tensor::i64({static_cast<int64_t>(dims.size())}, std::span(dims)));
  } else {
    out.emplace_back(name, byte_codes(tensor));
  }
  const Tensor& scales = *tensor.part(Part::kScales);
  const ir::Dims shape = scale_dims(dims, scheme);
  out.emplace_back(name + "_scale", Tensor(scales.dtype(), shape, scales.buffer()));
  if (!needs_zero_points(scheme)) return out;
  std::vector<int64_t> wide(static_cast<size_t>(scales.count()));
  if (!scheme.symmetric) wide = ir::to_i64(*tensor.part(Part::kZeroPoints));
  const std::vector<int32_t> zeros =
      shifted(std::vector<int32_t>(wide.begin(), wide.end()), to_signed(scheme));
  if (!packed) {
    out.emplace_back(name + "_zero_point", bytes_tensor(shape, zeros));
    return out;
  }
  // Packed along the rows: as the columns of the transpose.
  const int64_t groups = shape.size() > 1 ? ir::element_count(shape) / shape[0] : 1;
  const std::vector<int32_t> words = packed_rows(transposed(zeros, shape[0]), groups, bits);
  out.emplace_back(name + "_zero_point", words_tensor({packed_length(shape[0], bits), groups},
                                                      transposed(words, groups)));
  return out;
}

Json quantization_config(const ir::Model& model) {
  // One config group for each kind of scheme, targets named one by one.
  std::vector<std::pair<Json, Json>> kinds;
  bool packed = false, plain = false;
  for (const auto& [name, tensor] : model.parameters.entries()) {
    if (!can_compress(tensor)) continue;
    const QuantScheme& scheme = *tensor.scheme();
    (bits_of(scheme) < 8 ? packed : plain) = true;
    Json weights = {{"num_bits", bits_of(scheme)},
                    {"type", "int"},
                    {"symmetric", !needs_zero_points(scheme)},
                    {"strategy", strategy_of(scheme)}};
    if (scheme.group_size > 0) weights["group_size"] = scheme.group_size;
    const auto kind = std::ranges::find(kinds, weights, [](const auto& k) { return k.first; });
    if (kind == kinds.end()) {
      kinds.emplace_back(std::move(weights), Json::array({target_of(name)}));
    } else {
      kind->second.push_back(target_of(name));
    }
  }
  if (kinds.empty()) return nullptr;
  Json groups = Json::object();
  for (size_t i = 0; i < kinds.size(); ++i) {
    groups["group_" + std::to_string(i)] = {{"targets", kinds[i].second},
                                            {"weights", kinds[i].first},
                                            {"input_activations", nullptr},
                                            {"output_activations", nullptr}};
  }
  const char* format = !packed ? "int-quantized" : plain ? "mixed-precision" : "pack-quantized";
  return {{"quant_method", "compressed-tensors"},
          {"format", format},
          {"quantization_status", "compressed"},
          {"config_groups", groups},
          {"ignore", Json::array()}};
}

namespace {

class Decompressor {
 public:
  Decompressor(const std::vector<NamedTensor>& tensors, const Json& config, const std::string& path)
      : tensors_(tensors), path_(path) {
    for (const auto& [name, tensor] : tensors) by_name_.emplace(name, &tensor);
    read_group_sizes(config);
  }

  ir::ParameterTable run() {
    ir::ParameterTable out;
    std::set<std::string> used;
    for (const auto& [name, tensor] : tensors_) {
      const bool packed = name.ends_with("_packed");
      const std::string base = packed ? name.substr(0, name.size() - 7) : name;
      const bool codes = packed ? tensor.dtype() == DType::kI32 : tensor.dtype() == DType::kI8;
      if (!codes || !find(base + "_scale") || (packed && !find(base + "_shape"))) continue;
      quantized_.emplace(name, base);
      for (const char* part : {"_scale", "_zero_point", "_shape"}) used.insert(base + part);
    }
    for (const auto& [name, tensor] : tensors_) {
      const auto codes = quantized_.find(name);
      const std::string& known = codes != quantized_.end() ? codes->second : name;
      if (out.contains(known)) fail(known, "is stored twice");
      if (codes != quantized_.end()) {
        out.set(codes->second, name == codes->second ? from_bytes(name, tensor)
                                                     : from_packed(codes->second, tensor));
      } else if (!used.contains(name)) {
        out.set(name, tensor);
      }
    }
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& name, const std::string& fact) const {
    throw Error(path_, "quantized tensor " + escaped(name) + ": " + fact);
  }

  const Tensor* find(const std::string& name) const {
    const auto it = by_name_.find(name);
    return it == by_name_.end() ? nullptr : it->second;
  }

  void read_group_sizes(const Json& config) {
    if (!config.is_object() || !config.contains("config_groups")) return;
    for (const Json& group : config["config_groups"]) {
      if (!group.is_object() || !group.contains("weights") || !group["weights"].is_object())
        continue;
      const Json& weights = group["weights"];
      if (!weights.contains("group_size") || !weights["group_size"].is_number_integer()) continue;
      const auto size = weights["group_size"].get<int64_t>();
      if (size <= 0) continue;
      group_sizes_.insert(size);
      if (!group.contains("targets") || !group["targets"].is_array()) continue;
      for (const Json& target : group["targets"]) {
        if (target.is_string()) size_of_target_[target.get<std::string>()] = size;
      }
    }
  }

  // The sizes of groups that a tensor may have: what is stated for it, or (for targets that are
  // classes of modules) for any.
  std::set<int64_t> stated_sizes(const std::string& name) const {
    const auto stated = size_of_target_.find(target_of(name));
    if (stated != size_of_target_.end()) return {stated->second};
    return group_sizes_;
  }

  // Axis and group size, as far as the dims of the scales tell them.
  void set_granularity(const std::string& name, const ir::Dims& dims, const ir::Dims& scale,
                       QuantScheme& scheme) const {
    const int64_t count = ir::element_count(scale, path_);
    if (count == 1 && scale.size() <= 1) return;
    for (size_t axis = 0; axis < dims.size() && scale.size() == dims.size(); ++axis) {
      if (scale[axis] == dims[axis] && count == dims[axis]) {
        scheme.axis = static_cast<int>(axis);
        return;
      }
    }
    scheme.axis = 0;
    if (dims.empty() || dims[0] == 0) fail(name, "its scales do not fit its shape");
    if (scale.size() == 1 && count == dims[0]) return;
    if (scale.size() != 2 || scale[0] != dims[0] || scale[1] == 0) {
      fail(name, "its scales do not fit its shape");
    }
    const int64_t columns = ir::element_count(dims, path_) / dims[0];
    const auto groups_with = [&](int64_t size) { return (columns + size - 1) / size; };
    for (const int64_t size : stated_sizes(name)) {
      if (size <= columns && groups_with(size) == scale[1]) scheme.group_size = size;
    }
    if (scheme.group_size == 0 && columns % scale[1] == 0) scheme.group_size = columns / scale[1];
    if (scheme.group_size == 0) fail(name, "the size of its groups is not stated");
  }

  Tensor assembled(const std::string& name, const ir::Dims& dims, QuantScheme scheme, Tensor codes,
                   const std::vector<int32_t>* zero_points) const {
    const Tensor& scale = *find(name + "_scale");
    scheme.scale = scale.dtype();
    const auto one_dimension = [](int64_t count) { return ir::Dims{count}; };
    Tensor::Parts parts;
    parts.set(Part::kCodes, std::move(codes));
    parts.set(Part::kScales, Tensor(scale.dtype(), one_dimension(scale.count()), scale.buffer()));
    if (zero_points) {
      parts.set(
          Part::kZeroPoints,
          words_tensor(one_dimension(static_cast<int64_t>(zero_points->size())), *zero_points));
    }
    try {
      return Tensor::composite(dims, scheme, {}, std::move(parts));
    } catch (const Error& error) {
      fail(name, error.fact());
    }
  }

  Tensor from_bytes(const std::string& name, const Tensor& codes) const {
    QuantScheme scheme{.code = DType::kI8};
    set_granularity(name, codes.dims(), find(name + "_scale")->dims(), scheme);
    const Tensor* zero = find(name + "_zero_point");
    if (!zero) return assembled(name, codes.dims(), scheme, codes, nullptr);
    if (zero->dtype() != DType::kI8) fail(name, "its zero points are not of I8");
    scheme.symmetric = false;
    scheme.code = DType::kU8;
    const std::vector<int64_t> wide = ir::to_i64(*zero, path_);
    std::vector<int32_t> zeros;
    for (const int64_t z : wide) zeros.push_back(static_cast<int32_t>(z) + 128);
    return assembled(
        name, codes.dims(), scheme,
        deferred(DType::kU8, codes.dims(), [codes] { return flipped(codes, kSigns8); }), &zeros);
  }

  Tensor from_packed(const std::string& name, const Tensor& packed) const {
    const ir::Dims dims = ir::to_i64(*find(name + "_shape"), path_);
    const int64_t count = ir::element_count(dims, path_);
    if (dims.empty() || count == 0 || packed.dims().size() != 2 || packed.dims()[0] != dims[0]) {
      fail(name, "its shape does not fit its codes");
    }
    const int64_t rows = dims[0], columns = count / rows;
    // 8-bit weights may be packed too.
    const int bits = packed.dims()[1] == packed_length(columns, 4)   ? 4
                     : packed.dims()[1] == packed_length(columns, 8) ? 8
                                                                     : 0;
    if (bits == 0) fail(name, "only 4 and 8 bits are read");
    QuantScheme scheme{.code = bits == 4 ? DType::kI4 : DType::kI8};
    const ir::Dims& scale = find(name + "_scale")->dims();
    set_granularity(name, dims, scale, scheme);
    const Tensor* zero = find(name + "_zero_point");
    if (!zero)
      return assembled(name, dims, scheme, code_tensor(scheme.code, dims, packed), nullptr);
    const std::vector<int32_t> zeros =
        shifted(zero_points(name, *zero, scale, bits), 1 << (bits - 1));
    scheme.symmetric = false;
    scheme.code = bits == 4 ? DType::kU4 : DType::kU8;
    return assembled(name, dims, scheme, code_tensor(scheme.code, dims, packed), &zeros);
  }

  // Codes of packed rows, unpacked when they are asked for.
  static Tensor code_tensor(DType dtype, const ir::Dims& dims, const Tensor& packed) {
    const int64_t rows = dims[0], columns = ir::element_count(dims) / rows;
    const ir::DTypeInfo& row = ir::info(dtype);
    if (fills_words(columns, row.bits)) {
      const uint64_t flip = row.is_signed ? kSigns4 : 0;
      return deferred(dtype, dims, [packed, flip] { return flipped(packed, flip); });
    }
    const int32_t offset = row.is_signed ? 0 : 1 << (row.bits - 1);
    return deferred(dtype, dims, [packed, rows, columns, bits = row.bits, offset] {
      const ir::BufferView view = packed.view();
      const auto codes = shifted(unpacked_rows(view.bytes(), rows, columns, bits), offset);
      if (bits == 4) return ir::pack_nibbles(codes);
      ir::Bytes out(codes.size());
      for (size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(codes[i]);
      return out;
    });
  }

  std::vector<int32_t> zero_points(const std::string& name, const Tensor& zero,
                                   const ir::Dims& scale, int bits) const {
    const int64_t rows = scale.empty() ? 1 : scale[0];
    const int64_t groups = rows > 0 ? ir::element_count(scale, path_) / rows : 0;
    if (zero.dtype() != DType::kI32 || zero.count() != packed_length(rows, bits) * groups) {
      fail(name, "its zero points do not fit its scales");
    }
    const std::vector<int64_t> wide = ir::to_i64(zero, path_);
    const std::vector<int32_t> words =
        transposed(std::vector<int32_t>(wide.begin(), wide.end()), packed_length(rows, bits));
    return transposed(unpacked_rows(std::as_bytes(std::span(words)), groups, rows, bits), groups);
  }

  const std::vector<NamedTensor>& tensors_;
  const std::string& path_;
  std::map<std::string, const Tensor*> by_name_;
  std::map<std::string, std::string> quantized_;  // tensor of codes -> the weight's name
  std::set<int64_t> group_sizes_;
  std::map<std::string, int64_t> size_of_target_;
};

}  // namespace

ir::ParameterTable decompress(const std::vector<NamedTensor>& tensors, const Json& config,
                              const std::string& path) {
  return Decompressor(tensors, config, path).run();
}

}  // namespace pare::formats::safetensors
