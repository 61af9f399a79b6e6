// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/diagnose/layer_outputs.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "lib/data/batch.hpp"
#include "lib/runtime/session.hpp"

namespace pare::eval {
namespace {

constexpr int64_t kBatch = 16;
// Of a value's elements: enough for a quantile of one in a thousand.
constexpr int64_t kSample = 1 << 16;

int64_t batch_of(const ir::Model& model, int64_t count) {
  const ir::Graph& graph = model.main();
  const ir::Shape& shape = graph.value(graph.inputs.front()).shape;
  const bool fixed = !shape.empty() && shape.front().known();
  return fixed ? shape.front().size : std::min(kBatch, count);
}

// Runs a model over the first items of a data set, batch by batch. The last batch is filled up with
// its last item, whose repetitions do not count.
class Stepper {
 public:
  Stepper(const ir::Model& model, std::vector<ir::ValueId> watched, const data::Dataset& items,
          int64_t batch)
      : preprocessing_(model.metadata.preprocessing),
        items_(items),
        batch_(batch),
        session_(model, {.batch = batch, .watch = std::move(watched)}) {}

  void run(int64_t first, int64_t valid) {
    std::vector<int64_t> indices(static_cast<size_t>(batch_));
    for (int64_t i = 0; i < batch_; ++i) {
      indices[static_cast<size_t>(i)] = first + std::min(i, valid - 1);
    }
    data::load_batch(items_, preprocessing_, indices, nullptr, 0, session_.input(0), 1);
    session_.run();
    valid_ = valid;
  }

  // Elements of the items that count.
  std::span<const float> output(size_t index) const {
    const std::span<const float> all = session_.watched(static_cast<int>(index));
    return all.first(all.size() / static_cast<size_t>(batch_) * static_cast<size_t>(valid_));
  }

 private:
  const ir::Preprocessing& preprocessing_;
  const data::Dataset& items_;
  int64_t batch_;
  runtime::Session session_;
  int64_t valid_ = 0;
};

void add(std::span<const float> x, std::span<const float> y, OutputError& sums) {
  double signal = 0, error = 0, other = 0, dot = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const auto a = static_cast<double>(x[i]);
    const auto b = static_cast<double>(y[i]);
    signal += a * a;
    error += (a - b) * (a - b);
    other += b * b;
    dot += a * b;
  }
  sums.signal += signal;
  sums.error += error;
  sums.other += other;
  sums.dot += dot;
}

// How the elements of a value fall into channels.
struct Channels {
  size_t count = 1;
  size_t inner = 1;
  size_t of(size_t element) const { return element / inner % count; }
};

Channels channels_of(const ir::Shape& shape) {
  if (shape.size() < 2) return {};
  const size_t axis = shape.size() == 4 ? 1 : shape.size() - 1;
  if (!shape[axis].known()) return {};
  Channels out{.count = static_cast<size_t>(std::max<int64_t>(1, shape[axis].size))};
  for (size_t d = axis + 1; d < shape.size(); ++d) {
    if (!shape[d].known()) return {};
    out.inner *= static_cast<size_t>(shape[d].size);
  }
  return out;
}

class Observation {
 public:
  Observation(const ir::Shape& shape, int64_t items) : channels_(channels_of(shape)) {
    seen_.channel_peak.resize(channels_.count);
    seen_.channel_power.resize(channels_.count);
    items_ = items;
  }

  void add(std::span<const float> values, int64_t items) {
    if (stride_ == 0) {
      const int64_t total = static_cast<int64_t>(values.size()) / items * items_;
      stride_ = std::max<int64_t>(1, total / kSample) | 1;
    }
    for (size_t i = 0; i < values.size(); ++i) {
      const float x = values[i];
      seen_.low = std::min(seen_.low, x);
      seen_.high = std::max(seen_.high, x);
      const size_t c = channels_.of(i);
      seen_.channel_peak[c] = std::max(seen_.channel_peak[c], std::abs(x));
      seen_.channel_power[c] += static_cast<double>(x) * static_cast<double>(x);
      if (seen_.count++ % stride_ == 0) seen_.sample.push_back(x);
    }
  }

  ObservedOutput take() { return std::move(seen_); }

 private:
  Channels channels_;
  int64_t items_ = 0;
  int64_t stride_ = 0;
  ObservedOutput seen_;
};

}  // namespace

std::optional<double> OutputError::sqnr_db() const {
  if (error <= 0) return std::nullopt;
  return 10.0 * std::log10(std::max(signal, 1e-300) / error);
}

double OutputError::cosine() const {
  if (signal <= 0 || other <= 0) return signal <= 0 && other <= 0 ? 1.0 : 0.0;
  return std::clamp(dot / std::sqrt(signal * other), -1.0, 1.0);
}

std::vector<OutputError> output_errors(const ir::Model& reference, const ir::Model& other,
                                       std::span<const WatchedOutput> outputs,
                                       const data::Dataset& items, int64_t count) {
  std::vector<ir::ValueId> watched_reference, watched_other;
  for (const WatchedOutput& output : outputs) {
    watched_reference.push_back(output.reference);
    watched_other.push_back(output.other);
  }
  const int64_t batch = batch_of(reference, count);
  Stepper a(reference, watched_reference, items, batch);
  Stepper b(other, watched_other, items, batch);
  std::vector<OutputError> sums(outputs.size());
  for (int64_t first = 0; first < count; first += batch) {
    const int64_t valid = std::min(batch, count - first);
    a.run(first, valid);
    b.run(first, valid);
    for (size_t i = 0; i < sums.size(); ++i) add(a.output(i), b.output(i), sums[i]);
  }
  return sums;
}

std::vector<ObservedOutput> observe(const ir::Model& model, std::span<const ir::ValueId> outputs,
                                    const data::Dataset& items, int64_t count) {
  const int64_t batch = batch_of(model, count);
  Stepper stepper(model, {outputs.begin(), outputs.end()}, items, batch);
  std::vector<Observation> observations;
  for (const ir::ValueId id : outputs) {
    observations.emplace_back(model.main().value(id).shape, count);
  }
  for (int64_t first = 0; first < count; first += batch) {
    const int64_t valid = std::min(batch, count - first);
    stepper.run(first, valid);
    for (size_t i = 0; i < observations.size(); ++i) {
      observations[i].add(stepper.output(i), valid);
    }
  }
  std::vector<ObservedOutput> out;
  for (Observation& observation : observations) out.push_back(observation.take());
  return out;
}

}  // namespace pare::eval
