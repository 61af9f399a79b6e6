// SPDX-License-Identifier: Apache-2.0
#include "formats/pytorch/storages.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <set>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/numpy/zip_archive.hpp"

namespace pare::formats::pytorch {

namespace {

using ir::DType;

constexpr auto kElements = std::to_array<ElementType>({
    {"FloatStorage", "float32", 4, DType::kF32, false},
    {"DoubleStorage", "float64", 8, DType::kF32, true},
    {"HalfStorage", "float16", 2, DType::kF16, false},
    {"BFloat16Storage", "bfloat16", 2, DType::kBF16, false},
    {"LongStorage", "int64", 8, DType::kI64, false},
    {"IntStorage", "int32", 4, DType::kI32, false},
    {"ShortStorage", "int16", 2, DType::kI16, false},
    {"CharStorage", "int8", 1, DType::kI8, false},
    {"ByteStorage", "uint8", 1, DType::kU8, false},
    {"BoolStorage", "bool", 1, DType::kBool, false},
});

// The number that the first pickle of a legacy file holds, as its bytes: PROTO 2, LONG1 of 10.
constexpr std::array<uint8_t, 15> kLegacyStart = {0x80, 0x02, 0x8A, 0x0A, 0x6C, 0xFC, 0x9C, 0x46,
                                                  0xF9, 0x20, 0x6A, 0xA8, 0x50, 0x19, 0x2E};
constexpr int64_t kLegacyProtocol = 1001;
constexpr std::string_view kZipStart = "PK\x03\x04";
constexpr size_t kZipNameAt = 30;
constexpr uint8_t kProto = 0x80;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

bool starts_with(std::span<const std::byte> bytes, std::span<const uint8_t> start) {
  return bytes.size() >= start.size() && std::memcmp(bytes.data(), start.data(), start.size()) == 0;
}

const Value* find_key(const Pickle& pickle, const Value& dict, std::string_view key) {
  for (size_t i = 0; i + 1 < dict.items.size(); i += 2) {
    if (pickle.item(dict, i).text == key) return &pickle.item(dict, i + 1);
  }
  return nullptr;
}

// All storages that the pickle refers to, by key. Two ids that disagree about one are refused.
std::map<std::string, StorageId> referenced(const Pickle& pickle, const std::string& path) {
  std::map<std::string, StorageId> out;
  for (const Value& value : pickle.values()) {
    if (value.kind != Kind::kPersistent) continue;
    const StorageId id = storage_id(pickle, value, path);
    const auto [it, added] = out.emplace(id.key, id);
    if (!added && (it->second.type != id.type || it->second.elements != id.elements)) {
      throw Error(path, "describes storage " + escaped(id.key) + " in two ways");
    }
  }
  return out;
}

class LegacyFile {
 public:
  explicit LegacyFile(const std::string& path) : path_(path), file_(MappedFile::open(path)) {
    rest_ = file_->bytes();
  }

  SavedFile open() {
    const Pickle magic = next();
    if (!starts_with(file_->bytes(), kLegacyStart)) {
      throw Error(path_, "is a pickle, but not one that torch.save wrote");
    }
    if (const Pickle version = next(); version.root().integer != kLegacyProtocol) {
      throw Error(path_, "damaged: unknown version of the legacy format");
    }
    const Pickle system = next();
    const Value* little = find_key(system, system.root(), "little_endian");
    if (!little || little->integer != 1) throw Error(path_, "was written on a big-endian machine");
    SavedFile out;
    out.pickle = std::make_shared<const Pickle>(next());
    out.owner = file_;
    take_storages(next(), referenced(*out.pickle, path_), out);
    return out;
  }

 private:
  Pickle next() {
    Pickle pickle(rest_, path_);
    rest_ = rest_.subspan(pickle.size());
    return pickle;
  }

  std::span<const std::byte> take(int64_t size) {
    if (static_cast<uint64_t>(size) > rest_.size()) throw Error(path_, "ends before its tensors");
    const auto out = rest_.first(static_cast<size_t>(size));
    rest_ = rest_.subspan(static_cast<size_t>(size));
    return out;
  }

  // A count of elements, then the elements, for each key in turn.
  void take_storages(const Pickle& keys, const std::map<std::string, StorageId>& ids,
                     SavedFile& out) {
    for (size_t i = 0; i < keys.root().items.size(); ++i) {
      const std::string& key = keys.item(keys.root(), i).text;
      const auto id = ids.find(key);
      if (id == ids.end()) throw Error(path_, "stores values that no tensor has");
      int64_t elements = 0;
      std::memcpy(&elements, take(sizeof elements).data(), sizeof elements);
      if (elements != id->second.elements) {
        throw Error(path_, "storage " + escaped(key) + " should have " +
                               std::to_string(id->second.elements) + " elements, found " +
                               std::to_string(elements));
      }
      const int width = element_of_storage(id->second.type, path_).bytes;
      if (!out.storages.emplace(key, take(checked_mul(elements, width, path_))).second) {
        throw Error(path_, "stores the values of " + escaped(key) + " twice");
      }
    }
    if (!rest_.empty()) {
      throw Error(path_, "has " + std::to_string(rest_.size()) + " bytes behind its last tensor");
    }
  }

  const std::string& path_;
  std::shared_ptr<const MappedFile> file_;
  std::span<const std::byte> rest_;
};

numpy::ZipArchive::Content read_stored(const numpy::ZipArchive& archive,
                                       const numpy::ZipArchive::Member& member) {
  // What a few compressed bytes expand to is not bounded by the file.
  if (member.deflated) {
    throw Error(archive.path(), "is compressed; torch.save stores its members as they are");
  }
  return archive.read(member);
}

// The folder that all members lie in, "archive/".
std::string folder_of(const numpy::ZipArchive& archive) {
  for (const auto& member : archive.members()) {
    if (member.name == "data.pkl" || member.name.ends_with("/data.pkl")) {
      return member.name.substr(0, member.name.size() - std::string_view("data.pkl").size());
    }
  }
  throw Error(archive.path(), "is a zip archive, but not one that torch.save wrote");
}

SavedFile open_zip(const std::string& path) {
  const numpy::ZipArchive archive(path);
  const std::string folder = folder_of(archive);
  SavedFile out;
  std::span<const std::byte> pickle;
  for (const auto& member : archive.members()) {
    if (!member.name.starts_with(folder)) continue;
    const std::string name = member.name.substr(folder.size());
    if (name == "constants.pkl")
      throw Error(path, "is a TorchScript module rather than weights; --from torchscript reads it");
    if (name == "data.pkl") {
      const auto content = read_stored(archive, member);
      pickle = content.bytes;
      out.owner = content.owner;  // the one file that all members are views of
    }
    if (name == kMetadataMember) out.metadata = text_of(read_stored(archive, member).bytes);
    if (name == "byteorder" && text_of(read_stored(archive, member).bytes) != "little") {
      throw Error(path, "was written on a big-endian machine");
    }
    if (name.starts_with("data/")) {
      out.storages.emplace(name.substr(5), read_stored(archive, member).bytes);
    }
  }
  out.pickle = std::make_shared<const Pickle>(pickle, path);
  return out;
}

}  // namespace

const ElementType& element_of_storage(const std::string& storage_type, const std::string& path) {
  for (const ElementType& element : kElements) {
    if (element.storage == storage_type) return element;
  }
  throw Error(path, "holds tensors in " + escaped(storage_type) + ", which no model stores");
}

const ElementType& element_of_name(const std::string& name, const std::string& path) {
  for (const ElementType& element : kElements) {
    if (element.name == name) return element;
  }
  throw Error(path, "holds tensors of " + escaped(name) + ", which no model stores");
}

const ElementType& element_of_dtype(ir::DType dtype) {
  for (const ElementType& element : kElements) {
    if (element.dtype == dtype && !element.is_double) return element;
  }
  throw Bug("PyTorch has no such element type");
}

StorageId storage_id(const Pickle& pickle, const Value& value, const std::string& path) {
  const auto refuse = [&](bool wrong) {
    if (wrong) throw Error(path, "damaged: what should be a storage is something else");
  };
  refuse(value.kind != Kind::kPersistent);
  const Value& id = pickle.item(value, 0);
  refuse(id.kind != Kind::kTuple || id.items.size() < 5 || id.items.size() > 6);
  const Value& type = pickle.item(id, 1);
  const Value& elements = pickle.item(id, 4);
  refuse(pickle.item(id, 0).text != "storage" || type.kind != Kind::kGlobal ||
         pickle.item(id, 2).kind != Kind::kText || elements.kind != Kind::kInt ||
         elements.integer < 0);
  StorageId out{.key = pickle.item(id, 2).text,
                .type = type.text.substr(type.text.rfind('.') + 1),
                .elements = elements.integer};
  if (id.items.size() == 6 && pickle.item(id, 5).kind == Kind::kTuple) {
    const Value& view = pickle.item(id, 5);
    refuse(view.items.size() != 3 || pickle.item(view, 1).kind != Kind::kInt ||
           pickle.item(view, 1).integer < 0);
    out.view_start = pickle.item(view, 1).integer;
  }
  return out;
}

bool is_saved_file(std::span<const std::byte> head) {
  if (text_of(head).starts_with(kZipStart)) {
    if (head.size() < kZipNameAt) return false;
    uint16_t size = 0;
    std::memcpy(&size, head.data() + 26, sizeof size);
    const std::string_view name = text_of(head).substr(kZipNameAt, size);
    // torch.save puts everything into one folder; an .npz file has none.
    return name.find('/') != std::string_view::npos && !name.ends_with(".npy");
  }
  return head.size() > 2 && static_cast<uint8_t>(head[0]) == kProto &&
         static_cast<uint8_t>(head[1]) >= 2 && static_cast<uint8_t>(head[1]) <= 5;
}

SavedFile open_saved_file(const std::string& path) {
  const auto file = MappedFile::open(path);
  return text_of(file->bytes()).starts_with(kZipStart) ? open_zip(path) : LegacyFile(path).open();
}

}  // namespace pare::formats::pytorch
