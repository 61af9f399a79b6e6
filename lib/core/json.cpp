// SPDX-License-Identifier: Apache-2.0
#include "lib/core/json.hpp"

#include <set>
#include <vector>

#include "lib/core/error.hpp"

namespace pare {

Json parse_json(std::string_view text, std::string_view subject, bool allow_comments) {
  constexpr int kMaxDepth = 64;
  std::vector<std::set<std::string>> keys;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) throw Error(subject, "JSON nested deeper than 64 levels");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key) {
      const auto& key = value.get_ref<const std::string&>();
      if (!keys.back().insert(key).second)
        throw Error(subject, "JSON key \"" + key + "\" is repeated");
    }
    return true;
  };
  try {
    return Json::parse(text, watch, /*allow_exceptions=*/true, allow_comments);
  } catch (const nlohmann::json::exception& e) {
    std::string what = e.what();  // "[json.exception.parse_error.101] parse error at line ..."
    const size_t close = what.find("] ");
    if (close != std::string::npos) what.erase(0, close + 2);
    throw Error(subject, "malformed JSON: " + what);
  }
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pare
