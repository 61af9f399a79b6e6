// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/npz.hpp"

#include "lib/core/error.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/numpy/zip_writer.hpp"

namespace pare::numpy {
namespace {

constexpr std::string_view kExtension = ".npy";
}  // namespace

void write_npz(std::span<const NamedArray> arrays, const std::string& path) {
  ZipWriter file(path);
  for (const auto& [name, array] : arrays) {
    const std::string start = npy_start(array);
    file.add(name + std::string(kExtension), {std::as_bytes(std::span(start)), array.bytes});
  }
  file.commit();
}

NpzReader::NpzReader(const std::string& path) : archive_(path) {
  for (size_t i = 0; i < archive_.members().size(); ++i) {
    std::string name = archive_.members()[i].name;
    if (name.ends_with(kExtension)) name.resize(name.size() - kExtension.size());
    if (!members_.emplace(name, i).second) {
      throw Error(path + ": " + name, "is in the archive twice");
    }
    stored_names_.push_back(name);
  }
}

std::vector<std::string> NpzReader::names() const {
  std::vector<std::string> out;
  for (const auto& [name, member] : members_) out.push_back(name);
  return out;
}

std::vector<std::string> NpzReader::stored_names() const { return stored_names_; }

Array NpzReader::load(const std::string& name) const {
  auto content = archive_.read(archive_.members()[members_.at(name)]);
  return parse_npy(content.bytes, std::move(content.owner), archive_.path() + ": " + name);
}

}  // namespace pare::numpy
