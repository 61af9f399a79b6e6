// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/child_index.hpp"

#include <algorithm>
#include <optional>

#include <sys/mman.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/hdf5/child_texts.hpp"

namespace pare::hdf5 {

namespace {

constexpr int64_t kMaxArrays = 100'000;
constexpr int64_t kDecodedAlignment = 64;

struct Walk {
  const ChildTask& task;
  const Handle& file;
  int64_t shared_bytes = 0;
  Json arrays = Json::array();
  Json unsupported = Json::array();
  GroupTexts texts;
  bool too_large = false;
};

struct TypeSeen {
  Element element;
  int64_t bytes;
  bool little_endian;
};

std::optional<Element> integer_element(hid_t type, size_t size) {
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  // Bit fields narrower than their storage would need unpacking.
  if (H5Tget_precision(type) != 8 * size) return std::nullopt;
  switch (size) {
    case 1:
      return is_signed ? Element::kI8 : Element::kU8;
    case 2:
      return is_signed ? Element::kI16 : Element::kU16;
    case 4:
      return is_signed ? Element::kI32 : Element::kU32;
    case 8:
      return is_signed ? Element::kI64 : Element::kU64;
    default:
      return std::nullopt;
  }
}

std::optional<Element> float_element(hid_t type, size_t size) {
  const size_t bias = H5Tget_ebias(type);
  if (size == 2 && bias == 15) return Element::kF16;
  if (size == 4 && bias == 127) return Element::kF32;
  if (size == 8 && bias == 1023) return Element::kF64;
  return std::nullopt;
}

// Nothing for types that are not arrays of numbers or fixed-length strings. An enumeration counts
// as its integers (h5py writes booleans that way).
std::optional<TypeSeen> classify(hid_t type) {
  const size_t size = H5Tget_size(type);
  const bool little = H5Tget_order(type) != H5T_ORDER_BE;
  std::optional<Element> element;
  switch (H5Tget_class(type)) {
    case H5T_INTEGER:
      element = integer_element(type, size);
      break;
    case H5T_FLOAT:
      element = float_element(type, size);
      break;
    case H5T_ENUM: {
      const Handle base(H5Tget_super(type));
      return base.valid() ? classify(base) : std::nullopt;
    }
    case H5T_STRING:
      if (H5Tis_variable_str(type) == 0 && size > 0) element = Element::kText;
      return element ? std::optional(TypeSeen{*element, static_cast<int64_t>(size), true})
                     : std::nullopt;
    default:
      break;
  }
  if (!element) return std::nullopt;
  return TypeSeen{*element, static_cast<int64_t>(size), little || size == 1};
}

// Dims of a dataset; nothing for a null dataspace.
std::optional<std::vector<int64_t>> dims_of(hid_t dataset) {
  const Handle space(H5Dget_space(dataset));
  if (!space.valid() || H5Sget_simple_extent_type(space) == H5S_NULL) return std::nullopt;
  const int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || rank > H5S_MAX_RANK) throw Error("hdf5", "rank");
  std::vector<hsize_t> dims(static_cast<size_t>(rank));
  if (rank > 0 && H5Sget_simple_extent_dims(space, dims.data(), nullptr) != rank) {
    throw Error("hdf5", "dims");
  }
  return std::vector<int64_t>(dims.begin(), dims.end());
}

std::optional<int64_t> total_bytes(const std::vector<int64_t>& dims, int64_t element_bytes) {
  int64_t total = element_bytes;
  for (const int64_t d : dims) {
    if (d < 0 || __builtin_mul_overflow(total, d, &total)) return std::nullopt;
  }
  return total;
}

// Bytes [begin, end) of shared memory, mapped for writing while this lives.
class Window {
 public:
  Window(int fd, int64_t begin, int64_t end) {
    const int64_t page = ::sysconf(_SC_PAGESIZE);
    skip_ = begin % page;
    size_ = static_cast<size_t>(end - begin + skip_);
    base_ = ::mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_SHARED, fd, begin - skip_);
    if (base_ == MAP_FAILED) throw Error("hdf5", "no address space to decode into");
  }
  ~Window() { ::munmap(base_, size_); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;
  std::byte* data() const { return static_cast<std::byte*>(base_) + skip_; }

 private:
  int64_t skip_ = 0;
  size_t size_ = 0;
  void* base_ = nullptr;
};

// Offset in shared memory, or nothing when the limit is hit.
std::optional<int64_t> decode(Walk& walk, hid_t dataset, const TypeSeen& type, int64_t bytes) {
  if (bytes == 0) return 0;
  const int64_t at =
      (walk.shared_bytes + kDecodedAlignment - 1) / kDecodedAlignment * kDecodedAlignment;
  int64_t end = 0;
  if (__builtin_add_overflow(at, bytes, &end) || end > walk.task.max_decoded_bytes) {
    walk.too_large = true;
    return std::nullopt;
  }
  if (::ftruncate(walk.task.shared_memory, end) != 0) throw Error("hdf5", "no shared memory");
  const Handle memory_type = native_type(type.element, static_cast<size_t>(type.bytes));
  const Window window(walk.task.shared_memory, at, end);
  if (H5Dread(dataset, memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, window.data()) < 0) {
    throw Error("hdf5", "unreadable array");
  }
  walk.shared_bytes = end;
  return at;
}

bool mappable(hid_t dataset, const TypeSeen& type) {
  const Handle creation(H5Dget_create_plist(dataset));
  return type.little_endian && H5Pget_layout(creation) == H5D_CONTIGUOUS &&
         H5Pget_external_count(creation) == 0 && H5Dget_offset(dataset) != HADDR_UNDEF;
}

// Bytes that lie in other files: never read.
bool leads_elsewhere(hid_t dataset) {
  const Handle creation(H5Dget_create_plist(dataset));
  return H5Pget_layout(creation) == H5D_VIRTUAL || H5Pget_external_count(creation) != 0;
}

void list_dataset(Walk& walk, const char* name, hid_t dataset) {
  if (static_cast<int64_t>(walk.arrays.size()) >= kMaxArrays) throw Error("hdf5", "too many");
  const Handle stored_type(H5Dget_type(dataset));
  const std::optional<TypeSeen> type = classify(stored_type);
  const auto dims = dims_of(dataset);
  const auto bytes = type && dims ? total_bytes(*dims, type->bytes) : std::nullopt;
  if (!bytes || leads_elsewhere(dataset)) {
    walk.unsupported.push_back(name);
    return;
  }
  Json row = {{"n", name},   {"t", info(type->element).name},    {"s", type->bytes}, {"d", *dims},
              {"b", *bytes}, {"z", H5Dget_storage_size(dataset)}};
  if (*bytes > 0 && mappable(dataset, *type)) {
    row["f"] = H5Dget_offset(dataset);
  } else if (const auto at = decode(walk, dataset, *type, *bytes)) {
    row["m"] = *at;
  } else {
    return;
  }
  walk.arrays.push_back(std::move(row));
}

herr_t visit_link(hid_t group, const char* name, const H5L_info_t* link, void* context) noexcept {
  try {
    auto& walk = *static_cast<Walk*>(context);
    if (link->type != H5L_TYPE_HARD) return 0;
    const auto& only = walk.task.only;
    if (!only.empty() && std::find(only.begin(), only.end(), name) == only.end()) return 0;
    const Handle object(H5Oopen(group, name, H5P_DEFAULT));
    if (!object.valid()) return -1;
    const H5I_type_t type = H5Iget_type(object);
    if (type == H5I_DATASET) list_dataset(walk, name, object);
    if (type == H5I_GROUP && walk.task.max_text_bytes > 0) walk.texts.add(object, name);
    return walk.too_large || walk.texts.too_large() ? 1 : 0;
  } catch (...) {
    return -1;
  }
}

herr_t visit_attribute(hid_t object, const char* name, const H5A_info_t*, void* out) noexcept {
  try {
    const Handle attribute(H5Aopen(object, name, H5P_DEFAULT));
    const Handle space(H5Aget_space(attribute));
    const Handle type(H5Aget_type(attribute));
    if (!attribute.valid() || H5Tget_class(type) != H5T_INTEGER) return 0;
    if (H5Sget_simple_extent_type(space) != H5S_SCALAR) return 0;
    int64_t value = 0;
    if (H5Aread(attribute, H5T_NATIVE_INT64, &value) < 0) return -1;
    (*static_cast<Json*>(out))[name] = value;
    return 0;
  } catch (...) {
    return -1;
  }
}

}  // namespace

Handle open_for_listing(const std::string& path) {
  H5PLset_loading_state(0);
  const Handle access(H5Pcreate(H5P_FILE_ACCESS));
  H5Pset_file_locking(access, false, true);
  return Handle(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access));
}

std::string list_arrays(const ChildTask& task, const Handle& file) {
  if (!file.valid()) throw Error("hdf5", "cannot be opened");
  Walk walk{.task = task, .file = file, .texts = GroupTexts(task.max_text_bytes)};
  if (task.max_text_bytes > 0) walk.texts.add(file, "");
  Json attributes = Json::object();
  if (H5Aiterate2(file, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit_attribute, &attributes) < 0 ||
      H5Lvisit(file, H5_INDEX_NAME, H5_ITER_INC, visit_link, &walk) < 0) {
    throw Error("hdf5", "cannot be walked");
  }
  return to_text({{"arrays", std::move(walk.arrays)},
                  {"attributes", std::move(attributes)},
                  {"texts", walk.texts.take()},
                  {"unsupported", std::move(walk.unsupported)},
                  {"too_large", walk.too_large},
                  {"too_much_text", walk.texts.too_large()}});
}

}  // namespace pare::hdf5
