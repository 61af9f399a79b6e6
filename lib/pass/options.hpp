// SPDX-License-Identifier: Apache-2.0
// Options of a pass, declared once. The schema feeds `--help`, command-line parsing, validation,
// the pipeline text form and the history entry, so that none of them can disagree.
#pragma once

#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lib/core/json.hpp"
#include "lib/core/nearest.hpp"

namespace pare::pass {

// A kIntegerList is one integer or several, all different: on a command line "1,2", in JSON 1,
// [1, 2] or "1,2".
enum class OptionType : uint8_t {
  kFlag,
  kInteger,
  kNumber,
  kText,
  kChoice,
  kTextList,
  kIntegerList
};

struct Option {
  std::string name;  // "group_size"; the flag is "--group-size"
  OptionType type = OptionType::kText;
  Json fallback = nullptr;  // null: no value unless given
  std::string help;         // one sentence, no full stop
  std::vector<std::string> choices = {};
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  bool min_open = false;  // min itself is refused
  bool max_open = false;
  bool changes_result = true;  // recorded in history (threads, paths and verbosity are not)
  std::string metavar = {};    // shown in help: "N", "FRACTION", "FILE"
};
using Schema = std::vector<Option>;

std::string flag_of(const Option& option);  // "--group-size"
const Option* find(const Schema& schema, std::string_view name);

// Resolved values of one schema. Reading a name that the schema lacks is a Bug.
class Options {
 public:
  Options() = default;
  // `given` is an object of name: value; throws UsageError("--flag", ...) on an unknown name (with
  // the nearest known one), a wrong type, or a value out of range.
  Options(const Schema& schema, const Json& given);

  bool given(std::string_view name) const;  // stated by the user
  bool has(std::string_view name) const;    // given, or with a default
  bool flag(std::string_view name) const;
  int64_t integer(std::string_view name) const;
  double number(std::string_view name) const;
  std::string text(std::string_view name) const;  // kText, kChoice; "" when absent
  std::vector<std::string> list(std::string_view name) const;
  std::vector<int64_t> integers(std::string_view name) const;  // kIntegerList; empty when absent

  Json resolved() const;     // every option with a value
  Json for_history() const;  // those that change the result
  Json stated() const { return given_; }

 private:
  const Json& value(std::string_view name) const;
  Schema schema_;
  Json given_ = Json::object();
  Json values_ = Json::object();
};

using pare::nearest;

}  // namespace pare::pass
