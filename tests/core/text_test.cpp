// SPDX-License-Identifier: Apache-2.0
// Text from strangers: JSON, names in messages, sizes; and random numbers.
#include <algorithm>
#include <numeric>

#include <doctest/doctest.h>

#include "lib/core/checked.hpp"
#include "lib/core/error.hpp"
#include "lib/core/json.hpp"
#include "lib/core/parallel.hpp"
#include "lib/core/rng.hpp"

namespace pare {
namespace {

std::string nested(int depth) {
  return std::string(static_cast<size_t>(depth), '[') +
         std::string(static_cast<size_t>(depth), ']');
}

TEST_CASE("JSON with repeated keys, too deep, truncated or trailed is refused with its subject") {
  for (const char* text : {R"({"a":1,"a":2})", R"({"a":{"b":1,"b":1}})", "{", "", "[1,]", "1 2",
                           "{'a':1}", "nul", "\"\x01\"", "// c\n1"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(parse_json(text, "file"), Error);
  }
  CHECK_NOTHROW(parse_json(nested(60), "file"));
  CHECK_THROWS_AS(parse_json(nested(70), "file"), Error);
  CHECK_THROWS_AS(parse_json(nested(1'000'000), "file"), Error);
  try {
    parse_json(R"({"a":1,"a":2})", "model.pare");
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(std::string(e.what()) == "model.pare: JSON key \"a\" is repeated");
  }
}

TEST_CASE("a key is found repeated among many, early and late ones alike") {
  std::string many;
  for (int i = 0; i < 50; ++i) many += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  const Json all = parse_json("{" + many + "\"last\":50}", "f");
  CHECK(all.size() == 51);
  CHECK(all.at("k49") == 49);
  for (const char* key : {"k0", "k31", "k32", "k49"}) {
    CAPTURE(key);
    CHECK_THROWS_AS(parse_json("{" + many + "\"" + key + "\":0}", "f"), Error);
  }
}

TEST_CASE("equal keys in different objects are fine, comments only when asked for") {
  CHECK(parse_json(R"([{"a":1},{"a":{"a":2}}])", "f").size() == 2);
  CHECK(parse_json("/* c */ {\"b\":1, // d\n\"a\":2}", "f", true).size() == 2);
}

TEST_CASE("JSON keeps the order of keys, and invalid UTF-8 is replaced rather than thrown on") {
  const std::string text = R"({"z":1,"a":[1.5,true,null],"m":"x"})";
  CHECK(to_text(parse_json(text, "f")) == text);
  CHECK(to_text(Json("a\xFF")) == "\"a\xEF\xBF\xBD\"");
}

TEST_CASE("escaped text has no control bytes and no broken UTF-8") {
  CHECK(escaped("plain name.pare") == "plain name.pare");
  CHECK(escaped("a\nb\x1b[31m\x7f") == "a\\x0ab\\x1b[31m\\x7f");
  CHECK(escaped("\xC3\xA9") == "\xC3\xA9");
  CHECK(escaped("\xC3") == "\\xc3");
  CHECK(escaped("\xC0\x80") == "\\xc0\\x80");  // overlong
  CHECK(escaped("\xC2\x9B") == "\\xc2\\x9b");  // a C1 control
  CHECK(escaped(std::string("a\0b", 3)) == "a\\x00b");
  CHECK(escaped(std::string(500, 'x'), 10) == "xxxxxxxxxx...");
  for (int first = 0; first < 256; ++first) {
    for (int second = 0; second < 256; ++second) {
      const std::string text{static_cast<char>(first), static_cast<char>(second)};
      for (const char c : escaped(text))
        CHECK(((static_cast<unsigned char>(c) >= 0x20) && c != 0x7F));
    }
  }
}

TEST_CASE("an error is one line whatever its subject holds") {
  const Error error("a\nb", "found\r\nthis");
  CHECK(std::string(error.what()) == "a\\x0ab: found\\x0d\\x0athis");
  CHECK(error.code() == ExitCode::kFailure);
  CHECK(UsageError("--x", "y").code() == ExitCode::kUsage);
}

TEST_CASE("checked arithmetic refuses overflow and negative sizes") {
  CHECK(checked_mul(INT64_MAX, 1, "s") == INT64_MAX);
  CHECK(checked_mul(INT64_MAX, 0, "s") == 0);
  CHECK_THROWS_AS(checked_mul(int64_t{1} << 32, int64_t{1} << 31, "s"), Error);
  CHECK_THROWS_AS(checked_mul(-1, -1, "s"), Error);
  CHECK_THROWS_AS(checked_add(INT64_MAX, 1, "s"), Error);
  CHECK_THROWS_AS(checked_add(5, -1, "s"), Error);
  CHECK(checked_product(std::vector<int64_t>{}, "s") == 1);
}

TEST_CASE("draws depend on seed, stream and counter only") {
  Rng a(1, stream_of("x"));
  const uint64_t first = a.next();
  const uint64_t second = a.next();
  CHECK(Rng(1, stream_of("x")).next() == first);
  CHECK(Rng(1, stream_of("x"), 1).next() == second);
  CHECK(Rng(2, stream_of("x")).next() != first);
  CHECK(Rng(1, stream_of("y")).next() != first);
}

TEST_CASE("uniform and normal draws have the moments they should") {
  Rng rng(3);
  constexpr int kDraws = 100'000;
  double sum = 0, normal_sum = 0, normal_squares = 0;
  for (int i = 0; i < kDraws; ++i) {
    const float u = rng.uniform();
    CHECK_UNARY(u >= 0.0F && u < 1.0F);
    sum += u;
    const double n = rng.normal();
    normal_sum += n;
    normal_squares += n * n;
  }
  // Deviations of the means over n = 1e5: 0.2887/sqrt(n) = 0.0009, 1/sqrt(n) = 0.0032,
  // sqrt(2/n) = 0.0045. Six of each.
  CHECK(std::abs(sum / kDraws - 0.5) < 0.0055);
  CHECK(std::abs(normal_sum / kDraws) < 0.019);
  CHECK(std::abs(normal_squares / kDraws - 1) < 0.027);
}

TEST_CASE("a shuffle is a permutation, and another one with another seed") {
  std::vector<int> items(50), other(50);
  std::iota(items.begin(), items.end(), 0);
  other = items;
  const std::vector<int> sorted = items;
  Rng(1).shuffle(std::span(items));
  Rng(2).shuffle(std::span(other));
  CHECK(items != sorted);
  CHECK(items != other);
  std::ranges::sort(items);
  CHECK(items == sorted);
}

TEST_CASE("parallel_for visits every index once") {
  for (const int threads : {1, 2}) {
    std::vector<int> visits(100);
    parallel_for(100, threads, [&](int64_t i) { ++visits[static_cast<size_t>(i)]; });
    CHECK(std::ranges::count(visits, 1) == 100);
  }
  CHECK(available_threads() >= 1);
}

}  // namespace
}  // namespace pare
