// SPDX-License-Identifier: Apache-2.0
#include "formats/pytorch/tensors.hpp"

#include <cstring>

#include "formats/double_values.hpp"
#include "lib/core/checked.hpp"

namespace pare::formats::pytorch {

namespace {

constexpr size_t kLargestRank = 16;
constexpr int kDeepestWrapping = 4;  // a Parameter of a Parameter
// Copies of strided tensors may take this much, and so many times the file's size: an expanded
// tensor (stride 0) of 2^60 elements is a valid file of one kilobyte.
constexpr int64_t kFreeCopies = 32 << 20;
constexpr int64_t kCopiesPerByte = 8;

bool is_one_of(std::string_view name, std::initializer_list<std::string_view> names) {
  for (const std::string_view known : names) {
    if (name == known) return true;
  }
  return false;
}

bool rebuilds(std::string_view name) {
  return is_one_of(name, {"torch._utils._rebuild_tensor", "torch._utils._rebuild_tensor_v2",
                          "torch._utils._rebuild_tensor_v3"});
}

bool wraps(std::string_view name) {
  return is_one_of(
      name, {"torch._utils._rebuild_parameter", "torch._utils._rebuild_parameter_with_state"});
}

}  // namespace

// Elements start, start + stride, ... of `bytes`.
struct TensorReader::Strided {
  const ElementType* element = nullptr;
  std::span<const std::byte> storage;
  int64_t start = 0;
  ir::Dims dims;
  ir::Dims strides;

  bool contiguous() const {
    int64_t expected = 1;
    for (size_t d = dims.size(); d-- > 0;) {
      if (dims[d] != 1 && strides[d] != expected) return false;
      expected *= dims[d];
    }
    return true;
  }
};

namespace {

// Row-major copy; the inner dimension is a run of elements `step` bytes apart.
void gather(const std::byte* from, const ir::Dims& dims, const ir::Dims& strides, size_t width,
            std::span<std::byte> to) {
  const size_t inner = dims.empty() ? 1 : static_cast<size_t>(dims.back());
  const size_t step = dims.empty() ? 0 : static_cast<size_t>(strides.back()) * width;
  ir::Dims index(dims.size());
  for (std::byte* out = to.data(); out != to.data() + to.size();) {
    for (size_t i = 0; i < inner; ++i, out += width) std::memcpy(out, from + i * step, width);
    for (size_t d = dims.size(); d-- > 1;) {
      const size_t outer = d - 1;
      const auto jump = strides[outer] * static_cast<int64_t>(width);
      from += jump;
      if (++index[outer] < dims[outer]) break;
      from -= jump * dims[outer];
      index[outer] = 0;
    }
  }
}

}  // namespace

TensorReader::TensorReader(const SavedFile& file, std::string path)
    : file_(file), path_(std::move(path)) {
  int64_t stored = static_cast<int64_t>(file.pickle->size());
  for (const auto& [key, bytes] : file.storages) stored += static_cast<int64_t>(bytes.size());
  budget_ = checked_add(kFreeCopies, checked_mul(stored, kCopiesPerByte, path_), path_);
}

void TensorReader::damaged(const std::string& fact) const {
  throw Error(path_, "damaged tensor: " + fact);
}

const Value& TensorReader::argument(const Value& call, size_t i) const {
  const Value& arguments = file_.pickle->item(call, 1);
  if (i >= arguments.items.size()) damaged("it is described by too few fields");
  return file_.pickle->item(arguments, i);
}

int64_t TensorReader::integer(const Value& value, const char* what) const {
  if (value.kind != Kind::kInt || value.integer < 0) damaged(std::string(what) + " is no size");
  return value.integer;
}

ir::Dims TensorReader::integers(const Value& value, const char* what) const {
  const bool is_size = callee_of(*file_.pickle, value) == "torch.Size";
  const Value& tuple = is_size ? argument(value, 0) : value;
  if (tuple.kind != Kind::kTuple || tuple.items.size() > kLargestRank) {
    damaged(std::string(what) + " is no list of at most 16 sizes");
  }
  ir::Dims out;
  for (const Ref item : tuple.items) out.push_back(integer(file_.pickle->at(item), what));
  return out;
}

TensorReader::Strided TensorReader::view_of(const Value& call) const {
  const StorageId id = storage_id(*file_.pickle, argument(call, 0), path_);
  const auto bytes = file_.storages.find(id.key);
  if (bytes == file_.storages.end()) damaged("its storage " + escaped(id.key) + " is missing");
  Strided out{.storage = bytes->second,
              .start = checked_add(integer(argument(call, 1), "offset"), id.view_start, path_),
              .dims = integers(argument(call, 2), "shape"),
              .strides = integers(argument(call, 3), "stride")};
  if (callee_of(*file_.pickle, call) == "torch._utils._rebuild_tensor_v3") {
    const Value& type = argument(call, 6);
    if (type.kind != Kind::kGlobal) damaged("its type is missing");
    out.element = &element_of_name(type.text.substr(type.text.rfind('.') + 1), path_);
  } else {
    out.element = &element_of_storage(id.type, path_);
  }
  if (out.dims.size() != out.strides.size()) damaged("its shape and strides differ in number");
  return out;
}

// The storage from the tensor's first element to its last; empty when it has none.
std::span<const std::byte> TensorReader::window(const Strided& view) const {
  const int64_t count = ir::element_count(view.dims, path_);
  if (count == 0) return {};
  int64_t last = view.start;
  for (size_t d = 0; d < view.dims.size(); ++d) {
    last = checked_add(last, checked_mul(view.dims[d] - 1, view.strides[d], path_), path_);
  }
  const int64_t width = view.element->bytes;
  const int64_t end = checked_mul(checked_add(last, 1, path_), width, path_);
  if (static_cast<uint64_t>(end) > view.storage.size()) damaged("it ends past its storage");
  const auto begin = static_cast<size_t>(view.start * width);
  return view.storage.subspan(begin, static_cast<size_t>(end) - begin);
}

void TensorReader::charge(int64_t bytes) {
  if (bytes > budget_) damaged("its values take far more memory than the file has");
  budget_ -= bytes;
}

bool TensorReader::is_tensor(const Value& value) const {
  const Value* inner = &value;
  for (int depth = 0; depth < kDeepestWrapping; ++depth) {
    const std::string_view callee = callee_of(*file_.pickle, *inner);
    if (rebuilds(callee)) return true;
    if (!wraps(callee)) return false;
    inner = &argument(*inner, 0);
  }
  return false;
}

std::optional<ir::Tensor> TensorReader::tensor(const Value& value) {
  if (!is_tensor(value)) return std::nullopt;
  const Value* call = &value;
  while (wraps(callee_of(*file_.pickle, *call))) call = &argument(*call, 0);
  const Strided view = view_of(*call);
  std::span<const std::byte> bytes = window(view);
  const auto width = static_cast<size_t>(view.element->bytes);
  const int64_t count = ir::element_count(view.dims, path_);
  ir::Bytes copy;
  const bool aligned = reinterpret_cast<uintptr_t>(bytes.data()) % width == 0;
  const bool as_it_is = count == 0 || (view.contiguous() && aligned);
  if (!as_it_is) {
    const int64_t size = checked_mul(count, view.element->bytes, path_);
    charge(size);
    copy.resize(static_cast<size_t>(size));
    gather(bytes.data(), view.dims, view.strides, width, copy);
    bytes = copy;
  }
  if (view.element->is_double) {
    ++narrowed_;
    charge(static_cast<int64_t>(bytes.size() / 2));
    return ir::Tensor(view.element->dtype, view.dims, ir::Buffer::heap(to_single(bytes)));
  }
  if (as_it_is) {
    return ir::Tensor(view.element->dtype, view.dims, ir::Buffer::mapped(bytes, file_.owner));
  }
  return ir::Tensor(view.element->dtype, view.dims, ir::Buffer::heap(std::move(copy)));
}

}  // namespace pare::formats::pytorch
