// SPDX-License-Identifier: Apache-2.0
// The other end of apps/pare/lowering.hpp: pare-train as a process that makes a .pare file of one
// TorchScript file, under limits, and says on stdout how it went.
#pragma once

namespace pare::cli {

// pare-train --handshake=... --lower-torchscript REQUEST
bool asks_for_lowering(int argc, char** argv);
// The exit code; 0 also when the file was refused, which the answer says.
int lower_for_pare(char** argv);

}  // namespace pare::cli
