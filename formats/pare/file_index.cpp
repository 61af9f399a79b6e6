// SPDX-License-Identifier: Apache-2.0
#include "formats/pare/file_index.hpp"

#include <algorithm>
#include <initializer_list>

#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats {

namespace {

constexpr size_t kHashDigits = 32;

Json to_json(const PartLocation& part, const ir::Dims& tensor_dims) {
  Json out = Json::object();
  if (part.part) out["part"] = ir::name_of(*part.part);
  out["dtype"] = ir::name_of(part.dtype);
  if (part.dims != tensor_dims) out["dims"] = part.dims;
  out["at"] = part.array.empty() ? Json(part.offset) : Json(part.array);
  out["sha256"] = part.hash;
  return out;
}

Json to_json(const TensorEntry& entry) {
  Json out = {{"name", entry.name}, {"dims", entry.dims}};
  if (entry.scheme) out["scheme"] = ir::to_json(*entry.scheme);
  if (entry.layout.kind != ir::SparseKind::kDense) out["layout"] = ir::to_json(entry.layout);
  Json parts = Json::array();
  for (const PartLocation& part : entry.parts) parts.push_back(to_json(part, entry.dims));
  out["parts"] = std::move(parts);
  return out;
}

std::string hash_from(const Json& json, const std::string& subject) {
  auto text = json.get<std::string>();
  if (text.size() != kHashDigits ||
      text.find_first_not_of("0123456789abcdef") != std::string::npos) {
    throw Error(subject, "damaged index: a hash is not 32 hex digits");
  }
  return text;
}

// A key of a format this version does not know must not be skipped over.
void allow(const Json& json, std::initializer_list<std::string_view> keys,
           const std::string& subject) {
  for (const auto& [key, ignored] : json.items()) {
    if (std::find(keys.begin(), keys.end(), key) == keys.end()) {
      throw Error(subject, "damaged index: unknown key " + key);
    }
  }
}

ir::Dims dims_from(const Json& json, const std::string& subject) {
  for (const Json& dim : json) {
    if (!dim.is_number_integer()) throw Error(subject, "damaged index: dims are not integers");
  }
  return json.get<ir::Dims>();
}

std::optional<ir::Part> part_from(const std::string& name) {
  for (int i = 0; i < ir::kPartCount; ++i) {
    if (ir::name_of(static_cast<ir::Part>(i)) == name) return static_cast<ir::Part>(i);
  }
  return std::nullopt;
}

PartLocation location_from(const Json& json, const TensorEntry& tensor,
                           const std::string& subject) {
  allow(json, {"part", "dtype", "dims", "at", "sha256"}, subject);
  PartLocation out;
  if (json.contains("part")) {
    out.part = part_from(json.at("part").get<std::string>());
    if (!out.part) throw Error(subject, "damaged index: unknown part of " + tensor.name);
  }
  const auto dtype = ir::dtype_from_name(json.at("dtype").get<std::string>());
  if (!dtype) throw Error(subject, "damaged index: unknown dtype of " + tensor.name);
  out.dtype = *dtype;
  out.dims = json.contains("dims") ? dims_from(json.at("dims"), subject) : tensor.dims;
  const Json& at = json.at("at");
  if (at.is_string()) {
    out.array = at.get<std::string>();
    if (out.array.empty()) throw Error(subject, "damaged index: unnamed array of " + tensor.name);
  } else {
    out.offset = at.get<int64_t>();
  }
  out.hash = hash_from(json.at("sha256"), subject);
  return out;
}

TensorEntry tensor_from(const Json& json, const std::string& subject) {
  allow(json, {"name", "dims", "scheme", "layout", "parts"}, subject);
  TensorEntry out;
  out.name = json.at("name").get<std::string>();
  out.dims = dims_from(json.at("dims"), subject);
  if (json.contains("scheme")) out.scheme = ir::scheme_from_json(json.at("scheme"), subject);
  if (json.contains("layout")) out.layout = ir::layout_from_json(json.at("layout"), subject);
  for (const Json& part : json.at("parts")) {
    out.parts.push_back(location_from(part, out, subject));
  }
  return out;
}

}  // namespace

std::string hash_text(std::span<const std::byte> bytes) {
  return to_hex(sha256(bytes)).substr(0, kHashDigits);
}

Json to_json(const FileIndex& index) {
  Json assets = Json::array();
  for (const AssetEntry& asset : index.assets) {
    assets.push_back({{"name", asset.name}, {"at", asset.array}, {"sha256", asset.hash}});
  }
  Json tensors = Json::array();
  for (const TensorEntry& entry : index.tensors) tensors.push_back(to_json(entry));
  return {{"graphs", index.graphs_hash},
          {"metadata", index.metadata_hash},
          {"assets", std::move(assets)},
          {"tensors", std::move(tensors)}};
}

FileIndex index_from_json(const Json& json, const std::string& subject) {
  try {
    allow(json, {"graphs", "metadata", "assets", "tensors"}, subject);
    FileIndex out;
    out.graphs_hash = hash_from(json.at("graphs"), subject);
    out.metadata_hash = hash_from(json.at("metadata"), subject);
    for (const Json& asset : json.at("assets")) {
      out.assets.push_back({asset.at("name").get<std::string>(), asset.at("at").get<std::string>(),
                            hash_from(asset.at("sha256"), subject)});
    }
    for (const Json& tensor : json.at("tensors")) {
      out.tensors.push_back(tensor_from(tensor, subject));
    }
    return out;
  } catch (const Json::exception&) {
    throw Error(subject, "damaged index: a field is missing or of the wrong type");
  }
}

}  // namespace pare::formats
