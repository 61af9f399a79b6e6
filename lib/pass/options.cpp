// SPDX-License-Identifier: Apache-2.0
#include "lib/pass/options.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "lib/core/error.hpp"

namespace pare::pass {

namespace {

std::string plain(double number) {
  std::ostringstream out;
  out << number;
  return out.str();
}

// "(0, 1)", "[1, 8]", ">= 0"
std::string range_text(const Option& option) {
  const bool low = std::isfinite(option.min);
  const bool high = std::isfinite(option.max);
  if (low && high) {
    return (option.min_open ? "(" : "[") + plain(option.min) + ", " + plain(option.max) +
           (option.max_open ? ")" : "]");
  }
  if (low) return (option.min_open ? "> " : ">= ") + plain(option.min);
  return (option.max_open ? "< " : "<= ") + plain(option.max);
}

bool in_range(const Option& option, double x) {
  const bool above = option.min_open ? x > option.min : x >= option.min;
  const bool below = option.max_open ? x < option.max : x <= option.max;
  return above && below;  // false for NaN
}

void check_number(const Option& option, const Json& value) {
  const bool integer = option.type != OptionType::kNumber;
  const bool fits = integer ? value.is_number_integer() : value.is_number();
  if (!fits) {
    throw UsageError(flag_of(option), std::string(integer ? "an integer" : "a number") +
                                          " is expected, got " + to_text(value));
  }
  const auto x = value.get<double>();
  if (std::isnan(x) || !in_range(option, x)) {
    throw UsageError(flag_of(option),
                     "must be in " + range_text(option) + ", got " + to_text(value));
  }
}

void check_choice(const Option& option, const std::string& word) {
  if (std::ranges::find(option.choices, word) != option.choices.end()) return;
  std::string all;
  for (const auto& c : option.choices) all += (all.empty() ? "" : ", ") + c;
  throw UsageError(flag_of(option), "must be one of " + all + ", got \"" + word + "\"");
}

// [1, 2] of 1, [1, 2] or "1,2".
Json checked_integers(const Option& option, const Json& value) {
  Json list = value.is_array() ? value : Json::array({value});
  if (value.is_string()) {
    list = Json::parse("[" + value.get<std::string>() + "]", nullptr, /*allow_exceptions=*/false);
  }
  const auto whole = [](const Json& item) { return item.is_number_integer(); };
  if (!list.is_array() || list.empty() || !std::ranges::all_of(list, whole)) {
    throw UsageError(flag_of(option),
                     "integers separated by commas are expected, got " + to_text(value));
  }
  for (auto item = list.begin(); item != list.end(); ++item) {
    check_number(option, *item);
    if (std::find(list.begin(), item, *item) != item) {
      throw UsageError(flag_of(option), "names " + to_text(*item) + " twice");
    }
  }
  return list;
}

// The value as its type wants it; a single text is a list of one.
Json checked(const Option& option, const Json& value) {
  const auto expect = [&](bool fits, const char* what) {
    if (!fits)
      throw UsageError(flag_of(option), std::string(what) + " is expected, got " + to_text(value));
  };
  switch (option.type) {
    case OptionType::kFlag:
      expect(value.is_boolean(), "true or false");
      return value;
    case OptionType::kInteger:
    case OptionType::kNumber:
      check_number(option, value);
      return option.type == OptionType::kNumber ? Json(value.get<double>()) : value;
    case OptionType::kText:
      expect(value.is_string(), "a text");
      return value;
    case OptionType::kChoice:
      expect(value.is_string(), "a word");
      check_choice(option, value.get<std::string>());
      return value;
    case OptionType::kTextList: {
      Json list = value.is_array() ? value : Json::array({value});
      for (const Json& item : list) expect(item.is_string(), "a list of texts");
      return list;
    }
    case OptionType::kIntegerList:
      return checked_integers(option, value);
  }
  throw Bug("option type");
}

}  // namespace

std::string flag_of(const Option& option) {
  std::string flag = "--" + option.name;
  std::ranges::replace(flag, '_', '-');
  return flag;
}

const Option* find(const Schema& schema, std::string_view name) {
  const auto it = std::ranges::find(schema, name, &Option::name);
  return it == schema.end() ? nullptr : &*it;
}

Options::Options(const Schema& schema, const Json& given) : schema_(schema) {
  require(given.is_object(), "options are an object");
  for (const auto& [name, value] : given.items()) {
    const Option* option = find(schema, name);
    if (!option) {
      std::vector<std::string> names;
      for (const Option& o : schema) names.push_back(o.name);
      const std::string hint = nearest(name, names);
      throw UsageError(
          name, hint.empty() ? "unknown option" : "unknown option; did you mean " + hint + "?");
    }
    given_[name] = checked(*option, value);
  }
  for (const Option& option : schema) {
    if (given_.contains(option.name)) {
      values_[option.name] = given_[option.name];
    } else if (!option.fallback.is_null()) {
      values_[option.name] = option.fallback;
    }
  }
}

bool Options::given(std::string_view name) const { return given_.contains(name); }

bool Options::has(std::string_view name) const {
  require(find(schema_, name) != nullptr, "option is in its schema");
  return values_.contains(name);
}

const Json& Options::value(std::string_view name) const {
  require(has(name), "option has a value");
  return values_.find(name).value();
}

bool Options::flag(std::string_view name) const { return has(name) && value(name).get<bool>(); }
int64_t Options::integer(std::string_view name) const { return value(name).get<int64_t>(); }
double Options::number(std::string_view name) const { return value(name).get<double>(); }
std::string Options::text(std::string_view name) const {
  return has(name) ? value(name).get<std::string>() : std::string();
}
std::vector<std::string> Options::list(std::string_view name) const {
  return has(name) ? value(name).get<std::vector<std::string>>() : std::vector<std::string>();
}

std::vector<int64_t> Options::integers(std::string_view name) const {
  return has(name) ? value(name).get<std::vector<int64_t>>() : std::vector<int64_t>();
}

Json Options::resolved() const { return values_; }

Json Options::for_history() const {
  Json out = Json::object();
  for (const Option& option : schema_) {
    if (option.changes_result && values_.contains(option.name)) {
      out[option.name] = values_.at(option.name);
    }
  }
  return out;
}

}  // namespace pare::pass
