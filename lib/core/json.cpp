// SPDX-License-Identifier: Apache-2.0
#include "lib/core/json.hpp"

#include <unordered_set>
#include <utility>
#include <vector>

#include "lib/core/error.hpp"

namespace pare {

namespace {

// Builds the document as the parser reads it and refuses what the caller must not see.
class Document : public nlohmann::json_sax<Json> {
 public:
  explicit Document(std::string_view subject) : subject_(subject) {}
  Json take() { return std::move(root_); }

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t&) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t&) override { throw Bug("JSON text has no binary values"); }
  bool start_object(size_t) override { return open(Json::object()); }
  bool start_array(size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }
  bool key(string_t& name) override {
    Container& object = open_.back();
    auto& members = object.json->get_ref<Json::object_t&>();
    if (!object.is_new(name, members)) {
      throw Error(subject_, "JSON key \"" + name + "\" is repeated");
    }
    member_ = &members.emplace_back(name, nullptr).second;
    return true;
  }
  bool parse_error(size_t, const std::string&, const nlohmann::json::exception& e) override {
    std::string what = e.what();  // "[json.exception.parse_error.101] parse error at line ..."
    const size_t close = what.find("] ");
    if (close != std::string::npos) what.erase(0, close + 2);
    throw Error(subject_, "malformed JSON: " + what);
  }

 private:
  // Keys of an ordered object are found one by one: those of a large one are kept apart as well, or
  // a file of many would take their number squared.
  struct Container {
    Json* json;
    std::unordered_set<std::string> keys;

    bool is_new(const std::string& name, const Json::object_t& members) {
      constexpr size_t kFew = 32;
      if (members.size() < kFew) return members.find(name) == members.end();
      if (keys.empty()) {
        for (const auto& [key, value] : members) keys.insert(key);
      }
      return keys.insert(name).second;
    }
  };

  bool add(Json value) {
    place(std::move(value));
    return true;
  }
  bool open(Json container) {
    constexpr size_t kMaxDepth = 64;
    if (open_.size() >= kMaxDepth) throw Error(subject_, "JSON nested deeper than 64 levels");
    open_.push_back({&place(std::move(container)), {}});
    return true;
  }
  bool close() {
    open_.pop_back();
    return true;
  }
  Json& place(Json value) {
    if (open_.empty()) return root_ = std::move(value);
    Json& around = *open_.back().json;
    if (around.is_object()) return *member_ = std::move(value);
    auto& elements = around.get_ref<Json::array_t&>();
    return elements.emplace_back(std::move(value));
  }

  std::string_view subject_;
  Json root_;
  std::vector<Container>
      open_;                // containers around the place that is read; only the last one grows
  Json* member_ = nullptr;  // of the last one, an object: the value of the key that was read
};

}  // namespace

Json parse_json(std::string_view text, std::string_view subject, bool allow_comments) {
  Document document(subject);
  Json::sax_parse(text, &document, Json::input_format_t::json, /*strict=*/true, allow_comments);
  return document.take();
}

std::string to_text(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

}  // namespace pare
