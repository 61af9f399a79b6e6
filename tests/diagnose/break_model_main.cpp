// SPDX-License-Identifier: Apache-2.0
// break_model HOW MODEL OUT [LAYER]: for tests/diagnose/run, on real models.
#include <cstdio>
#include <exception>
#include <string>

#include "formats/formats.hpp"
#include "tests/diagnose/break_model.hpp"

int main(int argc, char** argv) {
  const bool uneven = argc > 1 && std::string(argv[1]) == "uneven";
  if (argc < (uneven ? 6 : 4)) {
    std::fprintf(
        stderr,
        "usage: break_model scale|saturate|widen|tensor|uneven|swap MODEL OUT [LAYER...]\n");
    return 2;
  }
  try {
    const std::string how = argv[1];
    const std::string layer = argc > 4 ? argv[4] : "";
    pare::ir::Model model = pare::formats::read(argv[2]);
    if (how == "scale") {
      pare::test::break_channel_scale(model, layer, 3, 8.0F);
    } else if (how == "saturate") {
      pare::test::narrow_range(model, layer, 16.0F);
    } else if (how == "widen") {
      pare::test::narrow_range(model, layer, 1.0F / 64);
    } else if (how == "tensor") {
      pare::test::use_one_scale(model, layer);
    } else if (how == "swap") {
      pare::test::swap_preprocessing(model);
    } else if (how == "uneven") {
      model = pare::test::with_uneven_channels(model, layer, argv[5], 16.0F);
    } else {
      std::fprintf(stderr, "break_model: no such way: %s\n", argv[1]);
      return 2;
    }
    pare::formats::write(model, argv[3]);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "break_model: %s\n", error.what());
    return 1;
  }
  return 0;
}
