// SPDX-License-Identifier: Apache-2.0
// One array: header text and typed values.
#include <algorithm>
#include <bit>
#include <charconv>
#include <cstring>
#include <limits>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/eval/npz.hpp"
#include "lib/ir/tensor.hpp"

namespace pare::eval {
namespace {

static_assert(std::endian::native == std::endian::little, "arrays are copied as they are stored");

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kAlignment = 64;

struct ElementType {
  char kind = 0;     // f i u U S
  int64_t size = 0;  // bytes
};

ElementType parse_descr(std::string_view descr, std::string_view subject) {
  if (descr.size() >= 3 && (descr[0] == '<' || descr[0] == '|')) {
    ElementType type{descr[1], 0};
    const auto [end, error] =
        std::from_chars(descr.data() + 2, descr.data() + descr.size(), type.size);
    const bool numeric =
        (type.kind == 'f' && (type.size == 2 || type.size == 4 || type.size == 8)) ||
        ((type.kind == 'i' || type.kind == 'u') &&
         (type.size == 1 || type.size == 2 || type.size == 4 || type.size == 8));
    const bool text =
        (type.kind == 'U' || type.kind == 'S') && type.size >= 1 && type.size <= 65536;
    if (error == std::errc() && end == descr.data() + descr.size() && (numeric || text)) {
      if (type.kind == 'U') type.size *= 4;
      return type;
    }
  }
  throw Error(subject, "array of type \"" + std::string(descr) + "\" cannot be read");
}

// The value of `key` in the header's dictionary: the text after "'key':".
std::string_view header_value(std::string_view header, std::string_view key,
                              std::string_view subject) {
  const std::string quoted = "'" + std::string(key) + "':";
  const size_t at = header.find(quoted);
  if (at == std::string_view::npos) {
    throw Error(subject, "NPY header lacks " + std::string(key));
  }
  std::string_view value = header.substr(at + quoted.size());
  while (!value.empty() && value.front() == ' ') value.remove_prefix(1);
  return value;
}

ir::Dims parse_shape(std::string_view value, std::string_view subject) {
  const size_t close = value.find(')');
  if (value.empty() || value.front() != '(' || close == std::string_view::npos) {
    throw Error(subject, "NPY header holds no shape");
  }
  ir::Dims dims;
  const char* at = value.data() + 1;
  const char* const end = value.data() + close;
  while (at < end) {
    if (*at == ' ' || *at == ',') {
      ++at;
      continue;
    }
    int64_t dim = 0;
    const auto [next, error] = std::from_chars(at, end, dim);
    if (error != std::errc() || dim < 0 || dims.size() == 32) {
      throw Error(subject, "NPY header holds a malformed shape");
    }
    dims.push_back(dim);
    at = next;
  }
  return dims;
}

template <class T>
T load(const std::byte* at) {
  T value;
  std::memcpy(&value, at, sizeof value);
  return value;
}

double number_at(const std::byte* at, ElementType type) {
  if (type.kind == 'f') {
    if (type.size == 2) return ir::f16_to_f32(load<uint16_t>(at));
    return type.size == 4 ? static_cast<double>(load<float>(at)) : load<double>(at);
  }
  const bool is_signed = type.kind == 'i';
  switch (type.size) {
    case 1:
      return is_signed ? load<int8_t>(at) : load<uint8_t>(at);
    case 2:
      return is_signed ? load<int16_t>(at) : load<uint16_t>(at);
    case 4:
      return is_signed ? load<int32_t>(at) : load<uint32_t>(at);
    default:
      return is_signed ? static_cast<double>(load<int64_t>(at))
                       : static_cast<double>(load<uint64_t>(at));
  }
}

void append_utf8(std::string& text, uint32_t point) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put(0x80 | (point & 63));
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put(0x80 | ((point >> 6) & 63));
    put(0x80 | (point & 63));
  } else {
    put(0xF0 | ((point >> 18) & 7));
    put(0x80 | ((point >> 12) & 63));
    put(0x80 | ((point >> 6) & 63));
    put(0x80 | (point & 63));
  }
}

// Code points of UTF-8 text; a byte that is not UTF-8 becomes U+FFFD.
std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> points;
  for (size_t i = 0; i < text.size();) {
    const auto lead = static_cast<unsigned char>(text[i]);
    const size_t more = lead < 0x80    ? 0
                        : lead >= 0xF0 ? 3
                        : lead >= 0xE0 ? 2
                        : lead >= 0xC2 ? 1
                                       : 9;
    if (more == 9 || i + more >= text.size()) {
      points.push_back(0xFFFD);
      ++i;
      continue;
    }
    uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
    for (size_t k = 1; k <= more; ++k) {
      point = (point << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3FU);
    }
    points.push_back(point > 0x10FFFF ? 0xFFFD : point);
    i += more + 1;
  }
  return points;
}

NpyArray texts_with_dims(ir::Dims dims, std::span<const std::string> texts) {
  std::vector<std::vector<uint32_t>> all;
  size_t longest = 1;
  for (const std::string& text : texts) {
    all.push_back(code_points(text));
    longest = std::max(longest, all.back().size());
  }
  NpyArray array{"<U" + std::to_string(longest), std::move(dims), {}};
  array.data.resize(texts.size() * longest * 4);
  for (size_t i = 0; i < all.size(); ++i) {
    std::memcpy(array.data.data() + i * longest * 4, all[i].data(), all[i].size() * 4);
  }
  return array;
}

template <class T>
NpyArray values_with_dims(const char* descr, ir::Dims dims, std::span<const T> values) {
  require(ir::element_count(dims) == static_cast<int64_t>(values.size()), "array dims fit values");
  const auto raw = std::as_bytes(values);
  return {descr, std::move(dims), ir::Bytes(raw.begin(), raw.end())};
}

}  // namespace

NpyArray NpyArray::of_f32(ir::Dims dims, std::span<const float> values) {
  return values_with_dims("<f4", std::move(dims), values);
}

NpyArray NpyArray::of_i64(ir::Dims dims, std::span<const int64_t> values) {
  return values_with_dims("<i8", std::move(dims), values);
}

NpyArray NpyArray::of_texts(std::span<const std::string> texts) {
  return texts_with_dims({static_cast<int64_t>(texts.size())}, texts);
}

NpyArray NpyArray::of_text(const std::string& text) { return texts_with_dims({}, {&text, 1}); }

std::vector<float> to_f32(const NpyArray& array, std::string_view subject) {
  const ElementType type = parse_descr(array.descr, subject);
  if (type.kind == 'U' || type.kind == 'S') throw Error(subject, "expected numbers, found text");
  std::vector<float> values(static_cast<size_t>(ir::element_count(array.dims)));
  for (size_t i = 0; i < values.size(); ++i) {
    values[i] =
        static_cast<float>(number_at(array.data.data() + i * static_cast<size_t>(type.size), type));
  }
  return values;
}

std::vector<int64_t> to_i64(const NpyArray& array, std::string_view subject) {
  const ElementType type = parse_descr(array.descr, subject);
  if (type.kind != 'i' && type.kind != 'u') {
    throw Error(subject, "expected integers, found \"" + array.descr + "\"");
  }
  // Class indices and counts: what a double holds exactly is plenty.
  std::vector<int64_t> values(static_cast<size_t>(ir::element_count(array.dims)));
  for (size_t i = 0; i < values.size(); ++i) {
    const double value = number_at(array.data.data() + i * static_cast<size_t>(type.size), type);
    if (value < -0x1p53 || value > 0x1p53) throw Error(subject, "integer out of range");
    values[i] = static_cast<int64_t>(value);
  }
  return values;
}

std::vector<std::string> to_texts(const NpyArray& array, std::string_view subject) {
  const ElementType type = parse_descr(array.descr, subject);
  if (type.kind != 'U' && type.kind != 'S') throw Error(subject, "expected text, found numbers");
  std::vector<std::string> texts(static_cast<size_t>(ir::element_count(array.dims)));
  const auto size = static_cast<size_t>(type.size);
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::byte* at = array.data.data() + i * size;
    const size_t step = type.kind == 'U' ? 4 : 1;
    for (size_t k = 0; k < size; k += step) {
      const uint32_t point = step == 4 ? load<uint32_t>(at + k) : static_cast<uint32_t>(at[k]);
      if (point == 0) break;
      if (step == 1) {
        texts[i] += static_cast<char>(point);
      } else {
        append_utf8(texts[i], point > 0x10FFFF ? 0xFFFD : point);
      }
    }
  }
  return texts;
}

std::string npy_bytes(const NpyArray& array) {
  std::string shape = "(";
  for (size_t i = 0; i < array.dims.size(); ++i) {
    shape += (i == 0 ? "" : ", ") + std::to_string(array.dims[i]);
  }
  shape += array.dims.size() == 1 ? ",)" : ")";
  std::string header =
      "{'descr': '" + array.descr + "', 'fortran_order': False, 'shape': " + shape + ", }";
  const size_t before = kMagic.size() + 4;
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  require(header.size() <= std::numeric_limits<uint16_t>::max(), "NPY header fits version 1");
  std::string bytes(kMagic);
  bytes += '\x01';
  bytes += '\0';
  bytes += static_cast<char>(header.size() & 255);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(array.data.data()), array.data.size());
  return bytes;
}

NpyArray parse_npy(std::span<const std::byte> bytes, std::string_view subject) {
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  if (text.size() < 12 || text.substr(0, kMagic.size()) != kMagic) {
    throw Error(subject, "not an NPY array");
  }
  const int version = text[6];
  if (version < 1 || version > 3) throw Error(subject, "unknown NPY version");
  const size_t start = version == 1 ? 10 : 12;
  const size_t length =
      version == 1 ? load<uint16_t>(bytes.data() + 8) : load<uint32_t>(bytes.data() + 8);
  if (length > text.size() - start) throw Error(subject, "NPY header ends past the array");
  const std::string_view header = text.substr(start, length);
  const std::string_view quoted = header_value(header, "descr", subject);
  const size_t close = quoted.find('\'', 1);
  if (quoted.empty() || quoted.front() != '\'' || close == std::string_view::npos) {
    throw Error(subject, "structured arrays cannot be read");
  }
  NpyArray array;
  array.descr = quoted.substr(1, close - 1);
  array.dims = parse_shape(header_value(header, "shape", subject), subject);
  const bool fortran = header_value(header, "fortran_order", subject).substr(0, 4) == "True";
  if (fortran && array.dims.size() > 1) throw Error(subject, "column-major arrays cannot be read");
  const int64_t size = checked_mul(ir::element_count(array.dims, subject),
                                   parse_descr(array.descr, subject).size, subject);
  const auto data = bytes.subspan(start + length);
  if (static_cast<int64_t>(data.size()) != size) {
    throw Error(subject, "array needs " + std::to_string(size) + " bytes, the file holds " +
                             std::to_string(data.size()));
  }
  array.data.assign(data.begin(), data.end());
  return array;
}

}  // namespace pare::eval
