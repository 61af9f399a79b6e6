// SPDX-License-Identifier: Apache-2.0
#include "lib/data/npy.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstring>
#include <optional>
#include <string_view>

#include "lib/core/checked.hpp"

namespace pare::data {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr int64_t kMaxHeader = 1 << 20;
constexpr size_t kMaxRank = 32;

struct Header {
  std::string descr;
  bool fortran_order = false;
  ir::Dims shape;
};

// Just enough of Python's literals for NumPy's header: a dict of strings, booleans and a tuple.
class HeaderParser {
 public:
  HeaderParser(std::string_view text, const std::string& subject)
      : text_(text), subject_(subject) {}

  Header parse() {
    Header out;
    int seen = 0;
    expect('{');
    while (!accept('}')) {
      const std::string key = string();
      expect(':');
      if (key == "descr") {
        if (peek() == '[') throw Error(subject_, "holds structured values, expected plain numbers");
        out.descr = string(), seen |= 1;
      } else if (key == "fortran_order") {
        out.fortran_order = boolean(), seen |= 2;
      } else if (key == "shape") {
        out.shape = tuple(), seen |= 4;
      } else {
        fail();
      }
      if (!accept(',') && peek() != '}') fail();
    }
    if (seen != 7 || peek() != '\0') fail();
    return out;
  }

 private:
  [[noreturn]] void fail() const { throw Error(subject_, "has a malformed NPY header"); }
  char peek() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool accept(char c) {
    if (peek() != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail();
  }
  std::string string() {
    const char quote = peek();
    if (quote != '\'' && quote != '"') fail();
    const size_t end = text_.find(quote, ++at_);
    if (end == std::string_view::npos) fail();
    std::string out(text_.substr(at_, end - at_));
    at_ = end + 1;
    return out;
  }
  bool boolean() {
    peek();
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail();
  }
  ir::Dims tuple() {
    ir::Dims out;
    expect('(');
    while (!accept(')')) {
      int64_t dim = -1;
      peek();
      const auto parsed = std::from_chars(text_.data() + at_, text_.data() + text_.size(), dim);
      if (parsed.ec != std::errc() || dim < 0 || out.size() >= kMaxRank) fail();
      at_ = static_cast<size_t>(parsed.ptr - text_.data());
      out.push_back(dim);
      if (!accept(',') && peek() != ')') fail();
    }
    return out;
  }

  std::string_view text_;
  const std::string& subject_;
  size_t at_ = 0;
};

std::optional<hdf5::Element> element_of(std::string_view code) {
  using hdf5::Element;
  struct Row {
    std::string_view code;
    Element element;
  };
  static constexpr Row kRows[] = {
      {"b1", Element::kU8},  {"u1", Element::kU8},  {"i1", Element::kI8},  {"u2", Element::kU16},
      {"i2", Element::kI16}, {"u4", Element::kU32}, {"i4", Element::kI32}, {"u8", Element::kU64},
      {"i8", Element::kI64}, {"f2", Element::kF16}, {"f4", Element::kF32}, {"f8", Element::kF64}};
  for (const Row& row : kRows) {
    if (row.code == code) return row.element;
  }
  return std::nullopt;
}

std::vector<std::byte> byte_swapped(std::span<const std::byte> in, size_t width) {
  std::vector<std::byte> out(in.begin(), in.end());
  for (size_t at = 0; at < out.size(); at += width) {
    const auto begin = out.begin() + static_cast<std::ptrdiff_t>(at);
    std::reverse(begin, begin + static_cast<std::ptrdiff_t>(width));
  }
  return out;
}

// Column-major to row-major: walks the output in order with a multi-index.
std::vector<std::byte> to_row_major(std::span<const std::byte> in, const ir::Dims& dims,
                                    size_t width) {
  std::vector<std::byte> out(in.size());
  std::vector<size_t> strides(dims.size());
  size_t stride = width;
  for (size_t d = 0; d < dims.size(); ++d) {
    strides[d] = stride;
    stride *= static_cast<size_t>(dims[d]);
  }
  std::vector<int64_t> index(dims.size());
  size_t from = 0;
  for (size_t to = 0; to < out.size(); to += width) {
    std::memcpy(out.data() + to, in.data() + from, width);
    for (size_t d = dims.size(); d-- > 0;) {
      from += strides[d];
      if (++index[d] < dims[d]) break;
      from -= strides[d] * static_cast<size_t>(dims[d]);
      index[d] = 0;
    }
  }
  return out;
}

}  // namespace

bool is_npy(std::span<const std::byte> head) {
  return head.size() >= kMagic.size() &&
         std::memcmp(head.data(), kMagic.data(), kMagic.size()) == 0;
}

NamedArray parse_npy(std::span<const std::byte> file, const std::string& name,
                     const std::string& subject) {
  if (!is_npy(file)) throw Error(subject, "is not an NPY array");
  const auto byte = [&](size_t at) {
    if (at >= file.size()) throw Error(subject, "is truncated");
    return static_cast<int64_t>(file[at]);
  };
  const int64_t major = byte(6);
  if (major < 1 || major > 3) {
    throw Error(subject, "is NPY version " + std::to_string(major) + ", expected 1 to 3");
  }
  const size_t header_at = major == 1 ? 10 : 12;
  int64_t header_size = byte(8) | byte(9) << 8;
  if (major > 1) header_size |= byte(10) << 16 | byte(11) << 24;
  if (header_size > kMaxHeader || header_size > static_cast<int64_t>(file.size() - header_at)) {
    throw Error(subject, "is truncated in its NPY header");
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + header_at,
                              static_cast<size_t>(header_size));
  const Header header = HeaderParser(text, subject).parse();
  const std::string_view descr = header.descr;
  const auto element = element_of(descr.substr(std::min<size_t>(1, descr.size())));
  const char order = descr.empty() ? '\0' : descr[0];
  if (!element || std::string_view("<>|=").find(order) == std::string_view::npos) {
    throw Error(subject, "holds values of type '" + escaped(descr) + "', expected numbers");
  }
  NamedArray out{name, *element, header.shape, file.subspan(header_at + text.size()), {}};
  const auto width = static_cast<size_t>(hdf5::info(*element).bytes);
  const int64_t declared =
      checked_mul(checked_product(out.dims, subject), static_cast<int64_t>(width), subject);
  if (declared != static_cast<int64_t>(out.bytes.size())) {
    throw Error(subject, "declares " + std::to_string(declared) + " bytes of values, has " +
                             std::to_string(out.bytes.size()));
  }
  const auto own = [&out](std::vector<std::byte> values) {
    const auto copy = std::make_shared<const std::vector<std::byte>>(std::move(values));
    out.bytes = *copy;
    out.owner = copy;
  };
  if (order == '>' && width > 1) own(byte_swapped(out.bytes, width));
  if (header.fortran_order && out.dims.size() > 1) own(to_row_major(out.bytes, out.dims, width));
  return out;
}

}  // namespace pare::data
