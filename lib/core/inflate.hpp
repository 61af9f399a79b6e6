// SPDX-License-Identifier: Apache-2.0
// zlib behind two rules: nothing is allocated before the declared size has been compared with what
// the compressed bytes could possibly hold (deflate expands at most 1,032-fold), and the stream
// must end exactly where it was declared to.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace pare {

// True when `bytes` starts like a gzip member (RFC 1952).
bool is_gzip(std::span<const std::byte> bytes);

// Decompresses a gzip member piece by piece, so that a header can be read before the rest is sized.
// Every member function throws Error(path) on a damaged or truncated stream.
class GzipReader {
 public:
  GzipReader(std::span<const std::byte> compressed, std::string path);
  ~GzipReader();
  GzipReader(const GzipReader&) = delete;
  GzipReader& operator=(const GzipReader&) = delete;

  // Fills `out` completely.
  void read(std::span<std::byte> out);
  // Checks that the stream ends here, its checksum agrees and nothing follows.
  void finish();

 private:
  struct State;
  State* state_;
  std::string path_;
};

// Throws Error(subject) when `declared` bytes cannot come out of `compressed` bytes of deflate
// data.
void check_expansion(int64_t declared, int64_t compressed, const std::string& subject);

// Raw deflate (RFC 1951) as in zip members: exactly `size` bytes come out.
std::vector<std::byte> inflate_raw(std::span<const std::byte> compressed, int64_t size,
                                   const std::string& subject);

// CRC-32 as used by gzip and zip; `before` is that of the bytes that precede.
uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before = 0);

}  // namespace pare
