// SPDX-License-Identifier: Apache-2.0
// Immutable bytes: on the heap, inside a mapped file, or deferred (a pure function evaluated when
// the bytes are asked for, and again the next time, so that a writer can stream a model larger than
// memory). Copying a Buffer shares it.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <vector>

namespace pare::ir {

using Bytes = std::vector<std::byte>;

// Bytes that stay valid as long as the view lives.
class BufferView {
 public:
  BufferView(std::span<const std::byte> bytes, std::shared_ptr<const void> owner)
      : bytes_(bytes), owner_(std::move(owner)) {}
  std::span<const std::byte> bytes() const { return bytes_; }

 private:
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

class Buffer {
 public:
  Buffer() = default;
  static Buffer heap(Bytes bytes);
  // `bytes` must stay valid while `owner` lives (a MappedFile).
  static Buffer mapped(std::span<const std::byte> bytes, std::shared_ptr<const void> owner);
  // `make` returns exactly `size` bytes and always the same ones.
  static Buffer deferred(int64_t size, std::function<Bytes()> make);
  // As `mapped`, with `check` called once, before the first view: throws when the bytes are damaged
  // (the hash in the file's index).
  static Buffer checked(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                        std::function<void(std::span<const std::byte>)> check);

  int64_t size() const;
  bool is_deferred() const;
  BufferView view() const;

 private:
  struct State;
  std::shared_ptr<const State> state_;
};

}  // namespace pare::ir
