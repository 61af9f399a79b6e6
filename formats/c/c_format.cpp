// SPDX-License-Identifier: Apache-2.0
#include "formats/c/c_format.hpp"

#include <filesystem>

#include "formats/c/identifiers.hpp"
#include "formats/c/write_text.hpp"
#include "lib/core/error.hpp"
#include "lib/core/output_file.hpp"

namespace pare::formats {

void write_c(const ir::Model& model, const std::string& path) {
  const std::filesystem::path header = std::filesystem::path(path).replace_extension(".h");
  if (header == path) throw Error(path, "is the name of the header; a .c file is expected");
  const std::string header_name = header.filename().string();
  if (c::plain_text(header_name, header_name.size()) != header_name) {
    throw Error(path, "a name of plain letters, digits, '-', '_' and '.' is expected for C source");
  }
  const c::Files files =
      c::file_texts(model, c::identifier(std::filesystem::path(path).stem().string()), header_name);
  OutputFile header_file(header.string());
  OutputFile source_file(path);
  header_file.write(files.header);
  source_file.write(files.source);
  // With all bytes on disk only the two renames are left; should the machine stop between them, the
  // source refuses the other's header.
  header_file.sync();
  source_file.sync();
  header_file.commit();
  source_file.commit();
}

std::vector<std::string> c_losses(const ir::Model& model) {
  std::vector<std::string> out;
  int64_t sparse = 0;
  for (const auto& entry : model.parameters.entries()) sparse += entry.tensor.is_sparse() ? 1 : 0;
  if (sparse > 0) {
    out.push_back("C source stores the pruned weights of " + std::to_string(sparse) +
                  " tensors as zeros");
  }
  if (model.graphs.size() > 1) {
    out.push_back("C source holds the main graph only, not the other " +
                  std::to_string(model.graphs.size() - 1));
  }
  if (!model.assets.empty()) {
    out.push_back("C source does not hold the model's " + std::to_string(model.assets.size()) +
                  " assets");
  }
  return out;
}

}  // namespace pare::formats
