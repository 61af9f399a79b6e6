// SPDX-License-Identifier: Apache-2.0
// Sweeps over the damaged copies of a small valid model file. Each copy has the extension of the
// original; reading one aborts the test on anything but a one-line refusal (replay.hpp).
#pragma once

#include <string>

#include "lib/ir/model.hpp"

namespace pare::tests {

// Cuts the file at every byte. Returns how many of the cuts were read without a refusal.
size_t cuts_read(const std::string& path);

// Inverts each byte in turn, and one bit of it. Returns how many of the copies were read as a
// model that differs from the original one; without checksums in a format, changed values do.
size_t flips_that_differ(const std::string& path);

}  // namespace pare::tests
