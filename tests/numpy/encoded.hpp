// SPDX-License-Identifier: Apache-2.0
// NPY arrays and zip archives put together byte by byte, as a stranger might write them.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

#include <zlib.h>

namespace pare::numpy::testing {

template <class T>
std::string little_endian(T value) {
  std::string out(sizeof(T), '\0');
  std::memcpy(out.data(), &value, sizeof(T));
  return out;
}

inline std::string npy(const std::string& dictionary, const std::string& values) {
  std::string header = dictionary;
  header.append(63 - (10 + header.size()) % 64, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + little_endian(static_cast<uint16_t>(header.size())) +
         header + values;
}

inline std::string npy(const std::string& descr, const std::string& shape,
                       const std::string& values) {
  return npy("{'descr': '" + descr + "', 'fortran_order': False, 'shape': " + shape + ", }",
             values);
}

template <class T>
std::string values_of(const std::vector<T>& values) {
  std::string out;
  for (const T value : values) out += little_endian(value);
  return out;
}

struct Entry {
  std::string name, content;
  bool deflated = false;
};

inline std::string raw_deflated(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()), '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

inline std::string zip(const std::vector<Entry>& entries) {
  std::string out, directory;
  for (const Entry& entry : entries) {
    const std::string body = entry.deflated ? raw_deflated(entry.content) : entry.content;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(entry.content.data()),
                           static_cast<uInt>(entry.content.size()));
    const std::string facts =
        little_endian<uint16_t>(20) + little_endian<uint16_t>(0) +
        little_endian<uint16_t>(entry.deflated ? 8 : 0) + little_endian<uint32_t>(0) +
        little_endian(static_cast<uint32_t>(crc)) +
        little_endian(static_cast<uint32_t>(body.size())) +
        little_endian(static_cast<uint32_t>(entry.content.size())) +
        little_endian(static_cast<uint16_t>(entry.name.size())) + little_endian<uint16_t>(0);
    directory += "PK\x01\x02" + little_endian<uint16_t>(20) + facts + std::string(10, '\0') +
                 little_endian(static_cast<uint32_t>(out.size())) + entry.name;
    out += "PK\x03\x04" + facts + entry.name + body;
  }
  const auto count = static_cast<uint16_t>(entries.size());
  const std::string end = std::string("PK\x05\x06") + std::string(4, '\0') + little_endian(count) +
                          little_endian(count) +
                          little_endian(static_cast<uint32_t>(directory.size())) +
                          little_endian(static_cast<uint32_t>(out.size())) + std::string(2, '\0');
  return out + directory + end;
}

}  // namespace pare::numpy::testing
