// SPDX-License-Identifier: Apache-2.0
#include "lib/hdf5/child_texts.hpp"

#include <cstring>
#include <string_view>
#include <vector>

#include "lib/core/error.hpp"
#include "lib/hdf5/native.hpp"

namespace pare::hdf5 {

void GroupTexts::add(hid_t group, const std::string& name) {
  groups_.push_back({{"g", name}, {"a", Json::object()}});
  if (H5Aiterate2(group, H5_INDEX_NAME, H5_ITER_INC, nullptr, visit, this) < 0) {
    throw Error("hdf5", "attributes cannot be walked");
  }
}

herr_t GroupTexts::visit(hid_t group, const char* name, const H5A_info_t*, void* context) noexcept {
  try {
    auto& self = *static_cast<GroupTexts*>(context);
    self.list(group, name);
    return self.too_large_ ? 1 : 0;
  } catch (...) {
    return -1;
  }
}

bool GroupTexts::spend(int64_t bytes) {
  too_large_ = too_large_ || bytes > left_;
  if (!too_large_) left_ -= bytes;
  return !too_large_;
}

void GroupTexts::list(hid_t group, const char* name) {
  const Handle attribute(H5Aopen(group, name, H5P_DEFAULT));
  const Handle space(H5Aget_space(attribute));
  const Handle type(H5Aget_type(attribute));
  const int64_t count = H5Sget_simple_extent_npoints(space);
  if (!attribute.valid() || count < 0) throw Error("hdf5", "unreadable attribute");
  Json& texts = groups_.back()["a"];
  if (count == 0) {
    texts[name] = Json::array();
  } else if (H5Tget_class(type) == H5T_STRING) {
    texts[name] = H5Tis_variable_str(type) > 0 ? variable(attribute, type, count)
                                               : fixed(attribute, type, count);
  }
}

Json GroupTexts::fixed(hid_t attribute, hid_t type, int64_t count) {
  const auto size = static_cast<int64_t>(H5Tget_size(type));
  int64_t total = 0;
  if (__builtin_mul_overflow(size, count, &total)) total = INT64_MAX;
  Json out = Json::array();
  if (!spend(total)) return out;
  std::vector<char> raw(static_cast<size_t>(total));
  if (H5Aread(attribute, type, raw.data()) < 0) throw Error("hdf5", "unreadable attribute");
  const bool spaces = H5Tget_strpad(type) == H5T_STR_SPACEPAD;
  for (int64_t i = 0; i < count; ++i) {
    const char* begin = raw.data() + i * size;
    std::string_view text(begin, strnlen(begin, static_cast<size_t>(size)));
    while (spaces && text.ends_with(' ')) text.remove_suffix(1);
    out.push_back(text);
  }
  return out;
}

Json GroupTexts::variable(hid_t attribute, hid_t type, int64_t count) {
  Json out = Json::array();
  if (count > left_ / static_cast<int64_t>(sizeof(char*))) {
    too_large_ = true;
    return out;
  }
  std::vector<char*> raw(static_cast<size_t>(count), nullptr);
  if (H5Aread(attribute, type, raw.data()) < 0) throw Error("hdf5", "unreadable attribute");
  for (char* text : raw) {
    const std::string_view view = text ? text : "";
    if (spend(static_cast<int64_t>(view.size() + sizeof(char*)))) out.push_back(view);
    if (text) H5free_memory(text);
  }
  return out;
}

}  // namespace pare::hdf5
