// SPDX-License-Identifier: Apache-2.0
// `pare`: everything but training, which the sibling executable pare-train does.
#include "apps/pare/cli.hpp"

int main(int argc, char** argv) { return pare::cli::run(argc, argv, nullptr); }
