// SPDX-License-Identifier: Apache-2.0
#include "apps/pare-infer/npy.hpp"

#include <cctype>
#include <cstring>
#include <string_view>

#include "lib/core/checked.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"

namespace pare::infer {

namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

// The Python dict literal in the header, of which only three keys with simple values are allowed.
class Header {
 public:
  Header(std::string_view text, const std::string& path) : text_(text), path_(path) {}

  std::string_view quoted(std::string_view key) const {
    const std::string_view rest = after(key);
    if (rest.empty() || rest.front() != '\'') fail();
    const size_t end = rest.find('\'', 1);
    if (end == std::string_view::npos) fail();
    return rest.substr(1, end - 1);
  }
  bool flag(std::string_view key) const {
    const std::string_view rest = after(key);
    if (rest.starts_with("True")) return true;
    if (rest.starts_with("False")) return false;
    fail();
  }
  ir::Dims tuple(std::string_view key) const {
    std::string_view rest = after(key);
    if (rest.empty() || rest.front() != '(') fail();
    ir::Dims dims;
    for (size_t i = 1; i < rest.size() && rest[i] != ')';) {
      if (std::isdigit(static_cast<unsigned char>(rest[i])) == 0) {
        if (rest[i] != ',' && rest[i] != ' ') fail();
        ++i;
        continue;
      }
      int64_t value = 0;
      for (; i < rest.size() && std::isdigit(static_cast<unsigned char>(rest[i])) != 0; ++i) {
        value = checked_add(checked_mul(value, 10, path_), rest[i] - '0', path_);
      }
      dims.push_back(value);
    }
    return dims;
  }

 private:
  [[noreturn]] void fail() const { throw Error(path_, "damaged .npy header"); }
  // The text after `'key':` and blanks.
  std::string_view after(std::string_view key) const {
    const size_t at = text_.find("'" + std::string(key) + "'");
    if (at == std::string_view::npos) fail();
    const size_t colon = text_.find(':', at);
    if (colon == std::string_view::npos) fail();
    const size_t value = text_.find_first_not_of(' ', colon + 1);
    if (value == std::string_view::npos) fail();
    return text_.substr(value);
  }

  std::string_view text_;
  const std::string& path_;
};

template <class T>
std::vector<double> widen(std::span<const std::byte> bytes, int64_t count) {
  std::vector<double> out(static_cast<size_t>(count));
  for (size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof value);
    out[i] = static_cast<double>(value);
  }
  return out;
}

struct Element {
  std::string_view descr;
  int64_t bytes;
  bool integer;
  std::vector<double> (*widen)(std::span<const std::byte>, int64_t);
};
constexpr Element kElements[] = {
    {"<f4", 4, false, widen<float>},  {"<f8", 8, false, widen<double>},
    {"|u1", 1, true, widen<uint8_t>}, {"|i1", 1, true, widen<int8_t>},
    {"<i4", 4, true, widen<int32_t>}, {"<i8", 8, true, widen<int64_t>},
};

// Length of the header text and where it starts.
struct Preamble {
  size_t start;
  size_t length;
};

Preamble preamble_of(std::span<const std::byte> bytes, const std::string& path) {
  const auto byte = [&](size_t i) { return std::to_integer<size_t>(bytes[i]); };
  if (bytes.size() < 10 || std::memcmp(bytes.data(), kMagic.data(), kMagic.size()) != 0) {
    throw Error(path, "not a .npy file");
  }
  const bool wide = byte(6) >= 2;
  if (wide && bytes.size() < 12) throw Error(path, "truncated .npy file");
  const size_t length =
      wide ? byte(8) | byte(9) << 8 | byte(10) << 16 | byte(11) << 24 : byte(8) | byte(9) << 8;
  const size_t start = wide ? 12 : 10;
  if (length > bytes.size() - start) throw Error(path, "truncated .npy file");
  return {start, length};
}

}  // namespace

Array read_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  const std::span<const std::byte> bytes = file->bytes();
  const Preamble preamble = preamble_of(bytes, path);
  const std::string text(reinterpret_cast<const char*>(bytes.data()) + preamble.start,
                         preamble.length);
  const Header header(text, path);
  if (header.flag("fortran_order")) throw Error(path, "Fortran order is not supported");
  Array array{.dims = header.tuple("shape")};
  const std::string_view descr = header.quoted("descr");
  for (const Element& element : kElements) {
    if (element.descr != descr) continue;
    const int64_t count = ir::element_count(array.dims, path);
    const std::span<const std::byte> data = bytes.subspan(preamble.start + preamble.length);
    const int64_t expected = checked_mul(count, element.bytes, path);
    if (static_cast<int64_t>(data.size()) != expected) {
      throw Error(path, "holds " + std::to_string(data.size()) +
                            " bytes of data, its header says " + std::to_string(expected));
    }
    array.values = element.widen(data, count);
    array.integer = element.integer;
    return array;
  }
  throw Error(path, "element type " + std::string(descr) +
                        " is not supported, expected <f4 <f8 |u1 |i1 <i4 or <i8");
}

void write_npy(const std::string& path, const ir::Dims& dims, std::span<const float> values) {
  std::string shape;
  for (const int64_t d : dims) shape += std::to_string(d) + (dims.size() == 1 ? "," : ", ");
  if (dims.size() > 1) shape.resize(shape.size() - 2);
  std::string header = "{'descr': '<f4', 'fortran_order': False, 'shape': (" + shape + "), }";
  // Magic, version and length take 10 bytes; data starts at a multiple of 64 after a newline.
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  std::string start(kMagic);
  start += std::string("\x01\x00", 2);
  start += static_cast<char>(header.size() & 0xFF);
  start += static_cast<char>(header.size() >> 8);
  OutputFile file(path);
  file.write(start + header);
  file.write(std::as_bytes(values));
  file.commit();
}

}  // namespace pare::infer
