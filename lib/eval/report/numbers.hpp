// SPDX-License-Identifier: Apache-2.0
// How a report writes numbers for people: the same digits on the terminal, in Markdown and in HTML,
// whatever the locale.
#pragma once

#include <cstdint>
#include <string>

namespace pare::eval {

inline constexpr const char* kNotMeasured = "not measured";

std::string fixed(double value, int decimals);           // "91.20"
std::string signed_fixed(double value, int decimals);    // "+0.12", U+2212 for minus
std::string percent(double fraction, int decimals = 2);  // 0.912 -> "91.20 %"
std::string points(double fraction, int decimals = 2);   // 0.0012 -> "+0.12"
std::string grouped(int64_t value);                      // "10,000"
std::string bytes_text(int64_t bytes);                   // "27.3 KiB"
std::string count_text(int64_t count);                   // "12.5 M"
std::string microseconds(double us);                     // "105 µs", "1.24 ms"
std::string rate_text(double per_second);                // "12,300", "0.12"
std::string joules_text(double joules);                  // "1.25 mJ"
std::string p_value(double p);                           // "0.231", "< 0.0001"
std::string times(double ratio);                         // "0.471×"

}  // namespace pare::eval
