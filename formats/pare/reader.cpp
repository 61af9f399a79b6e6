// SPDX-License-Identifier: Apache-2.0
// Nothing in the file is believed: arrays come validated from lib/hdf5, the index is checked field
// by field, parts may not overlap, and tensors are checked against their hashes when first read.
#include <algorithm>
#include <set>

#include "formats/pare/file_index.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats {

namespace {

// Vocabularies are the largest of what is compressed.
constexpr int64_t kMaxDecoded = int64_t{1} << 30;
// Sparse tensors may have this many elements, and so many for each byte of the file: one bit of a
// mask can stand for a block of any size, and most of what reads a tensor fills in its zeros.
constexpr int64_t kFreeSparseElements = 4 << 20;
constexpr int64_t kSparseElementsPerByte = 1024;

class ModelReader {
 public:
  ModelReader(const std::string& path, bool check_hashes)
      : path_(path),
        check_hashes_(check_hashes),
        file_(hdf5::read(path, {.max_decoded_bytes = kMaxDecoded})) {}

  ir::Model read() {
    check_version();
    index_ = index_from_json(parse_json(text_of(kIndexArray), path_), path_);
    check_disjoint();
    check_sparse();
    ir::Model model;
    for (const Json& graph : parse_json(checked_text(kGraphsArray, index_.graphs_hash), path_)) {
      model.graphs.push_back(ir::graph_from_json(graph, path_));
    }
    model.metadata = ir::metadata_from_json(
        parse_json(checked_text(kMetadataArray, index_.metadata_hash), path_), path_);
    for (const AssetEntry& asset : index_.assets) {
      const std::span<const std::byte> bytes = bytes_of(asset.array);
      check_hash(bytes, asset.hash, "asset " + asset.name);
      model.assets.emplace(asset.name, ir::Bytes(bytes.begin(), bytes.end()));
    }
    for (const TensorEntry& entry : index_.tensors) {
      if (model.parameters.contains(entry.name)) fail(entry.name, "appears twice");
      model.parameters.set(entry.name, tensor_of(entry));
    }
    return model;
  }

 private:
  void check_version() const {
    const auto version = file_.attributes.find(std::string(kVersionAttribute));
    if (version == file_.attributes.end()) {
      throw Error(path_, "is an HDF5 file, but not a .pare model");
    }
    if (version->second > kPareFormatVersion) {
      throw Error(path_, "written by a newer pare: format " + std::to_string(version->second) +
                             ", this pare reads up to " + std::to_string(kPareFormatVersion));
    }
    if (version->second < 1) throw Error(path_, "damaged .pare file: no such format version");
  }

  [[noreturn]] void fail(const std::string& tensor, const std::string& fact) const {
    throw Error(path_, "tensor " + escaped(tensor) + ": " + fact);
  }

  std::span<const std::byte> bytes_of(std::string_view array) const {
    const hdf5::Array* found = file_.find(array);
    if (!found) throw Error(path_, "damaged .pare file: " + escaped(array) + " is missing");
    return found->bytes;
  }

  std::string_view text_of(std::string_view array) const {
    const std::span<const std::byte> bytes = bytes_of(array);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string_view checked_text(std::string_view array, const std::string& hash) const {
    check_hash(bytes_of(array), hash, std::string(array));
    return text_of(array);
  }

  void check_hash(std::span<const std::byte> bytes, const std::string& hash,
                  const std::string& what) const {
    if (hash_text(bytes) != hash) {
      throw Error(path_, escaped(what) + ": contents do not match their hash");
    }
  }

  // An array belongs to one part, and parts in the shared array do not share bytes.
  void check_disjoint() const {
    std::set<std::string> arrays;
    std::vector<std::pair<int64_t, int64_t>> ranges;
    for (const TensorEntry& entry : index_.tensors) {
      for (const PartLocation& part : entry.parts) {
        const int64_t size = ir::byte_size(part.dtype, part.dims, path_);
        if (part.array.empty()) {
          if (size > 0) ranges.emplace_back(part.offset, checked_add(part.offset, size, path_));
        } else if (!arrays.insert(part.array).second) {
          fail(entry.name, "overlaps another tensor");
        }
      }
    }
    std::sort(ranges.begin(), ranges.end());
    for (size_t i = 1; i < ranges.size(); ++i) {
      if (ranges[i].first < ranges[i - 1].second) throw Error(path_, "tensors overlap in the file");
    }
  }

  void check_sparse() const {
    const int64_t honest = checked_mul(file_.file_bytes, kSparseElementsPerByte, path_);
    int64_t left = checked_add(kFreeSparseElements, honest, path_);
    for (const TensorEntry& entry : index_.tensors) {
      if (entry.layout.kind == ir::SparseKind::kDense) continue;
      left -= checked_product(entry.dims, path_);
      if (left < 0) fail(entry.name, "is sparse, and far larger than the file");
    }
  }

  std::span<const std::byte> locate(const TensorEntry& entry, const PartLocation& part) const {
    const int64_t size = ir::byte_size(part.dtype, part.dims, path_);
    const std::span<const std::byte> home =
        bytes_of(part.array.empty() ? kSmallArray : std::string_view(part.array));
    const auto available = static_cast<int64_t>(home.size());
    if (!part.array.empty() && available != size) {
      fail(entry.name,
           "takes " + std::to_string(size) + " bytes, the file holds " + std::to_string(available));
    }
    if (part.offset < 0 || checked_add(part.offset, size, path_) > available) {
      fail(entry.name, "ends past the data it lies in");
    }
    return home.subspan(static_cast<size_t>(part.offset), static_cast<size_t>(size));
  }

  ir::Buffer buffer_of(const TensorEntry& entry, const PartLocation& part) const {
    std::span<const std::byte> bytes = locate(entry, part);
    std::shared_ptr<const void> owner = file_.owner;
    // Kernels read elements where they lie. Our writer aligns; somebody else's may not have.
    if (reinterpret_cast<uintptr_t>(bytes.data()) % kSmallAlignment != 0) {
      const auto copy = std::make_shared<const ir::Bytes>(bytes.begin(), bytes.end());
      bytes = *copy;
      owner = copy;
    }
    if (!check_hashes_) return ir::Buffer::mapped(bytes, std::move(owner));
    return ir::Buffer::checked(
        bytes, std::move(owner),
        [path = path_, name = entry.name, hash = part.hash](std::span<const std::byte> contents) {
          if (hash_text(contents) != hash) {
            throw Error(path, "tensor " + escaped(name) + ": contents do not match their hash");
          }
        });
  }

  ir::Tensor tensor_of(const TensorEntry& entry) const {
    const bool plain = entry.parts.size() == 1 && !entry.parts[0].part;
    try {
      if (plain) {
        const PartLocation& values = entry.parts[0];
        if (entry.scheme || entry.layout.kind != ir::SparseKind::kDense ||
            values.dims != entry.dims) {
          fail(entry.name, "is described in two ways");
        }
        return ir::Tensor(values.dtype, values.dims, buffer_of(entry, values));
      }
      ir::Tensor::Parts parts;
      for (const PartLocation& part : entry.parts) {
        if (!part.part) fail(entry.name, "has a part without a name");
        if (parts.at[static_cast<size_t>(*part.part)]) fail(entry.name, "has a part twice");
        parts.set(*part.part, ir::Tensor(part.dtype, part.dims, buffer_of(entry, part)));
      }
      return ir::Tensor::composite(entry.dims, entry.scheme, entry.layout, std::move(parts));
    } catch (const Error& error) {
      if (error.subject() == path_) throw;
      fail(entry.name, error.fact());
    }
  }

  std::string path_;
  bool check_hashes_;
  hdf5::Index file_;
  FileIndex index_;
};

}  // namespace

bool is_pare(std::span<const std::byte> head) { return hdf5::has_signature(head); }

ir::Model read_pare(const std::string& path, bool check_hashes) {
  return ModelReader(path, check_hashes).read();
}

}  // namespace pare::formats
