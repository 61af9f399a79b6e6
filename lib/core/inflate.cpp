// SPDX-License-Identifier: Apache-2.0
#include "lib/core/inflate.hpp"

#include <algorithm>

#include <zlib.h>

#include "lib/core/checked.hpp"

namespace pare {
namespace {

// zlib counts in 32 bits: larger spans are fed in pieces.
constexpr size_t kPiece = size_t{1} << 30;

Bytef* zlib_pointer(const std::byte* bytes) {
  return const_cast<Bytef*>(reinterpret_cast<const Bytef*>(bytes));
}

// Inflates until `out` is full or the stream ends; returns the bytes written.
size_t inflate_into(z_stream& stream, std::span<const std::byte>& in, std::span<std::byte> out,
                    bool& ended, const std::string& subject) {
  size_t written = 0;
  while (written < out.size() && !ended) {
    stream.next_in = zlib_pointer(in.data());
    stream.avail_in = static_cast<uInt>(std::min(in.size(), kPiece));
    stream.next_out = zlib_pointer(out.data() + written);
    stream.avail_out = static_cast<uInt>(std::min(out.size() - written, kPiece));
    const uInt in_before = stream.avail_in;
    const uInt out_before = stream.avail_out;
    const int status = inflate(&stream, Z_NO_FLUSH);
    in = in.subspan(in_before - stream.avail_in);
    written += out_before - stream.avail_out;
    if (status == Z_STREAM_END) {
      ended = true;
    } else if (status == Z_BUF_ERROR || (status == Z_OK && in.empty() && stream.avail_out > 0)) {
      throw Error(subject, "compressed data is truncated");
    } else if (status != Z_OK) {
      throw Error(subject, "compressed data is damaged");
    }
  }
  return written;
}

}  // namespace

bool is_gzip(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0x1F} && bytes[1] == std::byte{0x8B} &&
         bytes[2] == std::byte{8};
}

struct GzipReader::State {
  z_stream stream{};
  std::span<const std::byte> rest;
  bool ended = false;
};

GzipReader::GzipReader(std::span<const std::byte> compressed, std::string path)
    : state_(new State), path_(std::move(path)) {
  state_->rest = compressed;
  constexpr int kGzipWindow = 16 + MAX_WBITS;
  if (inflateInit2(&state_->stream, kGzipWindow) != Z_OK) {
    delete state_;
    throw Bug("inflateInit2 failed");
  }
}

GzipReader::~GzipReader() {
  inflateEnd(&state_->stream);
  delete state_;
}

void GzipReader::read(std::span<std::byte> out) {
  if (inflate_into(state_->stream, state_->rest, out, state_->ended, path_) < out.size()) {
    throw Error(path_, "ends early: decompressed data is shorter than its header says");
  }
}

void GzipReader::finish() {
  std::byte extra[1];
  if (!state_->ended &&
      inflate_into(state_->stream, state_->rest, extra, state_->ended, path_) > 0) {
    throw Error(path_, "holds more data than its header says");
  }
  if (!state_->rest.empty()) throw Error(path_, "has bytes after the end of the gzip stream");
}

void check_expansion(int64_t declared, int64_t compressed, const std::string& subject) {
  // 1,032 : 1 is deflate's limit; the constant covers a stream of a single block.
  const int64_t limit = checked_add(checked_mul(compressed, 1032, subject), 1032, subject);
  if (declared < 0 || declared > limit) {
    throw Error(subject, "declares " + std::to_string(declared) + " bytes, more than " +
                             std::to_string(compressed) + " compressed bytes can hold");
  }
}

std::vector<std::byte> inflate_raw(std::span<const std::byte> compressed, int64_t size,
                                   const std::string& subject) {
  check_expansion(size, static_cast<int64_t>(compressed.size()), subject);
  // One byte more than declared, so that a longer stream shows.
  std::vector<std::byte> out(static_cast<size_t>(size) + 1);
  z_stream stream{};
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) throw Bug("inflateInit2 failed");
  bool ended = false;
  size_t written = 0;
  try {
    written = inflate_into(stream, compressed, out, ended, subject);
  } catch (...) {
    inflateEnd(&stream);
    throw;
  }
  inflateEnd(&stream);
  if (!ended || written != static_cast<size_t>(size)) {
    throw Error(subject, "decompresses to another size than the " + std::to_string(size) +
                             " bytes declared");
  }
  if (!compressed.empty()) throw Error(subject, "has bytes after the end of the compressed data");
  out.pop_back();
  return out;
}

uint32_t crc32_of(std::span<const std::byte> bytes, uint32_t before) {
  uLong crc = before;
  while (!bytes.empty()) {
    const auto piece = static_cast<uInt>(std::min(bytes.size(), kPiece));
    crc = crc32(crc, zlib_pointer(bytes.data()), piece);
    bytes = bytes.subspan(piece);
  }
  return static_cast<uint32_t>(crc);
}

}  // namespace pare
