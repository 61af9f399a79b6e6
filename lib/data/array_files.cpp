// SPDX-License-Identifier: Apache-2.0
// Files of named arrays: .npz, .npy and HDF5, each a list of names and a way to load one.
#include <algorithm>
#include <filesystem>
#include <map>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/data/named_arrays.hpp"
#include "lib/data/readers.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/numpy/npz.hpp"

namespace pare::data {
namespace {

namespace fs = std::filesystem;

std::span<const std::byte> head_of(const std::string& path,
                                   std::shared_ptr<const MappedFile>& file) {
  std::error_code failure;
  if (!fs::is_regular_file(path, failure) || fs::file_size(path, failure) == 0) return {};
  file = MappedFile::open(path);
  return file->bytes().first(std::min<size_t>(file->bytes().size(), 512));
}

std::map<std::string, std::string> npy_files_of(const fs::path& folder) {
  std::map<std::string, std::string> out;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(folder, failure)) {
    if (entry.path().extension() == ".npy")
      out[entry.path().stem().string()] = entry.path().string();
  }
  return out;
}

hdf5::Element element_of(numpy::ElementType type) {
  if (type.is_text()) return hdf5::Element::kText;
  const char kind = type.kind == numpy::Kind::kBool ? 'u' : static_cast<char>(type.kind);
  const auto element = hdf5::element_from_name(kind + std::to_string(8 * type.bytes));
  require(element.has_value(), "numpy's numbers are hdf5's");
  return *element;
}

NamedArray named(const std::string& name, numpy::Array array) {
  return {name, element_of(array.type), std::move(array.dims), array.bytes, std::move(array.owner)};
}

std::vector<std::string> keys_of(const std::map<std::string, std::string>& map) {
  std::vector<std::string> out;
  for (const auto& [key, value] : map) out.push_back(key);
  return out;
}

}  // namespace

bool is_npz_file(const std::string& path) {
  std::shared_ptr<const MappedFile> file;
  const auto head = head_of(path, file);
  return head.size() >= 4 && head[0] == std::byte{'P'} && head[1] == std::byte{'K'};
}

RawData read_npz(const std::string& path, const OpenOptions& options) {
  const numpy::NpzReader reader(path);
  const auto load = [&](const std::string& name) { return named(name, reader.load(name)); };
  return assemble(path, "npz", match_parts(reader.names(), path), load, options);
}

bool is_npy_path(const std::string& path) {
  if (fs::is_directory(path)) return !npy_files_of(path).empty();
  std::shared_ptr<const MappedFile> file;
  return numpy::is_npy(head_of(path, file));
}

RawData read_npy(const std::string& path, const OpenOptions& options) {
  const bool folder = fs::is_directory(path);
  const auto files = npy_files_of(folder ? fs::path(path) : fs::absolute(path).parent_path());
  auto parts = match_parts(keys_of(files), path);
  if (!folder) {
    const std::string stem = fs::path(path).stem().string();
    parts.erase(std::remove_if(parts.begin(), parts.end(),
                               [&](const PartNames& p) { return p.items != stem; }),
                parts.end());
    if (parts.empty()) {
      throw Error(path,
                  "has no labels beside it: expected names like x.npy and y.npy, or "
                  "x_test.npy and y_test.npy");
    }
  }
  const auto load = [&](const std::string& name) {
    return named(name, numpy::read_npy(files.at(name)));
  };
  return assemble(path, "npy", parts, load, options);
}

bool is_hdf5_file(const std::string& path) {
  std::shared_ptr<const MappedFile> file;
  return hdf5::has_signature(head_of(path, file));
}

RawData read_hdf5(const std::string& path, const OpenOptions& options) {
  const hdf5::Index index = hdf5::read(path);
  std::vector<std::string> names;
  for (const hdf5::Array& array : index.arrays) names.push_back(array.name);
  const auto load = [&](const std::string& name) {
    const hdf5::Array* array = index.find(name);
    require(array != nullptr, "hdf5 data: listed arrays are found");
    return NamedArray{name, array->element, array->dims, array->bytes, index.owner};
  };
  return assemble(path, "hdf5", match_parts(names, path), load, options);
}

}  // namespace pare::data
