// SPDX-License-Identifier: Apache-2.0
// The settings of one layer, read with Keras's defaults. Every refusal names file, layer and class.
#pragma once

#include <cstdint>
#include <string>

#include "lib/core/json.hpp"
#include "lib/ir/shape.hpp"

namespace pare::formats::keras {

// Sizes in a description beyond this are refused, so that sums and small products cannot overflow.
inline constexpr int64_t kLargestSetting = int64_t{1} << 31;

class LayerConfig {
 public:
  // `json` must outlive this.
  LayerConfig(std::string path, std::string class_name, std::string name, const Json& json)
      : path_(std::move(path)),
        class_(std::move(class_name)),
        name_(std::move(name)),
        json_(json) {}

  const std::string& class_name() const { return class_; }
  const std::string& name() const { return name_; }
  // Throws Error(path, "layer NAME (CLASS): fact").
  [[noreturn]] void refuse(const std::string& fact) const;

  // All of them: `fallback` when absent or null, refusal when of another type or out of range.
  bool flag(const char* key, bool fallback) const;
  double number(const char* key, double fallback) const;
  int64_t integer(const char* key, int64_t fallback) const;
  std::string text(const char* key, const std::string& fallback) const;
  // A list of integers, or one integer as a list of one.
  ir::Dims integers(const char* key, const ir::Dims& fallback) const;
  // One size for each spatial dimension, each at least 1; one integer stands for all.
  ir::Dims sizes(const char* key, size_t rank, int64_t fallback) const;
  // Null when absent.
  const Json* find(const char* key) const;

  bool channels_last() const;

 private:
  int64_t checked_integer(const Json& value, const char* key) const;

  std::string path_;
  std::string class_;
  std::string name_;
  const Json& json_;
};

}  // namespace pare::formats::keras
