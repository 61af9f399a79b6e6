// SPDX-License-Identifier: Apache-2.0
// The command line of `pare` and `pare-train`: one parser, one set of commands, linked into both.
// Only pare-train hands in a Trainer; without one a command that trains is carried on by the
// pare-train found beside this executable.
#pragma once

namespace pare::train {
class Trainer;
}

namespace pare::cli {

// Parses, runs and reports; returns the exit code of docs/cli.md. Never throws.
int run(int argc, char** argv, train::Trainer* trainer);

}  // namespace pare::cli
