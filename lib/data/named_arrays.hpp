// SPDX-License-Identifier: Apache-2.0
// NPZ, NPY and HDF5 hold arrays with names; which of them are items and labels of which split
// follows from the names. The element type is kept until the arrays become bytes or floats.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "lib/data/array.hpp"
#include "lib/hdf5/element.hpp"

namespace pare::data {

struct NamedArray {
  std::string name;
  hdf5::Element element = hdf5::Element::kU8;
  ir::Dims dims;
  std::span<const std::byte> bytes;   // row-major, little-endian, any alignment
  std::shared_ptr<const void> owner;  // keeps `bytes` valid
};

// Which arrays make a part. Names match without regard to case and with '/', '_', '-' and '.'
// alike: items x, images, data, features, inputs; labels y, labels, targets, label, target; with
// the split before or after (x_train, train_images, train/x), or without one.
struct PartNames {
  std::string split;  // "train", "validation", "test" or "" (no convention)
  std::string items, labels;
};
// Throws Error(source) when no pair is found, or items without labels.
std::vector<PartNames> match_parts(const std::vector<std::string>& names,
                                   const std::string& source);

// Arrays to parts: u8 images stay bytes, everything else becomes floats. [N,H,W] and [N,H,W,C] with
// C of 1 or 3 become [C,H,W] items; [N,F] a table. Throws Error naming item and position of a NaN.
RawData assemble(const std::string& source, const std::string& kind,
                 const std::vector<PartNames>& parts,
                 const std::function<NamedArray(const std::string&)>& load,
                 const OpenOptions& options);

}  // namespace pare::data
