// SPDX-License-Identifier: Apache-2.0
#include "lib/runtime/tuning.hpp"

#include <algorithm>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/runtime/isa.hpp"

namespace pare::runtime {

namespace {

constexpr int kSchemaVersion = 1;

bool has_weight(const StepInfo& step) { return step.macs > 0; }

double microseconds(const Json& layer, const char* key, const std::string& subject) {
  if (!layer.contains(key) || !layer[key].is_number() || !(layer[key].get<double>() >= 0)) {
    throw Error(subject, "layer has no " + std::string(key) + " of at least 0");
  }
  return layer[key].get<double>();
}

}  // namespace

std::vector<LayerComparison> compare_layers(const std::vector<LayerTiming>& floats,
                                            const std::vector<LayerTiming>& integers) {
  std::vector<LayerComparison> out;
  for (const LayerTiming& layer : floats) {
    if (layer.step.integer || !has_weight(layer.step)) continue;
    const auto other = std::ranges::find_if(integers, [&](const LayerTiming& candidate) {
      return candidate.step.integer && candidate.step.main == layer.step.main;
    });
    if (other == integers.end()) continue;
    out.push_back({layer.step.main, layer.median_us, other->median_us});
  }
  return out;
}

Json tuning_json(const std::vector<LayerComparison>& layers, int64_t batch, int threads) {
  Json list = Json::array();
  for (const LayerComparison& layer : layers) {
    list.push_back(
        Json{{"node", layer.node}, {"float_us", layer.float_us}, {"integer_us", layer.integer_us}});
  }
  return Json{{"schema_version", kSchemaVersion},
              {"isa", name_of(active_isa())},
              {"batch_size", batch},
              {"threads", threads},
              {"layers", list}};
}

std::vector<LayerComparison> parse_tuning(std::string_view text, const std::string& subject) {
  const Json json = parse_json(text, subject);
  if (!json.is_object() || json.value("schema_version", Json()) != Json(kSchemaVersion) ||
      !json.contains("layers") || !json["layers"].is_array()) {
    throw Error(subject, "is no tuning of pare bench --save-tuning, version " +
                             std::to_string(kSchemaVersion));
  }
  std::vector<LayerComparison> out;
  for (const Json& layer : json["layers"]) {
    if (!layer.is_object() || !layer.contains("node") || !layer["node"].is_string()) {
      throw Error(subject, "layer " + std::to_string(out.size()) + " names no node");
    }
    out.push_back({layer["node"].get<std::string>(), microseconds(layer, "float_us", subject),
                   microseconds(layer, "integer_us", subject)});
  }
  return out;
}

}  // namespace pare::runtime
