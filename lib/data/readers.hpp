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
bool is_idx_file(const std::string& path);
RawData read_idx(const std::string& path, const OpenOptions& options);

// PNG and JPEG files by class folder: PATH/train/CLASS/*, PATH/test/CLASS/*, or PATH/CLASS/*.
bool is_image_folder(const std::string& path);
RawData read_image_folder(const std::string& path, const OpenOptions& options);

// NumPy: one .npz, one .npy (its labels beside it), or a folder of .npy files. HDF5: one file.
// Which arrays are taken: see match_parts (named_arrays.hpp).
bool is_npz_file(const std::string& path);
RawData read_npz(const std::string& path, const OpenOptions& options);
bool is_npy_path(const std::string& path);
RawData read_npy(const std::string& path, const OpenOptions& options);
bool is_hdf5_file(const std::string& path);
RawData read_hdf5(const std::string& path, const OpenOptions& options);

// CSV and kin: one file, or a folder with train and test files. See csv.cpp.
bool is_csv_path(const std::string& path);
RawData read_csv(const std::string& path, const OpenOptions& options);

}  // namespace pare::data
