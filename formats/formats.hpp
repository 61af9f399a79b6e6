// SPDX-License-Identifier: Apache-2.0
// Files to Models and back. One table row a format (formats.cpp); chosen by content where a format
// has a signature, else by extension; --from and --to override.
#pragma once

#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/ir/model.hpp"

namespace pare::formats {

// Receives one sentence about a conversion: what was matched, changed or left out.
using Note = std::function<void(const std::string&)>;

// Of a graph input whose file states none.
struct InputShape {
  ir::Shape shape;
  ir::DType dtype = ir::DType::kF32;
};

// What a file of a foreign format may leave open.
struct ReadOptions {
  std::string format;        // a row's name; empty: by content, else by extension
  std::string architecture;  // weights without a graph take that of this built-in architecture ...
  std::string graph;         // ... or of this model file
  // Graph inputs that become constants, by name: what decides an If or a shape.
  std::map<std::string, std::vector<double>> bind;
  // TorchScript: by input; under "" that of the only one.
  std::map<std::string, InputShape> input_shapes;
  // Makes a Model of a TorchScript file with the options above; null where there is no libtorch.
  std::function<ir::Model(const std::string& path, const ReadOptions& options)> lower_torchscript;
  Note note = [](const std::string&) {};
};

struct WriteOptions {
  std::string format;  // a row's name; empty: by extension
  int opset = 17;      // ONNX operator set: 13, 17 or 21
  int threads = 1;     // that evaluate what is deferred; the bytes do not depend on it
  Note note = [](const std::string&) {};
  // Called once before metadata are stored, as late as the format allows: for what is worked out
  // while tensors are written. May change no text's length. Null: they are complete.
  std::function<void(ir::Metadata&)> complete;
};

struct FormatRow {
  std::string_view name;  // "pare"
  std::string_view summary;
  std::vector<std::string_view> extensions;             // ".pare"
  bool (*recognises)(std::span<const std::byte> head);  // may be null; head: first 512 bytes
  ir::Model (*read)(const std::string& path, const ReadOptions& options);  // null: write only
  // Atomic. Null: read only.
  void (*write)(const ir::Model& model, const std::string& path, const WriteOptions& options);
  // What the format cannot hold of this model, one sentence each; null: it holds everything.
  std::vector<std::string> (*losses)(const ir::Model& model, const WriteOptions& options);
  // Tells files that begin like those of another format by looking further; null: the head is
  // enough.
  bool (*confirms)(const std::string& path) = nullptr;
  // Calls WriteOptions::complete itself; for other formats that is done before they write.
  bool completes = false;
};

std::span<const FormatRow> all_formats();
// Throws Error(path, ...): missing, a folder, empty, not a known format, damaged.
// The result has passed ir::verify.
ir::Model read(const std::string& path, const ReadOptions& options = {});
// Losses are noted, and recorded in the history of what is written.
void write(const ir::Model& model, const std::string& path, const WriteOptions& options = {});
// The row that would read `path`: by content, else by extension. Throws as read() does.
const FormatRow& format_of(const std::string& path);
// The row that would write `path`; throws UsageError when the extension is unknown. Called before
// work.
const FormatRow& writer_for(const std::string& path, std::string_view format = {});

}  // namespace pare::formats
