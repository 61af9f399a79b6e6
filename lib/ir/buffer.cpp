// SPDX-License-Identifier: Apache-2.0
// One state for all kinds of buffers: bytes with an owner and perhaps a check, or a maker of bytes.
#include "lib/ir/buffer.hpp"

#include <mutex>

#include "lib/core/error.hpp"

namespace pare::ir {

struct Buffer::State {
  std::span<const std::byte> bytes;
  std::shared_ptr<const void> owner;
  int64_t deferred_size = 0;
  std::function<Bytes()> make;
  std::function<void(std::span<const std::byte>)> check;
  // A check that throws leaves the flag unset, so damaged bytes are refused at every view.
  mutable std::once_flag checked;
};

Buffer Buffer::heap(Bytes bytes) {
  const auto owner = std::make_shared<const Bytes>(std::move(bytes));
  return mapped(*owner, owner);
}

Buffer Buffer::mapped(std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
  return checked(bytes, std::move(owner), nullptr);
}

Buffer Buffer::checked(std::span<const std::byte> bytes, std::shared_ptr<const void> owner,
                       std::function<void(std::span<const std::byte>)> check) {
  const auto state = std::make_shared<State>();
  state->bytes = bytes;
  state->owner = std::move(owner);
  state->check = std::move(check);
  Buffer out;
  out.state_ = state;
  return out;
}

Buffer Buffer::deferred(int64_t size, std::function<Bytes()> make) {
  require(size >= 0 && make != nullptr, "a deferred buffer has a size and a maker");
  const auto state = std::make_shared<State>();
  state->deferred_size = size;
  state->make = std::move(make);
  Buffer out;
  out.state_ = state;
  return out;
}

int64_t Buffer::size() const {
  if (!state_) return 0;
  return state_->make ? state_->deferred_size : static_cast<int64_t>(state_->bytes.size());
}

bool Buffer::is_deferred() const { return state_ && state_->make; }

BufferView Buffer::view() const {
  if (!state_) return {{}, nullptr};
  if (state_->make) {
    const auto bytes = std::make_shared<const Bytes>(state_->make());
    require(static_cast<int64_t>(bytes->size()) == state_->deferred_size,
            "a deferred buffer yields the size it promised");
    return {*bytes, bytes};
  }
  if (state_->check) std::call_once(state_->checked, state_->check, state_->bytes);
  return {state_->bytes, state_};
}

}  // namespace pare::ir
