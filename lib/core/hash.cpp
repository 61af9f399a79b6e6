// SPDX-License-Identifier: Apache-2.0
// OpenSSL's older functions: the newer ones look algorithms up in tables that take longer to fill
// than a small model to hash, and cannot be linked without all of libcrypto.
#define OPENSSL_SUPPRESS_DEPRECATED
#include "lib/core/hash.hpp"

#include <algorithm>

#include <openssl/sha.h>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare {

struct Sha256Stream::State {
  SHA256_CTX context{};
  bool finished = false;
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  require(SHA256_Init(&state_->context) == 1, "SHA-256 is available");
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::span<const std::byte> bytes) {
  require(!state_->finished, "a hash is not added to once it is finished");
  SHA256_Update(&state_->context, bytes.data(), bytes.size());
}

Sha256 Sha256Stream::finish() {
  require(!state_->finished, "a hash is finished once");
  state_->finished = true;
  Sha256 out{};
  SHA256_Final(reinterpret_cast<unsigned char*>(out.data()), &state_->context);
  return out;
}

Sha256 sha256(std::span<const std::byte> bytes) {
  Sha256Stream stream;
  stream.update(bytes);
  return stream.finish();
}

std::string to_hex(const Sha256& hash) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (const std::byte b : hash) {
    out += kHex[std::to_integer<int>(b) >> 4];
    out += kHex[std::to_integer<int>(b) & 15];
  }
  return out;
}

Sha256 sha256_of_file(const std::string& path, const std::stop_token& stop) {
  constexpr size_t kPiece = 16'000'000;
  const auto file = MappedFile::open(path);
  Sha256Stream stream;
  for (std::span<const std::byte> left = file->bytes(); !left.empty();) {
    if (stop.stop_requested()) throw Error(path, "is no longer hashed");
    const size_t count = std::min(kPiece, left.size());
    stream.update(left.first(count));
    left = left.subspan(count);
  }
  return stream.finish();
}

}  // namespace pare
