// SPDX-License-Identifier: Apache-2.0
// `pare-train`: the same command line as `pare`, with a trainer. `pare` carries commands that train
// on in it, so that everything else starts without libtorch.
#include <cstdint>

#include <malloc.h>

#include "apps/pare-train/lowering.hpp"
#include "apps/pare/cli.hpp"
#include "lib/train/torch_trainer.hpp"

int main(int argc, char** argv) {
  // A training step allocates and frees the same large activations again and again; without this
  // the C library hands each back to the system, and a tenth of the time goes into page faults.
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  if (pare::cli::asks_for_lowering(argc, argv)) return pare::cli::lower_for_pare(argv);
  const auto trainer = pare::train::make_torch_trainer();
  return pare::cli::run(argc, argv, trainer.get());
}
