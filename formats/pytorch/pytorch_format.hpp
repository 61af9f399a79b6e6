// SPDX-License-Identifier: Apache-2.0
// Files of PyTorch's torch.save that hold weights: a state dict, or a checkpoint with one inside.
// They become a Model without a graph. README.md says what the format is.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "formats/formats.hpp"

namespace pare::formats {

// Whether the first bytes of a file may be those of torch.save.
bool is_pytorch(std::span<const std::byte> head);

// Which of a checkpoint's dictionaries was taken, which prefix was stripped and what was left out
// is said through options.note. Throws Error(path): damaged, holding anything but tensors and plain
// data, or no tensors at all.
ir::Model read_pytorch(const std::string& path, const ReadOptions& options);

// A state dict in the zip form, readable by PyTorch 1.6 and later, also with weights_only. Atomic
// and deterministic.
void write_pytorch(const ir::Model& model, const std::string& path, const WriteOptions& options);
std::vector<std::string> pytorch_losses(const ir::Model& model, const WriteOptions& options);

}  // namespace pare::formats
