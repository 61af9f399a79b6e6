// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/header.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>

#include "lib/core/error.hpp"

namespace pare::numpy {
namespace {

constexpr size_t kMaxRank = 32;
constexpr int64_t kMaxTextLength = 65536;

struct Literal {
  std::string descr;
  bool fortran_order = false;
  ir::Dims shape;
};

// Just enough of Python's literals for NumPy's header: a dict of strings, booleans and a tuple.
class LiteralParser {
 public:
  LiteralParser(std::string_view text, const std::string& subject)
      : text_(text), subject_(subject) {}

  Literal parse() {
    Literal out;
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

bool is_supported(Kind kind, int64_t size) {
  const bool up_to_8 = size == 1 || size == 2 || size == 4 || size == 8;
  switch (kind) {
    case Kind::kBool:
      return size == 1;
    case Kind::kSigned:
    case Kind::kUnsigned:
      return up_to_8;
    case Kind::kFloat:
      return up_to_8 && size > 1;
    case Kind::kUnicode:
    case Kind::kBytes:
      return size >= 1 && size <= kMaxTextLength;
  }
  return false;
}

}  // namespace

Header parse_header(std::string_view text, const std::string& subject) {
  Literal literal = LiteralParser(text, subject).parse();
  const std::string& descr = literal.descr;
  Header out{.fortran_order = literal.fortran_order, .shape = std::move(literal.shape)};
  if (descr.size() >= 3 && std::string_view("<>|=").find(descr[0]) != std::string_view::npos) {
    out.big_endian = descr[0] == '>';
    const auto kind = static_cast<Kind>(descr[1]);
    const char* const end = descr.data() + descr.size();
    int64_t size = 0;
    const auto parsed = std::from_chars(descr.data() + 2, end, size);
    if (parsed.ec == std::errc() && parsed.ptr == end && is_supported(kind, size)) {
      out.type = {kind, kind == Kind::kUnicode ? 4 * size : size};
      return out;
    }
  }
  throw Error(subject, "holds values of type '" + descr + "', expected numbers or text");
}

std::string print_header(ElementType type, const ir::Dims& shape) {
  std::string dims;
  for (size_t i = 0; i < shape.size(); ++i) {
    dims += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  if (shape.size() == 1) dims += ',';
  return "{'descr': '" + descr_of(type) + "', 'fortran_order': False, 'shape': (" + dims + "), }";
}

}  // namespace pare::numpy
