// SPDX-License-Identifier: Apache-2.0
#include "formats/formats.hpp"

#include <filesystem>

#include "formats/c/c_format.hpp"
#include "formats/join_weights.hpp"
#include "formats/keras/keras_format.hpp"
#include "formats/npz/npz_format.hpp"
#include "formats/onnx/onnx_format.hpp"
#include "formats/pare/pare_format.hpp"
#include "formats/pytorch/pytorch_format.hpp"
#include "formats/safetensors/safetensors_format.hpp"
#include "formats/torchscript/torchscript_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/ir/ops.hpp"

namespace pare::formats {

namespace {

constexpr size_t kHeadBytes = 512;

std::span<const FormatRow> rows() {
  static const std::vector<FormatRow> kRows = {
      {.name = "pare",
       .summary = "the native format: mapped, hashed and packed, on HDF5",
       .extensions = {".pare"},
       .recognises = is_pare,
       .read = [](const std::string& path, const ReadOptions&) { return read_pare(path); },
       .write =
           [](const ir::Model& model, const std::string& path, const WriteOptions& options) {
             write_pare(model, path, options.threads, options.complete);
           },
       .losses = nullptr,
       .completes = true},
      // Before onnx, whose files begin less unmistakably.
      {.name = "safetensors",
       .summary = "weights in one file or several with an index; quantized as compressed-tensors",
       .extensions = {".safetensors"},
       .recognises = is_safetensors,
       .read = read_safetensors,
       .write = write_safetensors,
       .losses = safetensors_losses,
       .completes = true},
      {.name = "npz",
       .summary = "named NumPy arrays",
       .extensions = {".npz"},
       .recognises = is_npz,
       .read = read_npz,
       .write = write_npz,
       .losses = npz_losses},
      {.name = "onnx",
       .summary = "ONNX, operator sets 6 to 28",
       .extensions = {".onnx"},
       .recognises = is_onnx,
       .read = read_onnx,
       .write = [](const ir::Model& model, const std::string& path,
                   const WriteOptions& options) { write_onnx(model, path, options); },
       .losses = onnx_losses},
      {.name = "torchscript",
       .summary = "modules saved by torch.jit.save: code and weights (read only, by pare-train)",
       .extensions = {".jit"},
       .recognises = is_pytorch,
       .read = read_torchscript,
       .write = nullptr,
       .losses = nullptr,
       .confirms = is_torchscript},
      {.name = "pytorch",
       .summary = "weights saved by torch.save: state dicts and checkpoints",
       .extensions = {".pt", ".pth", ".th", ".bin"},
       .recognises = is_pytorch,
       .read = read_pytorch,
       .write = write_pytorch,
       .losses = pytorch_losses},
      {.name = "c",
       .summary = "C99 source and header for devices: static arena, self-test (write only)",
       .extensions = {".c"},
       .recognises = nullptr,
       .read = nullptr,
       .write = [](const ir::Model& model, const std::string& path,
                   const WriteOptions&) { write_c(model, path); },
       .losses = [](const ir::Model& model, const WriteOptions&) { return c_losses(model); }},
      {.name = "keras",
       .summary = "Keras HDF5 files: models and weights of Keras 2.1 to 2.15",
       .extensions = {".h5", ".hdf5"},
       .recognises = is_keras,
       .read = [](const std::string& path, const ReadOptions&) { return read_keras(path); },
       .write = nullptr,
       .losses = nullptr},
  };
  return kRows;
}

enum class Direction : uint8_t { kReading, kWriting };

bool goes(const FormatRow& row, Direction direction) {
  return direction == Direction::kReading ? row.read != nullptr : row.write != nullptr;
}

std::string known_names(Direction direction) {
  std::string out;
  for (const FormatRow& row : rows()) {
    if (goes(row, direction)) out += (out.empty() ? "" : ", ") + std::string(row.name);
  }
  return out;
}

const FormatRow& by_name(std::string_view name, Direction direction) {
  for (const FormatRow& row : rows()) {
    if (row.name == name) return row;
  }
  throw UsageError(name, "is not a known format; known: " + known_names(direction));
}

const FormatRow* by_extension(const std::string& path) {
  const std::string extension = std::filesystem::path(path).extension().string();
  for (const FormatRow& row : rows()) {
    for (const std::string_view known : row.extensions) {
      if (extension == known) return &row;
    }
  }
  return nullptr;
}

}  // namespace

std::span<const FormatRow> all_formats() { return rows(); }

// By content first: a model keeps its format when it is renamed. Among formats that begin alike the
// extension decides, else the later row, which is the more particular one.
const FormatRow& format_of(const std::string& path) {
  const std::shared_ptr<const MappedFile> file = MappedFile::open(path);
  const std::span<const std::byte> bytes = file->bytes();
  const auto head = bytes.first(std::min(bytes.size(), kHeadBytes));
  const FormatRow* named = by_extension(path);
  const FormatRow* recognised = nullptr;
  for (const FormatRow& row : rows()) {
    if (!row.read || !row.recognises || !row.recognises(head)) continue;
    if (row.confirms && !row.confirms(path)) continue;
    if (&row == named || row.confirms) return row;
    recognised = &row;
  }
  if (recognised) return *recognised;
  if (!named || !named->read) {
    throw Error(path, "is not a model file; known formats: " + known_names(Direction::kReading));
  }
  // A format that has a signature would have recognised its own.
  if (named->recognises)
    throw Error(path, "is not a " + std::string(named->extensions.front()) + " file");
  return *named;
}

ir::Model read(const std::string& path, const ReadOptions& options) {
  const FormatRow& row =
      options.format.empty() ? format_of(path) : by_name(options.format, Direction::kReading);
  if (!row.read) throw UsageError(options.format, "can be written, but not read");
  ir::Model model = row.read(path, options);
  if (!options.architecture.empty() || !options.graph.empty()) {
    model = join_weights(model, path, options);
  }
  try {
    ir::verify(model);
  } catch (const Error& error) {
    throw Error(path, error.what());
  }
  return model;
}

void write(const ir::Model& model, const std::string& path, const WriteOptions& options) {
  const FormatRow& row = writer_for(path, options.format);
  const std::vector<std::string> losses =
      row.losses ? row.losses(model, options) : std::vector<std::string>{};
  const bool complete_now = options.complete && !row.completes;
  if (losses.empty() && !complete_now) return row.write(model, path, options);
  ir::Model recorded = model;
  if (complete_now) options.complete(recorded.metadata);
  for (const std::string& loss : losses) options.note(loss);
  if (!losses.empty()) {
    recorded.metadata.history.push_back({.pass = "convert",
                                         .options = {{"to", row.name}, {"losses", losses}},
                                         .tool_version = PARE_VERSION});
  }
  row.write(recorded, path, options);
}

const FormatRow& writer_for(const std::string& path, std::string_view format) {
  const FormatRow* row =
      format.empty() ? by_extension(path) : &by_name(format, Direction::kWriting);
  if (!row) {
    throw UsageError(
        path, "has no extension of a known format; known: " + known_names(Direction::kWriting));
  }
  if (!row->write) throw UsageError(row->name, "can be read, but not written");
  return *row;
}

}  // namespace pare::formats
