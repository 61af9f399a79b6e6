// SPDX-License-Identifier: Apache-2.0
#include "apps/pare-infer/inference.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <numeric>
#include <optional>
#include <vector>

#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/core/output_file.hpp"
#include "lib/ir/ops.hpp"
#include "lib/numpy/npy.hpp"
#include "lib/numpy/npz.hpp"
#include "lib/runtime/session.hpp"

namespace pare::infer {

namespace {

// A line such as "VmHWM:     1234 kB" of /proc/self/status; 0 where there is none.
int64_t status_kilobytes(const std::string& key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(key + ":"))
      return std::strtoll(line.c_str() + key.size() + 1, nullptr, 10);
  }
  return 0;
}

// What feeds each input of the graph, in its order; an absent one is zeros.
using Feeds = std::vector<std::optional<numpy::Array>>;

Feeds read_feeds(const Request& request, const ir::Graph& graph) {
  Feeds feeds(graph.inputs.size());
  if (request.input == "zeros") return feeds;
  if (!request.input.ends_with(".npz")) {
    if (graph.inputs.size() != 1) {
      throw Error(request.input, "the model takes " + std::to_string(graph.inputs.size()) +
                                     " inputs: give an .npz with an array of each one's name");
    }
    feeds[0] = numpy::read_npy(request.input);
    return feeds;
  }
  const numpy::NpzReader reader(request.input);
  const std::vector<std::string> names = reader.names();
  for (size_t i = 0; i < feeds.size(); ++i) {
    const std::string& name = graph.value(graph.inputs[i]).name;
    if (std::ranges::find(names, name) == names.end()) {
      throw Error(request.input, "has no array named " + name + ", which the model takes");
    }
    feeds[i] = reader.load(name);
  }
  return feeds;
}

// The number of items in the first input's array: its first dimension when the ranks agree, 1 for a
// single item.
int64_t batch_of(const numpy::Array& array, const ir::Value& input, const std::string& path) {
  ir::Dims item = array.dims;
  int64_t batch = 1;
  if (array.dims.size() == input.shape.size() && !array.dims.empty()) {
    batch = item.front();
    item.erase(item.begin());
  }
  const ir::Shape expected(input.shape.begin() + (input.shape.empty() ? 0 : 1), input.shape.end());
  const bool fixed = !input.shape.empty() && input.shape.front().known();
  if (ir::shape_of(item) != expected || batch < 1 || (fixed && batch != input.shape.front().size)) {
    throw Error(path, "has shape " + ir::to_string(array.dims) + ", the model takes " +
                          ir::to_string(input.shape));
  }
  return batch;
}

// Raw integers become x = (raw * input_scale - mean[c]) / std[c]; channels lie after the batch.
void preprocess(const ir::Preprocessing& p, const ir::Dims& dims, std::span<float> values) {
  const size_t channels = dims.size() > 2 ? static_cast<size_t>(dims[1]) : 1;
  size_t inner = 1;
  for (size_t d = 2; d < dims.size(); ++d) inner *= static_cast<size_t>(dims[d]);
  const auto pick = [&](const std::vector<float>& list, size_t c, float absent) {
    if (list.empty()) return absent;
    return list.size() == 1 ? list[0] : list[std::min(c, list.size() - 1)];
  };
  for (size_t i = 0; i < values.size(); ++i) {
    const size_t c = channels == 1 ? 0 : i / inner % channels;
    values[i] = (values[i] * p.input_scale - pick(p.mean, c, 0.0F)) / pick(p.std, c, 1.0F);
  }
}

template <class T>
void store(std::span<const int64_t> values, std::span<std::byte> bytes) {
  require(bytes.size() == values.size() * sizeof(T), "an input holds its elements");
  for (size_t i = 0; i < values.size(); ++i) {
    const T value = static_cast<T>(values[i]);
    std::memcpy(bytes.data() + i * sizeof(T), &value, sizeof(T));
  }
}

void feed(runtime::Session& session, int index, const numpy::Array& array,
          const ir::Preprocessing& preprocessing, const std::string& path) {
  const ir::Dims& dims = session.input_dims(index);
  if (ir::element_count(array.dims) != ir::element_count(dims)) {
    throw Error(path, "an input has shape " + ir::to_string(array.dims) + ", the model takes " +
                          ir::to_string(dims));
  }
  switch (session.input_dtype(index)) {
    case ir::DType::kF32: {
      const std::span<float> values = session.input(index);
      std::ranges::copy(numpy::to_f32(array, path), values.begin());
      if (index == 0 && array.type.is_integer()) preprocess(preprocessing, dims, values);
      return;
    }
    case ir::DType::kI64:
      return store<int64_t>(numpy::to_i64(array, path), session.input_bytes(index));
    case ir::DType::kI32:
      return store<int32_t>(numpy::to_i64(array, path), session.input_bytes(index));
    case ir::DType::kI8:
      return store<int8_t>(numpy::to_i64(array, path), session.input_bytes(index));
    case ir::DType::kU8:
    case ir::DType::kBool:
      return store<uint8_t>(numpy::to_i64(array, path), session.input_bytes(index));
    default:
      throw Error(
          path, "cannot feed an input of " + std::string(ir::name_of(session.input_dtype(index))));
  }
}

numpy::ElementType element_of(ir::DType dtype) {
  const ir::DTypeInfo& row = ir::info(dtype);
  const numpy::Kind kind = row.is_float    ? numpy::Kind::kFloat
                           : row.is_signed ? numpy::Kind::kSigned
                                           : numpy::Kind::kUnsigned;
  return {kind, row.bits / 8};
}

// All outputs by name into an .npz, or the first one into an .npy.
void write_outputs(const runtime::Session& session, const ir::Graph& graph,
                   const std::string& path) {
  std::vector<numpy::NamedArray> arrays;
  for (int i = 0; i < session.output_count(); ++i) {
    numpy::Array array{.type = element_of(session.output_dtype(i)),
                       .dims = session.output_dims(i),
                       .bytes = session.output_bytes(i)};
    arrays.emplace_back(graph.value(graph.outputs[static_cast<size_t>(i)]).name, array);
  }
  if (path.ends_with(".npz")) return numpy::write_npz(arrays, path);
  numpy::write_npy(arrays.front().second, path);
}

struct Latency {
  double p50 = 0, p90 = 0, p99 = 0;  // microseconds
};

// Runs before those that count: none for a single run, which pays for cold caches and says so.
int warm_up_runs(int repeat) { return repeat > 1 ? 1 : 0; }

// `repeat` timed runs after those that warm up; nearest-rank percentiles.
Latency time_runs(runtime::Session& session, int repeat) {
  using Clock = std::chrono::steady_clock;
  for (int i = 0; i < warm_up_runs(repeat); ++i) session.run();
  std::vector<double> times;
  times.reserve(static_cast<size_t>(repeat));
  for (int i = 0; i < repeat; ++i) {
    const Clock::time_point start = Clock::now();
    session.run();
    times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - start).count());
  }
  std::sort(times.begin(), times.end());
  const auto at = [&](double q) {
    const auto rank = static_cast<size_t>(std::ceil(q * static_cast<double>(times.size())));
    return times[std::max<size_t>(rank, 1) - 1];
  };
  return {at(0.5), at(0.9), at(0.99)};
}

struct Top {
  int64_t index;
  std::string label;
  float value;
};

// The five largest values of one item, ties by index.
std::vector<Top> top_classes(std::span<const float> values, const ir::Metadata& metadata) {
  std::vector<int64_t> order(values.size());
  std::iota(order.begin(), order.end(), 0);
  const size_t count = std::min<size_t>(5, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<int64_t>(count), order.end(),
                    [&](int64_t a, int64_t b) {
                      const float x = values[static_cast<size_t>(a)];
                      const float y = values[static_cast<size_t>(b)];
                      return x > y || (x == y && a < b);
                    });
  std::vector<Top> out;
  for (size_t i = 0; i < count; ++i) {
    const auto index = static_cast<size_t>(order[i]);
    const std::string label =
        index < metadata.labels.size() ? metadata.labels[index] : std::to_string(index);
    out.push_back({order[i], label, values[index]});
  }
  return out;
}

std::string number(double x, const char* format) {
  char text[64];
  std::snprintf(text, sizeof text, format, x);
  return text;
}

std::string as_json(const Request& request, const runtime::Session& session,
                    const std::vector<std::vector<Top>>& items, const Latency& latency) {
  Json json = {{"schema_version", 1}, {"model", request.model}};
  for (const std::vector<Top>& item : items) {
    Json list = Json::array();
    for (const Top& top : item) {
      list.push_back({{"index", top.index}, {"label", top.label}, {"value", top.value}});
    }
    json["top"].push_back(list);
  }
  json["output_shape"] = session.output_dims(0);
  json["latency_us"] = {{"p50", latency.p50},
                        {"p90", latency.p90},
                        {"p99", latency.p99},
                        {"repeat", request.repeat},
                        {"warm_up", warm_up_runs(request.repeat)}};
  json["threads"] = request.threads;
  json["isa"] = std::string(runtime::name_of(runtime::active_isa()));
  json["arena_bytes"] = session.arena_bytes();
  json["packed_weight_bytes"] = session.packed_weight_bytes();
  json["peak_rss_kb"] = status_kilobytes("VmHWM");
  json["anonymous_rss_kb"] = status_kilobytes("RssAnon");
  return to_text(json, 2) + "\n";
}

std::string as_text(const Request& request, const std::vector<std::vector<Top>>& items,
                    const Latency& latency) {
  std::string out;
  for (size_t i = 0; i < items.size(); ++i) {
    for (const Top& top : items[i]) {
      out += (items.size() > 1 ? std::to_string(i) + "  " : "") + number(top.value, "%10.4f") +
             "  " + escaped(top.label) + "\n";
    }
  }
  const std::string threads =
      std::to_string(request.threads) + (request.threads == 1 ? " thread" : " threads");
  if (request.repeat == 1) {
    out += "latency " + number(latency.p50, "%.1f") + " us (first run, cold; " + threads + ")";
  } else {
    out += "latency p50 " + number(latency.p50, "%.1f") + " us, p99 " +
           number(latency.p99, "%.1f") + " us (" + std::to_string(request.repeat) + " runs, " +
           threads + ")";
  }
  out += ", peak memory " +
         number(static_cast<double>(status_kilobytes("VmHWM")) / 1024.0, "%.1f") + " MiB\n";
  return out;
}

// Only the native format: this executable is the size of what gets deployed.
ir::Model read_model(const std::string& path) {
  ir::Model model = formats::read_pare(path);
  try {
    ir::verify(model);
  } catch (const Error& error) {
    throw Error(path, error.what());
  }
  return model;
}

}  // namespace

std::string run(const Request& request) {
  if (!request.output.empty()) check_writable(request.output);
  const ir::Model model = read_model(request.model);
  const ir::Graph& graph = model.main();
  if (graph.inputs.empty()) throw Error(request.model, "its graph takes no input");
  const Feeds feeds = read_feeds(request, graph);
  const int64_t batch =
      feeds[0] ? batch_of(*feeds[0], graph.value(graph.inputs[0]), request.input) : 1;
  runtime::Session session(model, {.batch = batch, .threads = request.threads});
  for (size_t i = 0; i < feeds.size(); ++i) {
    if (!feeds[i]) continue;
    feed(session, static_cast<int>(i), *feeds[i], model.metadata.preprocessing, request.input);
  }

  const Latency latency = time_runs(session, request.repeat);
  const std::span<const float> output = session.output();
  if (!request.output.empty()) write_outputs(session, graph, request.output);
  std::vector<std::vector<Top>> items;
  const size_t per_item = output.size() / static_cast<size_t>(batch);
  for (size_t n = 0; n < static_cast<size_t>(batch); ++n) {
    items.push_back(top_classes(output.subspan(n * per_item, per_item), model.metadata));
  }
  return request.json ? as_json(request, session, items, latency)
                      : as_text(request, items, latency);
}

}  // namespace pare::infer
