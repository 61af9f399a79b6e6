// SPDX-License-Identifier: Apache-2.0
#include "formats/safetensors/metadata.hpp"

#include <filesystem>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats::safetensors {

namespace {

constexpr const char* kOurs = "pare";
constexpr const char* kConfig = "quantization_config";
constexpr size_t kLargestConfig = 16 << 20;

}  // namespace

Json stated_config(const Texts& texts, const std::string& path) {
  const auto stated = texts.find(kConfig);
  if (stated != texts.end()) return parse_json(stated->second, path);
  const std::string beside = (std::filesystem::path(path).parent_path() / "config.json").string();
  std::error_code failure;
  if (!std::filesystem::is_regular_file(beside, failure)) return nullptr;
  const auto file = MappedFile::open(beside);
  const auto bytes = file->bytes();
  if (bytes.size() > kLargestConfig) return nullptr;
  try {
    const Json config =
        parse_json({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, beside);
    return config.is_object() ? config.value(kConfig, Json()) : Json();
  } catch (const Error&) {
    return nullptr;  // somebody else's file; only what it may say of quantization is of interest
  }
}

ir::Metadata stated_metadata(const Texts& texts, const std::string& path) {
  const auto stated = texts.find(kOurs);
  if (stated == texts.end()) return {};
  return ir::metadata_from_json(parse_json(stated->second, path), path);
}

Json texts_for(const ir::Metadata& metadata, const Json& quantization_config) {
  Json texts = {{"format", "pt"}, {kOurs, to_text(ir::to_json(metadata))}};
  if (!quantization_config.is_null()) texts[kConfig] = to_text(quantization_config);
  return texts;
}

}  // namespace pare::formats::safetensors
