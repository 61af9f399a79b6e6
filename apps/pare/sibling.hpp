// SPDX-License-Identifier: Apache-2.0
// pare-train, the executable that links libtorch: where it is, whether it belongs to this pare, and
// carrying a command on in it.
#pragma once

#include <span>
#include <string>

#include "apps/pare/environment.hpp"

namespace pare::cli {

inline constexpr std::string_view kHandshakeFlag = "--handshake=";
inline constexpr std::string_view kProbeFlag = "--probe";

// Version and a digest of every command's flags: two executables of different builds that would
// read the same arguments differently have different ones.
std::string handshake();
// Throws Error unless `theirs` equals handshake().
void check_handshake(std::string_view theirs);

// Beside this executable, or in PREFIX/libexec/pare/; never on PATH. "" when there is none.
std::string find_pare_train();
// This executable's own path.
std::string own_path();

// Replaces this process by pare-train running the same arguments (from the command's name on).
// Throws Error when there is none or it does not start.
[[noreturn]] void continue_in_pare_train(std::string_view command, std::span<char* const> arguments,
                                         int threads);

// What `pare-train --probe` prints: JSON with its version and the libraries it runs on.
std::string probe_text();

}  // namespace pare::cli
