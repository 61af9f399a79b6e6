// SPDX-License-Identifier: Apache-2.0
// Names from files as C identifiers and as comments: both are read by a compiler, so nothing but
// plain letters, digits and a few signs gets through.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace pare::formats::c {

// Letters, digits and single underscores, starting with a letter; "model" when nothing is left.
std::string identifier(std::string_view name);
std::string upper(std::string_view identifier);
// `name` in a comment or a string of C: characters that could end it, or that no C compiler has to
// know, become '_'.
std::string plain_text(std::string_view name, size_t longest = 80);

// Hands out identifiers that no other part of a file has.
class Names {
 public:
  explicit Names(std::set<std::string> taken) : taken_(std::move(taken)) {}
  // `wanted`, or wanted_2, wanted_3, ...
  std::string unique(const std::string& wanted);

 private:
  std::set<std::string> taken_;
};

}  // namespace pare::formats::c
