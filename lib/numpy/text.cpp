// SPDX-License-Identifier: Apache-2.0
// Arrays of text: UTF-8 here, UCS-4 in NumPy.
#include <algorithm>
#include <cstring>

#include "lib/core/error.hpp"
#include "lib/numpy/array.hpp"

namespace pare::numpy {
namespace {

constexpr uint32_t kReplacement = 0xFFFD;

// The smallest code point that needs so many bytes more: shorter ones may not be written longer.
constexpr uint32_t kSmallest[] = {0, 0x80, 0x800, 0x10000};

bool is_scalar_value(uint32_t point) {
  return point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
}

void append_utf8(std::string& text, uint32_t point) {
  const auto put = [&](uint32_t byte) { text += static_cast<char>(byte); };
  const auto put_rest = [&](int shift) {
    for (; shift >= 0; shift -= 6) put(0x80 | ((point >> shift) & 63));
  };
  if (!is_scalar_value(point)) point = kReplacement;
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xC0 | (point >> 6));
    put_rest(0);
  } else if (point < 0x10000) {
    put(0xE0 | (point >> 12));
    put_rest(6);
  } else {
    put(0xF0 | (point >> 18));
    put_rest(12);
  }
}

// A byte that is not part of UTF-8 becomes U+FFFD.
std::vector<uint32_t> code_points(std::string_view text) {
  std::vector<uint32_t> points;
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const unsigned char lead = byte(i);
    const size_t more = lead < 0xC2 || lead > 0xF4 ? 0 : lead < 0xE0 ? 1 : lead < 0xF0 ? 2 : 3;
    uint32_t point = more == 0 ? lead : lead & (0x3FU >> more);
    size_t read = 1;
    while (read <= more && i + read < text.size() && (byte(i + read) & 0xC0) == 0x80) {
      point = (point << 6) | (byte(i + read++) & 0x3FU);
    }
    const bool whole = more == 0
                           ? lead < 0x80
                           : read == more + 1 && point >= kSmallest[more] && is_scalar_value(point);
    points.push_back(whole ? point : kReplacement);
    i += whole ? read : 1;
  }
  return points;
}

Array texts_with_dims(ir::Dims dims, std::span<const std::string> texts) {
  std::vector<std::vector<uint32_t>> all;
  size_t longest = 1;
  for (const std::string& text : texts) {
    all.push_back(code_points(text));
    longest = std::max(longest, all.back().size());
  }
  const auto points = std::make_shared<std::vector<uint32_t>>(texts.size() * longest);
  for (size_t i = 0; i < all.size(); ++i) {
    std::copy(all[i].begin(), all[i].end(),
              points->begin() + static_cast<std::ptrdiff_t>(i * longest));
  }
  const ElementType type{Kind::kUnicode, static_cast<int64_t>(longest) * 4};
  return {type, std::move(dims), std::as_bytes(std::span(*points)), points};
}

}  // namespace

Array array_of_texts(std::span<const std::string> texts) {
  return texts_with_dims({static_cast<int64_t>(texts.size())}, texts);
}

Array array_of_text(const std::string& text) { return texts_with_dims({}, {&text, 1}); }

std::vector<std::string> to_texts(const Array& array, std::string_view subject) {
  if (!array.type.is_text()) throw Error(subject, "expected text, found numbers");
  const auto width = static_cast<size_t>(array.type.bytes);
  std::vector<std::string> texts(array.bytes.size() / width);
  for (size_t i = 0; i < texts.size(); ++i) {
    const auto field = array.bytes.subspan(i * width, width);
    if (array.type.kind == Kind::kBytes) {
      const auto end = std::find(field.begin(), field.end(), std::byte{0});
      texts[i].assign(reinterpret_cast<const char*>(field.data()),
                      static_cast<size_t>(end - field.begin()));
      continue;
    }
    for (size_t at = 0; at < width; at += 4) {
      uint32_t point;
      std::memcpy(&point, field.data() + at, sizeof point);
      if (point == 0) break;
      append_utf8(texts[i], point);
    }
  }
  return texts;
}

}  // namespace pare::numpy
