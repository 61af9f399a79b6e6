// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <set>

#include "formats/double_values.hpp"
#include "formats/safetensors/compressed.hpp"
#include "formats/safetensors/header.hpp"
#include "formats/safetensors/metadata.hpp"
#include "formats/safetensors/safetensors_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;
using safetensors::NamedTensor;

std::string_view text_of(std::span<const std::byte> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

class ModelReader {
 public:
  ModelReader(const std::string& path, const ReadOptions& options)
      : path_(path), options_(options) {}

  ir::Model read() {
    const auto file = MappedFile::open(path_);
    const std::string_view text = text_of(file->bytes());
    if (text.starts_with('{')) {
      add_shards(parse_json(text, path_));
    } else {
      add_file(path_, file);
    }
    if (narrowed_ > 0) {
      options_.note(std::to_string(narrowed_) + " tensors of 64-bit floats became f32");
    }
    ir::Model model;
    const Json config = safetensors::stated_config(metadata_, path_);
    model.parameters = safetensors::decompress(tensors_, config, path_);
    model.metadata = safetensors::stated_metadata(metadata_, path_);
    return model;
  }

 private:
  void add_file(const std::string& path, const std::shared_ptr<const MappedFile>& file) {
    const safetensors::Header header = safetensors::parse_header(file->bytes(), path);
    for (const safetensors::Entry& entry : header.tensors) {
      tensors_.emplace_back(entry.name, tensor_of(entry, file));
    }
    metadata_.insert(header.metadata.begin(), header.metadata.end());
  }

  ir::Tensor tensor_of(const safetensors::Entry& entry, std::shared_ptr<const void> owner) {
    if (entry.is_double) {
      ++narrowed_;
      return ir::Tensor(entry.dtype, entry.dims, ir::Buffer::heap(to_single(entry.bytes)));
    }
    // Kernels read elements where they lie; files that align nothing are copied.
    const auto width = static_cast<uintptr_t>(ir::info(entry.dtype).bits / 8);
    if (reinterpret_cast<uintptr_t>(entry.bytes.data()) % width != 0) {
      return ir::Tensor(entry.dtype, entry.dims,
                        ir::Buffer::heap({entry.bytes.begin(), entry.bytes.end()}));
    }
    return ir::Tensor(entry.dtype, entry.dims, ir::Buffer::mapped(entry.bytes, std::move(owner)));
  }

  // {"weight_map": {tensor: file}}: each file is read whole and must hold what the index says.
  void add_shards(const Json& index) {
    const auto refuse = [&](const std::string& fact) {
      throw Error(path_, "damaged safetensors index: " + fact);
    };
    if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object()) {
      refuse("it has no weight_map");
    }
    std::map<std::string, std::set<std::string>> shards;
    for (const auto& [tensor, file] : index["weight_map"].items()) {
      if (!file.is_string()) refuse("a file is no text");
      const auto name = file.get<std::string>();
      // A shard lies beside its index, nowhere else.
      if (name.empty() || name != fs::path(name).filename().string() || name == "..") {
        refuse(escaped(name) + " is no file name");
      }
      shards[name].insert(tensor);
    }
    for (const auto& [name, expected] : shards) {
      const size_t before = tensors_.size();
      const std::string shard = (fs::path(path_).parent_path() / name).string();
      try {
        add_file(shard, MappedFile::open(shard));
      } catch (const Error& error) {
        throw Error(path_, escaped(name) + ": " + error.fact());
      }
      size_t found = 0;
      for (size_t i = before; i < tensors_.size(); ++i) found += expected.count(tensors_[i].first);
      if (found != expected.size() || tensors_.size() - before != expected.size()) {
        refuse(escaped(name) + " does not hold the tensors that the index says");
      }
    }
  }

  const std::string& path_;
  const ReadOptions& options_;
  std::vector<NamedTensor> tensors_;
  std::map<std::string, std::string> metadata_;
  int64_t narrowed_ = 0;
};

}  // namespace

bool is_safetensors(std::span<const std::byte> head) {
  const std::string_view text = text_of(head);
  if (text.starts_with('{')) return text.find("\"weight_map\"") != std::string_view::npos;
  if (head.size() <= safetensors::kSizeBytes || text[safetensors::kSizeBytes] != '{') return false;
  uint64_t size = 0;
  std::memcpy(&size, head.data(), sizeof size);
  return size <= safetensors::kLargestHeader;
}

std::vector<std::string> safetensors_shards(const std::string& path) {
  const auto file = MappedFile::open(path);
  const std::string_view text = text_of(file->bytes());
  if (!text.starts_with('{')) return {};
  const Json index = parse_json(text, path);
  std::vector<std::string> out;
  const Json places = index.value("weight_map", Json::object());
  for (const auto& [tensor, name] : places.items()) {
    if (name.is_string()) out.push_back(name.get<std::string>());
  }
  return out;
}

ir::Model read_safetensors(const std::string& path, const ReadOptions& options) {
  return ModelReader(path, options).read();
}

}  // namespace pare::formats
