// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/count_list.hpp"

#include <algorithm>
#include <charconv>
#include <string>

#include "lib/core/error.hpp"

namespace pare::cli {

std::vector<int64_t> count_list(const pass::Options& options, std::string_view name, int64_t most) {
  std::vector<int64_t> counts;
  const std::string text = options.text(name);
  const std::string flag = pass::flag_of({.name = std::string(name)});
  for (size_t start = 0; start < text.size() || !counts.empty();) {
    const size_t end = std::min(text.find(',', start), text.size());
    int64_t count = 0;
    const auto [stop, error] = std::from_chars(text.data() + start, text.data() + end, count);
    if (error != std::errc() || stop != text.data() + end || count < 1 || count > most) {
      throw UsageError(flag, "takes numbers from 1 to " + std::to_string(most) +
                                 " separated by commas, got \"" + text + "\"");
    }
    if (std::ranges::find(counts, count) != counts.end()) {
      throw UsageError(flag, "names " + std::to_string(count) + " twice");
    }
    counts.push_back(count);
    if (end == text.size()) break;
    start = end + 1;
  }
  return counts;
}

}  // namespace pare::cli
