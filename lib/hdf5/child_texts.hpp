// SPDX-License-Identifier: Apache-2.0
// What the confined child makes of string attributes: scalars and lists, fixed or variable in
// length, of any group. Internal to lib/hdf5; runs in the child only.
#pragma once

#include <cstdint>
#include <string>

#include <hdf5.h>

#include "lib/core/json.hpp"

namespace pare::hdf5 {

class GroupTexts {
 public:
  // `max_bytes`: of all strings together, as stored.
  explicit GroupTexts(int64_t max_bytes) : left_(max_bytes) {}

  // Lists the string attributes of a group; a group without any is listed as well. Empty lists of
  // any type count as lists of strings. Throws when they cannot be read.
  void add(hid_t group, const std::string& name);

  bool too_large() const { return too_large_; }
  // [{"g": group, "a": {attribute: [string]}}]
  Json take() { return std::move(groups_); }

 private:
  static herr_t visit(hid_t group, const char* name, const H5A_info_t*, void* context) noexcept;
  void list(hid_t group, const char* name);
  Json fixed(hid_t attribute, hid_t type, int64_t count);
  Json variable(hid_t attribute, hid_t type, int64_t count);
  bool spend(int64_t bytes);

  int64_t left_;
  bool too_large_ = false;
  Json groups_ = Json::array();
};

}  // namespace pare::hdf5
