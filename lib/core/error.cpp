// SPDX-License-Identifier: Apache-2.0
#include "lib/core/error.hpp"

namespace pare {

Error::Error(std::string_view subject, std::string_view fact, ExitCode code)
    : std::runtime_error(escaped(subject) + ": " + escaped(fact, 2000)),
      subject_(subject),
      fact_(fact),
      code_(code) {}

namespace {

// Length of the valid UTF-8 sequence at `at`, or 0.
size_t utf8_length(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  const size_t length = lead < 0x80                   ? 1
                        : lead >= 0xC2 && lead < 0xE0 ? 2
                        : lead >= 0xE0 && lead < 0xF0 ? 3
                        : lead >= 0xF0 && lead < 0xF5 ? 4
                                                      : 0;
  if (length == 0 || at + length > text.size()) return 0;
  for (size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return 0;
  }
  // C1 controls (U+0080..U+009F) move the cursor on some terminals.
  if (length == 2 && lead == 0xC2 && byte(at + 1) < 0xA0) return 0;
  return length;
}

}  // namespace

std::string escaped(std::string_view text, size_t max_bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (size_t i = 0; i < text.size();) {
    if (out.size() >= max_bytes) return out + "...";
    const auto byte = static_cast<unsigned char>(text[i]);
    const size_t length = byte < 0x20 || byte == 0x7F ? 0 : utf8_length(text, i);
    if (length == 0) {
      out += "\\x";
      out += kHex[byte >> 4];
      out += kHex[byte & 15];
      ++i;
    } else {
      out.append(text, i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace pare
