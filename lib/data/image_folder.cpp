// SPDX-License-Identifier: Apache-2.0
// Image folders: PATH/train/CLASS/*, PATH/test/CLASS/* (also val or validation), or PATH/CLASS/*,
// where PATH's own name may say which split it is. Classes are the sorted folder names of train;
// every image must have one size. Hidden files are passed over; any other file must be an image.
#include <algorithm>
#include <filesystem>
#include <mutex>
#include <optional>

#include "lib/core/checked.hpp"
#include "lib/core/parallel.hpp"
#include "lib/data/image_file.hpp"
#include "lib/data/readers.hpp"

namespace pare::data {
namespace {

namespace fs = std::filesystem;

struct SplitName {
  const char* folder;
  const char* split;
};
constexpr SplitName kSplitNames[] = {{"train", "train"},           {"training", "train"},
                                     {"val", "validation"},        {"valid", "validation"},
                                     {"validation", "validation"}, {"test", "test"},
                                     {"testing", "test"}};

bool hidden(const fs::path& path) { return path.filename().string().rfind('.', 0) == 0; }

// Sorted by name, hidden entries left out.
std::vector<fs::path> entries_of(const fs::path& folder) {
  std::vector<fs::path> out;
  std::error_code failure;
  for (fs::directory_iterator it(folder, failure), end; it != end; it.increment(failure)) {
    if (failure) break;
    if (!hidden(it->path())) out.push_back(it->path());
  }
  if (failure) throw Error(folder.string(), "cannot be listed: " + failure.message());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> folders_of(const fs::path& folder) {
  auto out = entries_of(folder);
  out.erase(std::remove_if(out.begin(), out.end(),
                           [](const fs::path& p) { return !fs::is_directory(p); }),
            out.end());
  return out;
}

std::string split_of(const fs::path& folder) {
  // "data/test/" has an empty filename: take the last part that is not.
  const fs::path named = folder.has_filename() ? folder : folder.parent_path();
  for (const SplitName& name : kSplitNames) {
    if (named.filename() == name.folder) return name.split;
  }
  return {};
}

struct Listing {
  std::vector<fs::path> files;
  std::vector<int64_t> labels;
};

Listing list_images(const fs::path& folder, const std::vector<std::string>& classes) {
  Listing out;
  for (const fs::path& class_folder : folders_of(folder)) {
    const std::string name = class_folder.filename().string();
    const auto at = std::lower_bound(classes.begin(), classes.end(), name);
    if (at == classes.end() || *at != name) {
      throw Error(class_folder.string(), "is a class that the train part does not have");
    }
    const auto files = entries_of(class_folder);
    if (files.empty()) throw Error(class_folder.string(), "is a class folder without images");
    for (const fs::path& file : files) {
      if (fs::is_directory(file)) throw Error(file.string(), "is a folder, expected an image");
      out.files.push_back(file);
      out.labels.push_back(at - classes.begin());
    }
  }
  return out;
}

// The first failure in file order, whatever the thread count.
class FirstError {
 public:
  void keep(int64_t index, const Error& error) {
    const std::lock_guard lock(mutex_);
    if (!error_ || index < index_) index_ = index, error_ = error;
  }
  void rethrow() const {
    if (error_) throw Error(*error_);
  }

 private:
  std::mutex mutex_;
  int64_t index_ = 0;
  std::optional<Error> error_;
};

std::string size_text(const ir::Dims& dims) {
  return std::to_string(dims[2]) + "x" + std::to_string(dims[1]) +
         (dims[0] == 1 ? " grey" : " colour");
}

// Decodes every file into its place.
Array decode(const Listing& listing, const std::string& source, const ir::Dims& item,
             const OpenOptions& options) {
  Array part;
  part.source = source;
  part.labels = listing.labels;
  const auto count = static_cast<int64_t>(listing.files.size());
  const int64_t item_bytes = ir::element_count(item, source);
  part.bytes.resize(static_cast<size_t>(checked_mul(count, item_bytes, source)));
  FirstError failure;
  constexpr int64_t kBlock = 2048;  // between two progress reports
  for (int64_t begin = 0; begin < count; begin += kBlock) {
    const int64_t block = std::min(kBlock, count - begin);
    parallel_for(block, options.threads, [&](int64_t i) {
      const int64_t index = begin + i;
      const std::string path = listing.files[static_cast<size_t>(index)].string();
      try {
        const Image image = read_image(path);
        const ir::Dims dims{image.channels, image.height, image.width};
        if (dims != item) {
          throw Error(
              path, "is " + size_text(dims) + ", the first image of the set is " + size_text(item));
        }
        std::copy(image.planes.begin(), image.planes.end(),
                  part.bytes.begin() + index * item_bytes);
      } catch (const Error& error) {
        failure.keep(index, error);
      } catch (const std::exception& error) {
        failure.keep(index, Error(path, error.what()));
      }
    });
    failure.rethrow();
    options.progress->update("decoding images", begin + block, count);
  }
  return part;
}

}  // namespace

bool is_image_folder(const std::string& path) {
  if (!fs::is_directory(path)) return false;
  return !folders_of(path).empty();
}

RawData read_image_folder(const std::string& path, const OpenOptions& options) {
  RawData raw;
  raw.info.source = path;
  raw.info.kind = "images";
  std::vector<std::pair<std::string, fs::path>> parts;  // split, folder
  for (const SplitName& name : kSplitNames) {
    const fs::path folder = fs::path(path) / name.folder;
    if (fs::is_directory(folder)) parts.emplace_back(name.split, folder);
  }
  const bool by_convention = !parts.empty();
  if (!by_convention) parts.emplace_back(split_of(path), path);

  for (const fs::path& folder : folders_of(parts.front().second)) {
    raw.info.classes.push_back(folder.filename().string());
  }
  if (raw.info.classes.empty()) {
    throw Error(parts.front().second.string(), "has no class folders with images");
  }
  std::vector<Listing> listings;
  for (const auto& [split, folder] : parts) {
    listings.push_back(list_images(folder, raw.info.classes));
    if (listings.back().files.empty()) throw Error(folder.string(), "holds 0 items");
  }
  const Image first = read_image(listings.front().files.front().string());
  raw.info.item = {first.channels, first.height, first.width};
  for (size_t p = 0; p < parts.size(); ++p) {
    Array part = decode(listings[p], parts[p].second.string(), raw.info.item, options);
    OpenOptions placed = options;
    if (by_convention) placed.split = parts[p].first;
    place_part(raw, std::move(part), placed, parts[p].first);
  }
  return raw;
}

}  // namespace pare::data
