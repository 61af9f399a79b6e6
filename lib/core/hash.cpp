// SPDX-License-Identifier: Apache-2.0
#include "lib/core/hash.hpp"

#include <openssl/evp.h>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare {

struct Sha256Stream::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  require(state_->context && EVP_DigestInit_ex(state_->context, EVP_sha256(), nullptr) == 1,
          "SHA-256 is available");
}
Sha256Stream::~Sha256Stream() = default;
Sha256Stream::Sha256Stream(Sha256Stream&&) noexcept = default;

void Sha256Stream::update(std::span<const std::byte> bytes) {
  require(EVP_DigestUpdate(state_->context, bytes.data(), bytes.size()) == 1, "hash update");
}

Sha256 Sha256Stream::finish() {
  Sha256 out{};
  require(EVP_DigestFinal_ex(state_->context, reinterpret_cast<unsigned char*>(out.data()),
                             nullptr) == 1,
          "hash finished once");
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

Sha256 sha256_of_file(const std::string& path) { return sha256(MappedFile::open(path)->bytes()); }

}  // namespace pare
