// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/npy.hpp"

#include <algorithm>
#include <cstring>
#include <limits>

#include "lib/core/checked.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"
#include "lib/numpy/header.hpp"

namespace pare::numpy {
namespace {

constexpr std::string_view kMagic{"\x93NUMPY", 6};
constexpr size_t kAlignment = 64;
constexpr int64_t kMaxHeader = 1 << 20;

// The header's text, of a version checked.
std::string_view header_text(std::span<const std::byte> file, const std::string& subject) {
  if (!is_npy(file)) throw Error(subject, "is not an NPY array");
  const auto byte = [&](size_t at) {
    if (at >= file.size()) throw Error(subject, "is truncated");
    return static_cast<int64_t>(file[at]);
  };
  const int64_t major = byte(6);
  if (major < 1 || major > 3) {
    throw Error(subject, "is NPY version " + std::to_string(major) + ", expected 1 to 3");
  }
  const size_t start = major == 1 ? 10 : 12;
  int64_t size = byte(8) | byte(9) << 8;
  if (major > 1) size |= byte(10) << 16 | byte(11) << 24;
  if (size > kMaxHeader || size > static_cast<int64_t>(file.size() - start)) {
    throw Error(subject, "is truncated in its NPY header");
  }
  return {reinterpret_cast<const char*>(file.data()) + start, static_cast<size_t>(size)};
}

// What byte order applies to: a number, a character, or a byte of byte text.
size_t ordered_unit(ElementType type) {
  if (type.kind == Kind::kUnicode) return 4;
  return type.kind == Kind::kBytes ? 1 : static_cast<size_t>(type.bytes);
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

Array parse_npy(std::span<const std::byte> file, std::shared_ptr<const void> owner,
                const std::string& subject) {
  const std::string_view text = header_text(file, subject);
  Header header = parse_header(text, subject);
  const auto* end_of_header = reinterpret_cast<const std::byte*>(text.data() + text.size());
  Array out{header.type, std::move(header.shape),
            file.subspan(static_cast<size_t>(end_of_header - file.data())), std::move(owner)};
  const int64_t declared = checked_mul(checked_product(out.dims, subject), out.type.bytes, subject);
  if (declared != static_cast<int64_t>(out.bytes.size())) {
    throw Error(subject, "declares " + std::to_string(declared) + " bytes of values, has " +
                             std::to_string(out.bytes.size()));
  }
  const auto own = [&out](std::vector<std::byte> values) {
    const auto copy = std::make_shared<const std::vector<std::byte>>(std::move(values));
    out.bytes = *copy;
    out.owner = copy;
  };
  const size_t unit = ordered_unit(out.type);
  if (header.big_endian && unit > 1) own(byte_swapped(out.bytes, unit));
  if (header.fortran_order && out.dims.size() > 1) {
    own(to_row_major(out.bytes, out.dims, static_cast<size_t>(out.type.bytes)));
  }
  return out;
}

Array read_npy(const std::string& path) {
  const auto file = MappedFile::open(path);
  return parse_npy(file->bytes(), file, path);
}

std::string npy_start(const Array& array) {
  std::string header = print_header(array.type, array.dims);
  const size_t before = kMagic.size() + 4;
  header.append(kAlignment - (before + header.size() + 1) % kAlignment, ' ');
  header += '\n';
  require(header.size() <= std::numeric_limits<uint16_t>::max(), "NPY header fits version 1");
  const char version_and_size[] = {1, 0, static_cast<char>(header.size() & 0xFF),
                                   static_cast<char>(header.size() >> 8)};
  return std::string(kMagic) + std::string(version_and_size, 4) + header;
}

void write_npy(const Array& array, const std::string& path) {
  OutputFile file(path);
  file.write(npy_start(array));
  file.write(array.bytes);
  file.commit();
}

}  // namespace pare::numpy
