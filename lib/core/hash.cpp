// SPDX-License-Identifier: Apache-2.0
#include "lib/core/hash.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare {

struct Sha256Stream::State {
  EVP_MD_CTX* context = EVP_MD_CTX_new();
  ~State() { EVP_MD_CTX_free(context); }
};

namespace {

// Found once, without the configuration file and the tables of other algorithms, which would take
// longer to read than a small model to hash.
const EVP_MD* sha256_algorithm() {
  static const EVP_MD* const found = [] {
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_ADD_ALL_CIPHERS |
                            OPENSSL_INIT_NO_ADD_ALL_DIGESTS,
                        nullptr);
    return EVP_MD_fetch(nullptr, "SHA2-256", nullptr);
  }();
  return found;
}

}  // namespace

Sha256Stream::Sha256Stream() : state_(std::make_unique<State>()) {
  const EVP_MD* const algorithm = sha256_algorithm();
  require(
      state_->context && algorithm && EVP_DigestInit_ex(state_->context, algorithm, nullptr) == 1,
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
