// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/session.hpp"

#include <cstdlib>
#include <cstring>
#include <new>

#include "lib/core/error.hpp"
#include "lib/runtime/plan.hpp"

namespace pare::runtime {

namespace {

struct FreeArena {
  void operator()(std::byte* arena) const { std::free(arena); }
};
using Arena = std::unique_ptr<std::byte, FreeArena>;

Arena allocate(int64_t bytes) {
  const size_t size = (static_cast<size_t>(bytes) + 127) / 64 * 64;
  auto* arena = static_cast<std::byte*>(std::aligned_alloc(64, size));
  if (arena == nullptr) throw std::bad_alloc();
  std::memset(arena, 0, size);
  return Arena(arena);
}

}  // namespace

struct Session::Impl {
  Plan plan;
  Arena arena;
  std::vector<std::vector<std::byte*>> inputs, outputs;  // pointers a step
  std::vector<StepInfo> infos;

  Impl(const ir::Model& model, const SessionOptions& options, KernelChoice choice)
      : plan(make_plan(model, options, choice)), arena(allocate(plan.arena_bytes)) {
    for (const PlannedStep& step : plan.steps) {
      inputs.push_back(pointers(step.inputs));
      outputs.push_back(pointers(step.outputs));
      infos.push_back(step.info);
    }
  }

  std::byte* pointer(int buffer) const {
    return buffer < 0 ? nullptr : arena.get() + plan.buffers[static_cast<size_t>(buffer)].offset;
  }
  std::vector<std::byte*> pointers(const std::vector<int>& ids) const {
    std::vector<std::byte*> out;
    for (const int id : ids) out.push_back(pointer(id));
    return out;
  }
  const PlannedBuffer& buffer(int id) const { return plan.buffers[static_cast<size_t>(id)]; }

  void run_step(size_t i) const {
    plan.steps[i].kernel.run(
        {.inputs = inputs[i], .outputs = outputs[i], .scratch = arena.get() + plan.scratch_offset});
  }
  std::span<float> floats(int id) const {
    return {reinterpret_cast<float*>(pointer(id)),
            static_cast<size_t>(ir::element_count(buffer(id).form.dims))};
  }
};

namespace {

const PlannedValue& value_at(const std::vector<PlannedValue>& values, int index) {
  require(index >= 0 && static_cast<size_t>(index) < values.size(), "session value out of range");
  return values[static_cast<size_t>(index)];
}

KernelChoice choice_of(const SessionOptions& options) {
  if (options.reference) return KernelChoice::kReference;
  return options.own_kernels_only ? KernelChoice::kOwn : KernelChoice::kFastest;
}

}  // namespace

Session::Session(const ir::Model& model, SessionOptions options)
    : impl_(std::make_unique<Impl>(model, options, choice_of(options))) {}
Session::~Session() = default;
Session::Session(Session&&) noexcept = default;

int Session::input_count() const { return static_cast<int>(impl_->plan.inputs.size()); }
int Session::output_count() const { return static_cast<int>(impl_->plan.outputs.size()); }

const ir::Dims& Session::input_dims(int index) const {
  return impl_->buffer(value_at(impl_->plan.inputs, index).buffer).form.dims;
}
const ir::Dims& Session::output_dims(int index) const {
  return impl_->buffer(value_at(impl_->plan.outputs, index).buffer).form.dims;
}

std::span<float> Session::input(int index) {
  const PlannedValue& value = value_at(impl_->plan.inputs, index);
  require(value.as_f32 >= 0, "input() of an input that is not f32: use input_bytes()");
  return impl_->floats(value.as_f32);
}

std::span<const float> Session::output(int index) const {
  return impl_->floats(value_at(impl_->plan.outputs, index).as_f32);
}

std::span<std::byte> Session::input_bytes(int index) {
  const int id = value_at(impl_->plan.inputs, index).buffer;
  return {impl_->pointer(id), static_cast<size_t>(impl_->buffer(id).bytes)};
}

ir::DType Session::input_dtype(int index) const {
  return value_at(impl_->plan.inputs, index).dtype;
}
ir::DType Session::output_dtype(int index) const {
  return value_at(impl_->plan.outputs, index).dtype;
}

std::span<const std::byte> Session::output_bytes(int index) const {
  const PlannedValue& value = value_at(impl_->plan.outputs, index);
  const int id = value.dtype == ir::DType::kF32 ? value.as_f32 : value.buffer;
  return {impl_->pointer(id), static_cast<size_t>(impl_->buffer(id).bytes)};
}

std::span<const float> Session::watched(int index) const {
  return impl_->floats(value_at(impl_->plan.watched, index).as_f32);
}

std::vector<int32_t> Session::watched_codes(int index) const {
  const PlannedValue& value = value_at(impl_->plan.watched, index);
  require(impl_->buffer(value.buffer).form.quant.has_value(), "watched value has no codes");
  const auto* codes = reinterpret_cast<const uint8_t*>(impl_->pointer(value.buffer));
  std::vector<int32_t> out(static_cast<size_t>(impl_->buffer(value.buffer).bytes));
  for (size_t i = 0; i < out.size(); ++i) out[i] = codes[i] - value.code_shift;
  return out;
}

void Session::run() {
  for (size_t i = 0; i < impl_->plan.steps.size(); ++i) impl_->run_step(i);
}

void Session::run_step(int step) {
  require(step >= 0 && static_cast<size_t>(step) < impl_->plan.steps.size(), "no such step");
  impl_->run_step(static_cast<size_t>(step));
}

const std::vector<StepInfo>& Session::steps() const { return impl_->infos; }
int64_t Session::arena_bytes() const { return impl_->plan.arena_bytes; }
int64_t Session::packed_weight_bytes() const { return impl_->plan.packed_bytes; }

}  // namespace pare::runtime
