// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/command.hpp"

#include "apps/pare/foreign_model.hpp"
#include "apps/pare/freshness.hpp"
#include "apps/pare/memory_limit.hpp"

namespace pare::cli {

pass::Schema schema_of(const Command& command) {
  pass::Schema schema;
  for (const OptionGroup& group : command.groups) {
    schema.insert(schema.end(), group.options.begin(), group.options.end());
  }
  return schema;
}

void check_arguments(const Command& command, const pass::Options& options) {
  command.check(options);
  check_foreign_flags(command, options);
  check_memory_flag(options, schema_of(command));
  check_freshness_flags(command, options);
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
