// SPDX-License-Identifier: Apache-2.0
// The native file format, `.pare` (docs/format.md): an HDF5 file whose tensors are mapped, whose
// every byte of tensor data is covered by a hash in its index, and which the same model always
// gives the same bytes of. Version promise: every version ever released opens; newer ones are
// refused by name.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>

#include "lib/ir/model.hpp"

namespace pare::formats {

inline constexpr int64_t kPareFormatVersion = 1;

// Whether the first bytes of a file may be a .pare file's: HDF5's signature.
bool is_pare(std::span<const std::byte> head);

// Tensors are views of the mapped file; each is checked against its hash when first read. The
// result has not been verified yet. Throws Error(path, ...): missing, damaged, another kind of HDF5
// file, written by a newer pare; later, at first use of a tensor, "tensor NAME: contents do not
// match their hash".
// With `check_hashes` false, for a file that this process wrote a moment ago, that is left out.
ir::Model read_pare(const std::string& path, bool check_hashes = true);

// Atomic and deterministic, for any number of threads. Deferred tensors are evaluated a few at a
// time and dropped, so a model larger than memory streams through. Throws Error(path, ...) when the
// file cannot be written.
// `complete`, where given, is called once the tensors are written, with the metadata to store.
void write_pare(const ir::Model& model, const std::string& path, int threads = 1,
                const std::function<void(ir::Metadata&)>& complete = nullptr);

}  // namespace pare::formats
