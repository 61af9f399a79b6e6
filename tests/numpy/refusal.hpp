// SPDX-License-Identifier: Apache-2.0
// What an Error said, and every way of damaging a few bytes.
#pragma once

#include <algorithm>
#include <string>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"

namespace pare::numpy::testing {

// "" when nothing was refused.
template <class Action>
std::string refusal(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

// read(damaged) for every prefix of `content` and for each byte damaged in two ways. An Error may
// come of it, nothing else; returns how many did.
template <class Read>
int64_t replay_damage(const std::string& content, const Read& read) {
  int64_t refused = 0;
  const auto attempt = [&](const std::string& damaged) {
    if (!refusal([&] { read(damaged); }).empty()) ++refused;
  };
  for (size_t i = 0; i < content.size(); ++i) {
    attempt(content.substr(0, i));
    for (const char mask : {'\x01', '\xFF'}) {
      std::string damaged = content;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      attempt(damaged);
    }
  }
  return refused;
}

}  // namespace pare::numpy::testing
