// SPDX-License-Identifier: Apache-2.0
// Where a file written by torch.save keeps the values of its tensors: as members `NAME/data/KEY` of
// a zip archive, or (before PyTorch 1.6) one after the other behind the pickles.
#pragma once

#include <map>
#include <memory>
#include <span>
#include <string>

#include "formats/pytorch/pickle.hpp"
#include "lib/ir/dtype.hpp"

namespace pare::formats::pytorch {

// What a persistent id says about a storage.
struct StorageId {
  std::string key;
  std::string type;  // "FloatStorage"
  int64_t elements = 0;
  int64_t view_start = 0;  // in elements; storages could be views of others before PyTorch 0.4
};

// Element types as torch names them ("float32") and their storages ("FloatStorage").
struct ElementType {
  std::string_view storage;
  std::string_view name;
  int bytes;
  ir::DType dtype;  // float64 becomes f32
  bool is_double;
};
// Throws Error(path) when it is not one that a Model holds.
const ElementType& element_of_storage(const std::string& storage_type, const std::string& path);
const ElementType& element_of_name(const std::string& name, const std::string& path);
// Throws Bug for types that PyTorch lacks (i4, u4).
const ElementType& element_of_dtype(ir::DType dtype);

// Throws Error(path) unless `value` is a kPersistent of a storage.
StorageId storage_id(const Pickle& pickle, const Value& value, const std::string& path);

// Labels, preprocessing and history, in files that pare wrote; PyTorch passes over it.
inline constexpr std::string_view kMetadataMember = "pare.json";

struct SavedFile {
  std::shared_ptr<const Pickle> pickle;
  std::map<std::string, std::span<const std::byte>> storages;  // by key
  std::shared_ptr<const void> owner;                           // of their bytes
  std::string metadata;                                        // "" when there is none
};

// Whether the first bytes of a file may be those of torch.save.
bool is_saved_file(std::span<const std::byte> head);
// Throws Error(path): damaged, big-endian, a TorchScript module, another kind of archive or pickle.
SavedFile open_saved_file(const std::string& path);

}  // namespace pare::formats::pytorch
