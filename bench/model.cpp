// SPDX-License-Identifier: Apache-2.0
// Writes a model of about a megabyte for the benches: ResNet-20 in floats.
//
// usage: bench_model OUT.pare
#include <cstdio>

#include "bench/networks.hpp"

#include "formats/formats.hpp"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  try {
    for (const pare::bench::Network& network : pare::bench::networks()) {
      if (network.name == "resnet20")
        pare::formats::write(pare::bench::float_model(network), argv[1]);
    }
  } catch (const std::exception& e) {
    std::fprintf(stderr, "bench_model: %s\n", e.what());
    return 1;
  }
  return 0;
}
