// SPDX-License-Identifier: Apache-2.0
// One function a source of data: path in, raw parts out. The table in open.cpp chooses among them.
// All throw Error(file, ...) on anything malformed and check declared sizes before allocating.
#pragma once

#include <string>

#include "lib/data/array.hpp"

namespace pare::data {

// "synthetic:glyphs[?train=N&test=N&seed=S]". Throws UsageError on an unknown name or parameter.
RawData generate_glyphs(const std::string& spec, const OpenOptions& options);

// IDX (Y. LeCun, "The MNIST database", file format section), plain or gzip: a folder with the MNIST
// names, or one image file whose label file has the conventional name beside it.
bool is_idx_folder(const std::string& path);
RawData read_idx(const std::string& path, const OpenOptions& options);

}  // namespace pare::data
