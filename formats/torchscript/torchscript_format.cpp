// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/torchscript_format.hpp"

#include <algorithm>

#include "lib/core/error.hpp"
#include "lib/numpy/zip_archive.hpp"

namespace pare::formats {

namespace {

// Code is text of a few hundred kilobytes; more of it is no model.
constexpr int64_t kMostCode = int64_t{32} << 20;
// Methods of this name run when the file is loaded.
constexpr std::string_view kRunsWhenLoaded = "__setstate__";

// The folder that everything lies in, "archive/"; empty when this is no module.
std::string folder_of(const numpy::ZipArchive& archive) {
  for (const auto& member : archive.members()) {
    constexpr std::string_view kConstants = "constants.pkl";
    const std::string& name = member.name;
    if (!name.ends_with(kConstants) || name.size() == kConstants.size()) continue;
    const std::string folder = name.substr(0, name.size() - kConstants.size());
    const bool whole = std::ranges::any_of(
        archive.members(), [&](const auto& other) { return other.name == folder + "data.pkl"; });
    if (folder.back() == '/' && whole) return folder;
  }
  return "";
}

void check(const numpy::ZipArchive& archive, const std::string& path) {
  const std::string code = folder_of(archive) + "code/";
  int64_t left = kMostCode;
  for (const auto& member : archive.members()) {
    const bool is_code = member.name.starts_with(code);
    if (!is_code && member.deflated) {
      throw Error(path, "damaged: " + escaped(member.name) + " is compressed");
    }
    if (!is_code) continue;
    left -= member.size;
    if (left < 0) throw Error(path, "holds more than 32 MB of code");
    const auto content = archive.read(member);
    const std::string_view text(reinterpret_cast<const char*>(content.bytes.data()),
                                content.bytes.size());
    if (text.find(kRunsWhenLoaded) != std::string_view::npos) {
      throw Error(path,
                  escaped(member.name.substr(code.size())) +
                      " has code that runs when it is loaded (__setstate__), which is refused");
    }
  }
}

}  // namespace

bool is_torchscript(const std::string& path) {
  try {
    return !folder_of(numpy::ZipArchive(path)).empty();
  } catch (const Error&) {
    return false;
  }
}

ir::Model read_torchscript(const std::string& path, const ReadOptions& options) {
  const numpy::ZipArchive archive(path);
  if (folder_of(archive).empty()) throw Error(path, "is no module that torch.jit.save wrote");
  check(archive, path);
  if (!options.lower_torchscript) {
    throw Error(path, "is a TorchScript module, which only pare and pare-train read");
  }
  return options.lower_torchscript(path, options);
}

}  // namespace pare::formats
