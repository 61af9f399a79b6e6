// SPDX-License-Identifier: Apache-2.0
// Pipeline text: name{key=value key=value},name{...}. Values are JSON where they parse as JSON,
// else plain words; a word that holds a space, comma, brace or quote is written as a JSON string.
#include <cctype>

#include "lib/core/error.hpp"
#include "lib/pass/pass.hpp"

namespace pare::pass {

namespace {

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  Pipeline pipeline() {
    Pipeline steps;
    do {
      steps.push_back(step());
      spaces();
    } while (take(','));
    if (at_ < text_.size()) fail("',' or the end is expected");
    return steps;
  }

 private:
  PipelineStep step() {
    spaces();
    PipelineStep out{.pass = name("a pass name")};
    spaces();
    if (!take('{')) return out;
    for (spaces(); !take('}'); spaces()) {
      const std::string key = name("an option name or '}'");
      if (!take('=')) fail("'=' is expected");
      if (out.options.contains(key)) fail("option " + key + " is repeated");
      out.options[key] = value();
      take(',');
    }
    return out;
  }

  std::string name(const char* what) {
    const size_t start = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '_' || text_[at_] == '-')) {
      ++at_;
    }
    if (at_ == start) fail(std::string(what) + " is expected");
    std::string out(text_.substr(start, at_ - start));
    for (char& c : out) c = c == '-' ? '_' : c;
    return out;
  }

  Json value() {
    const size_t start = at_;
    bool quoted = false;
    int brackets = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (quoted) {
        if (c == '\\') ++at_;
        if (c == '"') quoted = false;
        continue;
      }
      if (c == '"') quoted = true;
      if (c == '[') ++brackets;
      if (c == ']') --brackets;
      if (brackets <= 0 && (c == ' ' || c == ',' || c == '}')) break;
    }
    if (at_ >= text_.size()) fail(quoted ? "the closing quote is missing" : "'}' is missing");
    const std::string word(text_.substr(start, at_ - start));
    if (word.empty()) fail("a value is expected");
    const bool structured = word.front() == '"' || word.front() == '[';
    Json parsed = Json::parse(word, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_discarded()) return parsed;
    if (structured) fail("malformed value " + word);
    return word;
  }

  void spaces() {
    while (at_ < text_.size() && text_[at_] == ' ') ++at_;
  }
  bool take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  [[noreturn]] void fail(const std::string& fact) const {
    throw UsageError("pipeline", fact + " at column " + std::to_string(at_ + 1));
  }

  std::string_view text_;
  size_t at_ = 0;
};

std::string value_text(const Json& value) {
  if (!value.is_string()) return pare::to_text(value);
  const auto& word = value.get_ref<const std::string&>();
  const bool plain = !word.empty() && word.find_first_of(" ,{}[]\"=\\") == std::string::npos &&
                     Json::parse(word, nullptr, false).is_discarded();
  return plain ? word : pare::to_text(value);
}

}  // namespace

Pipeline parse_pipeline(std::string_view text) { return Reader(text).pipeline(); }

std::string to_text(const Pipeline& pipeline) {
  std::string out;
  for (const PipelineStep& step : pipeline) {
    out += (out.empty() ? "" : ",") + step.pass;
    if (step.options.empty()) continue;
    std::string body;
    for (const auto& [key, value] : step.options.items()) {
      body += (body.empty() ? "" : " ") + key + "=" + value_text(value);
    }
    out += "{" + body + "}";
  }
  return out;
}

}  // namespace pare::pass
