// SPDX-License-Identifier: Apache-2.0
// IDX: two zero bytes, element type, rank, big-endian u32 dims, values. Images are rank 3
// [items, height, width], labels rank 1; both unsigned bytes, as in MNIST and its descendants.
#include <algorithm>
#include <filesystem>
#include <memory>
#include <utility>

#include "lib/core/checked.hpp"
#include "lib/core/inflate.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/data/readers.hpp"

namespace pare::data {
namespace {

namespace fs = std::filesystem;

struct IdxFile {
  ir::Dims dims;
  std::vector<uint8_t> values;
};

// Bytes of a plain or gzip file, in order.
class ByteSource {
 public:
  explicit ByteSource(const std::string& path) : path_(path), file_(MappedFile::open(path)) {
    rest_ = file_->bytes();
    if (is_gzip(rest_)) gzip_ = std::make_unique<GzipReader>(rest_, path);
  }
  void read(std::span<std::byte> out) {
    if (gzip_) return gzip_->read(out);
    if (rest_.size() < out.size()) throw Error(path_, "is truncated");
    std::copy_n(rest_.begin(), out.size(), out.begin());
    rest_ = rest_.subspan(out.size());
  }
  void check_declared(int64_t size) const {
    if (gzip_) return check_expansion(size, static_cast<int64_t>(file_->bytes().size()), path_);
    const auto left = static_cast<int64_t>(rest_.size());
    if (left != size) {
      throw Error(path_, "header declares " + std::to_string(size) + " bytes of values, file has " +
                             std::to_string(left));
    }
  }
  void finish() {
    if (gzip_) gzip_->finish();
  }

 private:
  std::string path_;
  std::shared_ptr<const MappedFile> file_;
  std::span<const std::byte> rest_;
  std::unique_ptr<GzipReader> gzip_;
};

IdxFile read_idx_file(const std::string& path, size_t rank) {
  ByteSource source(path);
  std::byte magic[4];
  source.read(magic);
  if (magic[0] != std::byte{0} || magic[1] != std::byte{0}) {
    throw Error(path, "is not an IDX file: it does not start with two zero bytes");
  }
  constexpr std::byte kUnsignedByte{0x08};
  if (magic[2] != kUnsignedByte) {
    throw Error(path, "holds IDX element type " + std::to_string(static_cast<int>(magic[2])) +
                          ", expected 8 (unsigned byte)");
  }
  if (static_cast<size_t>(magic[3]) != rank) {
    throw Error(path, "has rank " + std::to_string(static_cast<int>(magic[3])) + ", expected " +
                          std::to_string(rank) + (rank == 3 ? " (images)" : " (labels)"));
  }
  IdxFile out;
  for (size_t d = 0; d < rank; ++d) {
    std::byte word[4];
    source.read(word);
    int64_t dim = 0;
    for (const std::byte b : word) dim = dim << 8 | static_cast<int64_t>(b);
    out.dims.push_back(dim);
  }
  const int64_t size = checked_product(out.dims, path);
  if (size == 0) throw Error(path, "holds 0 items");
  source.check_declared(size);
  out.values.resize(static_cast<size_t>(size));
  source.read(std::as_writable_bytes(std::span(out.values)));
  source.finish();
  return out;
}

struct PartFiles {
  std::string images, labels;
};

std::string existing(const fs::path& folder, const std::string& name) {
  for (const char* suffix : {"", ".gz"}) {
    const fs::path candidate = folder / (name + suffix);
    std::error_code ignored;
    if (fs::is_regular_file(candidate, ignored)) return candidate.string();
  }
  return {};
}

// `prefix` is "train" or "t10k"; some mirrors write a dot where the original has a hyphen.
PartFiles part_files(const fs::path& folder, const std::string& prefix) {
  PartFiles out;
  for (const char* dash : {"-idx", ".idx"}) {
    if (out.images.empty()) out.images = existing(folder, prefix + "-images" + dash + "3-ubyte");
    if (out.labels.empty()) out.labels = existing(folder, prefix + "-labels" + dash + "1-ubyte");
  }
  return out;
}

Array read_part(const PartFiles& files, ir::Dims& item) {
  IdxFile images = read_idx_file(files.images, 3);
  const IdxFile labels = read_idx_file(files.labels, 1);
  if (images.dims[0] != labels.dims[0]) {
    throw Error(files.labels, "holds " + std::to_string(labels.dims[0]) + " labels for " +
                                  std::to_string(images.dims[0]) + " images");
  }
  const ir::Dims dims{1, images.dims[1], images.dims[2]};
  if (!item.empty() && item != dims) {
    throw Error(files.images, "images are " + std::to_string(dims[1]) + "x" +
                                  std::to_string(dims[2]) + ", in the other part " +
                                  std::to_string(item[1]) + "x" + std::to_string(item[2]));
  }
  item = dims;
  Array part;
  part.source = files.images;
  part.bytes = std::move(images.values);
  part.labels.assign(labels.values.begin(), labels.values.end());
  return part;
}

// The label file beside an image file: images -> labels, idx3 -> idx1 in its name.
std::string label_file_of(const std::string& images) {
  const fs::path path(images);
  std::string name = path.filename().string();
  for (const auto& [from, to] : {std::pair{"images", "labels"}, std::pair{"idx3", "idx1"}}) {
    const size_t at = name.find(from);
    if (at == std::string::npos) {
      throw Error(images,
                  "cannot tell its label file: the name has no '" + std::string(from) + "'");
    }
    name.replace(at, std::string(from).size(), to);
  }
  const std::string labels = (path.parent_path() / name).string();
  if (!fs::is_regular_file(labels)) throw Error(labels, "no such file (labels of the images)");
  return labels;
}

}  // namespace

bool is_idx_folder(const std::string& path) {
  for (const char* prefix : {"train", "t10k", "test"}) {
    if (!part_files(path, prefix).images.empty()) return true;
  }
  return false;
}

bool is_idx_file(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return fs::is_regular_file(path) &&
         (name.find("-ubyte") != std::string::npos || name.find(".idx") != std::string::npos);
}

RawData read_idx(const std::string& path, const OpenOptions& options) {
  RawData raw;
  raw.info.source = path;
  raw.info.kind = "idx";
  if (!fs::is_directory(path)) {
    const std::string name = fs::path(path).filename().string();
    const bool test = name.rfind("t10k", 0) == 0 || name.rfind("test", 0) == 0;
    place_part(raw, read_part({path, label_file_of(path)}, raw.info.item), options,
               test ? "test" : "train");
  } else {
    for (const char* prefix : {"train", "t10k", "test"}) {
      const PartFiles files = part_files(path, prefix);
      if (files.images.empty()) continue;
      if (files.labels.empty()) throw Error(files.images, "its label file is missing");
      auto& part = std::string_view(prefix) == "train" ? raw.train : raw.test;
      if (!part) part = read_part(files, raw.info.item);
    }
  }
  raw.info.classes = classes_of_integer_labels(raw);
  return raw;
}

}  // namespace pare::data
