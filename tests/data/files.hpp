// SPDX-License-Identifier: Apache-2.0
// Files written for one test case, and what an Error said.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include <doctest/doctest.h>
#include <unistd.h>
#include <zlib.h>

#include "lib/core/error.hpp"
#include "lib/data/dataset.hpp"

namespace pare::data::testing {

// A folder of its own, gone at the end of the scope.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "pare-data-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw Bug("mkdtemp failed");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string path(const std::string& name = {}) const {
    return name.empty() ? path_.string() : (path_ / name).string();
  }
  std::string write(const std::string& name, const std::string& content) const {
    std::filesystem::create_directories((path_ / name).parent_path());
    std::ofstream(path_ / name, std::ios::binary) << content;
    return path(name);
  }

 private:
  std::filesystem::path path_;
};

// What opening `path` is refused with, "" when it is not.
inline std::string refusal(const std::string& path, const OpenOptions& options = {}) {
  try {
    open(path, options);
  } catch (const Error& error) {
    return error.what();
  }
  return {};
}

inline bool contains(const std::string& text, const std::string& part) {
  const bool found = text.find(part) != std::string::npos;
  if (!found) MESSAGE("'" << text << "' lacks '" << part << "'");
  return found;
}

inline std::string gzipped(const std::string& content) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, content.size()) + 32, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(content.data()));
  stream.avail_in = static_cast<uInt>(content.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

// An IDX file of unsigned bytes.
inline std::string idx(const std::vector<uint32_t>& dims, const std::string& values) {
  std::string out{'\0', '\0', '\x08', static_cast<char>(dims.size())};
  for (const uint32_t dim : dims) {
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(dim >> shift & 0xFF);
  }
  return out + values;
}

// `count` small images whose pixels and labels follow from their index.
inline std::string idx_images(uint32_t count, uint32_t height = 3, uint32_t width = 2) {
  std::string values;
  for (uint32_t i = 0; i < count * height * width; ++i) values += static_cast<char>(i * 37 % 256);
  return idx({count, height, width}, values);
}
inline std::string idx_labels(uint32_t count, uint32_t classes = 3) {
  std::string values;
  for (uint32_t i = 0; i < count; ++i) values += static_cast<char>(i % classes);
  return idx({count}, values);
}

// Opens every prefix of `content` and the file with each byte damaged in two ways: an Error or a
// data set may come of it, nothing else. Returns how many were refused.
template <class Write>
int64_t replay_damage(const std::string& content, size_t first_bytes, const Write& write_and_open) {
  int64_t refused = 0;
  const auto attempt = [&](const std::string& damaged) {
    try {
      write_and_open(damaged);
    } catch (const Error&) {
      ++refused;
    }
  };
  const size_t n = std::min(first_bytes, content.size());
  for (size_t i = 0; i < n; ++i) attempt(content.substr(0, i));
  for (size_t i = 0; i < n; ++i) {
    for (const char mask : {'\x01', '\xFF'}) {
      std::string damaged = content;
      damaged[i] = static_cast<char>(damaged[i] ^ mask);
      attempt(damaged);
    }
  }
  return refused;
}

}  // namespace pare::data::testing
