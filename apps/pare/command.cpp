// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/command.hpp"

namespace pare::cli {

pass::Schema schema_of(const Command& command) {
  pass::Schema schema;
  for (const OptionGroup& group : command.groups) {
    schema.insert(schema.end(), group.options.begin(), group.options.end());
  }
  return schema;
}

pass::Options narrowed(const pass::Options& all, const pass::Schema& schema) {
  Json given = Json::object();
  const Json stated = all.stated();
  for (const auto& [name, value] : stated.items()) {
    if (pass::find(schema, name)) given[name] = value;
  }
  return pass::Options(schema, given);
}

}  // namespace pare::cli
