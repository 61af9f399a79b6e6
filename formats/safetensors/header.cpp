// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/header.hpp"

#include <algorithm>
#include <array>
#include <cstring>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"

namespace pare::formats::safetensors {

namespace {

using ir::DType;

// The ordered JSON of a header is searched linearly for repeated keys.
constexpr auto kMostTensors = 50'000;
constexpr size_t kLargestRank = 16;

struct DTypeRow {
  std::string_view text;
  DType dtype;
};
constexpr auto kDTypes = std::to_array<DTypeRow>({{"F32", DType::kF32},
                                                  {"F16", DType::kF16},
                                                  {"BF16", DType::kBF16},
                                                  {"I64", DType::kI64},
                                                  {"I32", DType::kI32},
                                                  {"I16", DType::kI16},
                                                  {"I8", DType::kI8},
                                                  {"U8", DType::kU8},
                                                  {"BOOL", DType::kBool}});

class HeaderParser {
 public:
  HeaderParser(std::span<const std::byte> file, const std::string& path)
      : file_(file), path_(path) {}

  Header parse() {
    const std::string_view text = header_text();
    if (std::ranges::count(text, '{') > kMostTensors) {
      fail("lists more than " + std::to_string(kMostTensors) + " tensors");
    }
    const Json json = parse_json(text, path_);
    if (!json.is_object()) fail("its header is no JSON object");
    Header header;
    for (const auto& [key, value] : json.items()) {
      if (key == "__metadata__") {
        header.metadata = metadata_of(value);
      } else {
        header.tensors.push_back(entry_of(key, value));
      }
    }
    check_contiguous();
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const {
    throw Error(path_, "damaged safetensors file: " + fact);
  }
  [[noreturn]] void fail(const std::string& tensor, const std::string& fact) const {
    throw Error(path_, "damaged safetensors file: tensor " + escaped(tensor) + ": " + fact);
  }

  std::string_view header_text() {
    if (file_.size() < kSizeBytes) fail("it is shorter than a header");
    uint64_t size = 0;
    std::memcpy(&size, file_.data(), kSizeBytes);
    if (size > kLargestHeader) {
      fail("its header would have " + std::to_string(size) +
           " bytes, at most 100000000 are allowed");
    }
    if (size > file_.size() - kSizeBytes) fail("it ends inside its header");
    data_ = file_.subspan(kSizeBytes + size);
    const std::string_view text(reinterpret_cast<const char*>(file_.data()) + kSizeBytes, size);
    if (!text.starts_with('{')) fail("its header does not begin with {");
    return text;
  }

  std::map<std::string, std::string> metadata_of(const Json& json) const {
    std::map<std::string, std::string> out;
    if (json.is_null()) return out;  // as some writers leave it
    if (!json.is_object()) fail("__metadata__ is no JSON object");
    for (const auto& [key, value] : json.items()) {
      if (!value.is_string()) fail("__metadata__ holds something else than text");
      out.emplace(key, value.get<std::string>());
    }
    return out;
  }

  int64_t size_of(const std::string& name, const Json& json, const char* what) const {
    if (!json.is_number_unsigned() || json.get<uint64_t>() > INT64_MAX) {
      fail(name, std::string(what) + " is no size");
    }
    return json.get<int64_t>();
  }

  void set_dtype(const Json& json, Entry& entry) const {
    if (!json.is_string()) fail(entry.name, "its dtype is no text");
    const auto text = json.get<std::string>();
    entry.is_double = text == "F64";
    if (entry.is_double) return;
    const auto row = std::ranges::find(kDTypes, text, &DTypeRow::text);
    if (row == kDTypes.end()) {
      throw Error(path_, "tensor " + escaped(entry.name) + ": no model stores elements of type " +
                             escaped(text));
    }
    entry.dtype = row->dtype;
  }

  Entry entry_of(const std::string& name, const Json& json) {
    if (!json.is_object() || json.size() != 3 || !json.contains("dtype") ||
        !json.contains("shape") || !json.contains("data_offsets")) {
      fail(name, "dtype, shape and data_offsets are expected");
    }
    Entry entry{.name = name};
    set_dtype(json["dtype"], entry);
    const Json& shape = json["shape"];
    const Json& offsets = json["data_offsets"];
    if (!shape.is_array() || shape.size() > kLargestRank) fail(name, "its shape is no list");
    for (const Json& dim : shape) entry.dims.push_back(size_of(name, dim, "its shape"));
    if (!offsets.is_array() || offsets.size() != 2) fail(name, "its offsets are no pair");
    const int64_t begin = size_of(name, offsets[0], "its begin");
    const int64_t end = size_of(name, offsets[1], "its end");
    if (begin > end || end > static_cast<int64_t>(data_.size())) {
      fail(name, "it lies outside the file");
    }
    const int width = entry.is_double ? 8 : ir::info(entry.dtype).bits / 8;
    const int64_t expected = checked_mul(ir::element_count(entry.dims, path_), width, path_);
    if (end - begin != expected) {
      fail(name, "should take " + std::to_string(expected) + " bytes, takes " +
                     std::to_string(end - begin));
    }
    entry.bytes = data_.subspan(static_cast<size_t>(begin), static_cast<size_t>(expected));
    ranges_.emplace_back(begin, end);
    return entry;
  }

  void check_contiguous() {
    std::ranges::sort(ranges_);
    int64_t at = 0;
    for (const auto& [begin, end] : ranges_) {
      if (begin < at) fail("tensors overlap");
      if (begin > at) fail("there is a hole before byte " + std::to_string(begin) + " of its data");
      at = end;
    }
    if (at != static_cast<int64_t>(data_.size())) {
      fail("has " + std::to_string(static_cast<int64_t>(data_.size()) - at) +
           " bytes behind its last tensor");
    }
  }

  std::span<const std::byte> file_;
  const std::string& path_;
  std::span<const std::byte> data_;
  std::vector<std::pair<int64_t, int64_t>> ranges_;
};

}  // namespace

Header parse_header(std::span<const std::byte> file, const std::string& path) {
  return HeaderParser(file, path).parse();
}

std::optional<std::string_view> dtype_text(ir::DType dtype) {
  const auto row = std::ranges::find(kDTypes, dtype, &DTypeRow::dtype);
  if (row == kDTypes.end()) return std::nullopt;
  return row->text;
}

}  // namespace pare::formats::safetensors
