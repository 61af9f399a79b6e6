// SPDX-License-Identifier: Apache-2.0
#include "formats/rehearse.hpp"

#include <cstdlib>
#include <filesystem>

#include "lib/core/error.hpp"

namespace pare::formats {

namespace {

namespace fs = std::filesystem;

class TemporaryFolder {
 public:
  TemporaryFolder() : path_((fs::temp_directory_path() / "pare-rehearsal-XXXXXX").string()) {
    if (!::mkdtemp(path_.data())) throw Error(path_, "cannot be made");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace

void rehearse_write(const ir::Model& model, const std::string& path, const WriteOptions& options) {
  if (!writer_for(path, options.format).losses) return;
  const TemporaryFolder folder;
  const fs::path target(path);
  try {
    write(model, (folder.path() / target.filename()).string(), options);
  } catch (const Error& error) {
    if (!error.subject().starts_with(folder.path())) throw;
    const fs::path name = fs::path(error.subject()).filename();
    throw Error((target.parent_path() / name).string(), error.fact(), error.code());
  }
}

}  // namespace pare::formats
