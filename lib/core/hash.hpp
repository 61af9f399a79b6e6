// SPDX-License-Identifier: Apache-2.0
// SHA-256 (FIPS 180-4) through OpenSSL's libcrypto: identity of tensors, inputs and data sets.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>

namespace pare {

using Sha256 = std::array<std::byte, 32>;

class Sha256Stream {
 public:
  Sha256Stream();
  ~Sha256Stream();
  Sha256Stream(Sha256Stream&&) noexcept;
  void update(std::span<const std::byte> bytes);
  void update(std::string_view text) { update(std::as_bytes(std::span(text))); }
  Sha256 finish();  // may be called once

 private:
  struct State;
  std::unique_ptr<State> state_;
};

Sha256 sha256(std::span<const std::byte> bytes);
std::string to_hex(const Sha256& hash);
// Throws Error(path) when the file cannot be read, or once `stop` is requested.
Sha256 sha256_of_file(const std::string& path, const std::stop_token& stop = {});

}  // namespace pare
