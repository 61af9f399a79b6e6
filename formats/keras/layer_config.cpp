// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/layer_config.hpp"

#include <cmath>

#include "lib/core/error.hpp"

namespace pare::formats::keras {

void LayerConfig::refuse(const std::string& fact) const {
  throw Error(path_, "layer " + escaped(name_, 80) + " (" + escaped(class_, 80) + "): " + fact);
}

const Json* LayerConfig::find(const char* key) const {
  const auto it = json_.find(key);
  return it == json_.end() || it->is_null() ? nullptr : &*it;
}

bool LayerConfig::flag(const char* key, bool fallback) const {
  const Json* value = find(key);
  if (!value) return fallback;
  if (!value->is_boolean()) refuse(std::string(key) + " is not true or false");
  return value->get<bool>();
}

double LayerConfig::number(const char* key, double fallback) const {
  const Json* value = find(key);
  // Keras 2.1 writes {"type": "ndarray", "value": 0.3} for some.
  if (value && value->is_object() && value->contains("value")) value = &value->at("value");
  if (!value || value->is_null()) return fallback;
  if (!value->is_number()) refuse(std::string(key) + " is not a number");
  const double number = value->get<double>();
  if (!std::isfinite(static_cast<float>(number))) refuse(std::string(key) + " is out of range");
  return number;
}

int64_t LayerConfig::checked_integer(const Json& value, const char* key) const {
  const double number = value.is_number() ? value.get<double>() : 0.5;
  if (number != std::floor(number)) refuse(std::string(key) + " is not made of integers");
  if (std::abs(number) > static_cast<double>(kLargestSetting)) {
    refuse(std::string(key) + " is out of range");
  }
  return static_cast<int64_t>(number);
}

int64_t LayerConfig::integer(const char* key, int64_t fallback) const {
  const Json* value = find(key);
  return value ? checked_integer(*value, key) : fallback;
}

std::string LayerConfig::text(const char* key, const std::string& fallback) const {
  const Json* value = find(key);
  if (!value) return fallback;
  if (!value->is_string()) refuse(std::string(key) + " is not a text");
  return value->get<std::string>();
}

ir::Dims LayerConfig::integers(const char* key, const ir::Dims& fallback) const {
  const Json* value = find(key);
  if (!value) return fallback;
  if (!value->is_array()) return {checked_integer(*value, key)};
  ir::Dims out;
  for (const Json& entry : *value) out.push_back(checked_integer(entry, key));
  return out;
}

ir::Dims LayerConfig::sizes(const char* key, size_t rank, int64_t fallback) const {
  ir::Dims out = integers(key, ir::Dims(rank, fallback));
  if (out.size() == 1) out.resize(rank, out.front());
  if (out.size() != rank) refuse(std::string(key) + " is " + ir::to_string(out));
  for (const int64_t size : out) {
    if (size < 1) refuse(std::string(key) + " is " + ir::to_string(out));
  }
  return out;
}

bool LayerConfig::channels_last() const {
  const std::string format = text("data_format", "channels_last");
  if (format != "channels_last" && format != "channels_first") {
    refuse("data_format is " + escaped(format, 40));
  }
  return format == "channels_last";
}

}  // namespace pare::formats::keras
