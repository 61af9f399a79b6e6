// SPDX-License-Identifier: Apache-2.0
// Files of named arrays: .npz, .npy and HDF5, each a list of names and a way to load one.
#include <algorithm>
#include <filesystem>
#include <map>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/data/named_arrays.hpp"
#include "lib/data/npy.hpp"
#include "lib/data/readers.hpp"
#include "lib/data/zip_archive.hpp"
#include "lib/hdf5/hdf5_reader.hpp"

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

std::string without_extension(const std::string& name) {
  return name.ends_with(".npy") ? name.substr(0, name.size() - 4) : name;
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

template <class Map>
std::vector<std::string> keys_of(const Map& map) {
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
  const auto archive = std::make_shared<ZipArchive>(path);
  std::map<std::string, const ZipArchive::Member*> members;
  for (const auto& member : archive->members()) members[without_extension(member.name)] = &member;
  const auto load = [&](const std::string& name) {
    const auto buffer = std::make_shared<std::vector<std::byte>>();
    const auto bytes = archive->read(*members.at(name), *buffer);
    NamedArray out = parse_npy(bytes, name, path + ": " + name);
    // Either the archive's mapping or the decompressed bytes are viewed; keep both.
    if (!out.owner)
      out.owner =
          std::make_shared<std::pair<std::shared_ptr<const void>, std::shared_ptr<const void>>>(
              archive, buffer);
    return out;
  };
  return assemble(path, "npz", match_parts(keys_of(members), path), load, options);
}

bool is_npy_path(const std::string& path) {
  if (fs::is_directory(path)) return !npy_files_of(path).empty();
  std::shared_ptr<const MappedFile> file;
  return is_npy(head_of(path, file));
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
    const std::string& file_path = files.at(name);
    const auto file = MappedFile::open(file_path);
    NamedArray out = parse_npy(file->bytes(), name, file_path);
    if (!out.owner) out.owner = file;
    return out;
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
