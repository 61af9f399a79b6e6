// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/array.hpp"

#include "tests/numpy/encoded.hpp"
#include "tests/numpy/refusal.hpp"

namespace pare::numpy {
namespace {

using testing::contains;
using testing::refusal;

template <class T>
Array array_over(ElementType type, const std::vector<T>& values) {
  return {type, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values)), nullptr};
}

TEST_CASE("numbers of every type are converted") {
  const std::vector<uint16_t> halves{0x3C00, 0xC000};
  CHECK(to_f32(array_over({Kind::kFloat, 2}, halves), "x") == std::vector<float>{1.0F, -2.0F});
  const std::vector<double> doubles{0.5, -1e300};
  CHECK(to_f32(array_over({Kind::kFloat, 8}, doubles), "x")[0] == 0.5F);
  const std::vector<uint8_t> bytes{3, 255};
  CHECK(to_i64(array_over({Kind::kUnsigned, 1}, bytes), "x") == std::vector<int64_t>{3, 255});
  CHECK(to_i64(array_over({Kind::kSigned, 1}, bytes), "x") == std::vector<int64_t>{3, -1});
  CHECK(to_f32(array_over({Kind::kSigned, 1}, bytes), "x") == std::vector<float>{3.0F, -1.0F});
  const std::vector<uint8_t> flags{1, 0};
  CHECK(to_i64(array_over({Kind::kBool, 1}, flags), "x") == std::vector<int64_t>{1, 0});
  const std::vector<int64_t> wide{INT64_MIN, INT64_MAX};
  CHECK(to_i64(array_over({Kind::kSigned, 8}, wide), "x") == wide);
}

TEST_CASE("conversions that would lose what the array says are refused") {
  const std::vector<uint64_t> large{UINT64_MAX};
  CHECK(contains(refusal([&] {
                   to_i64(array_over({Kind::kUnsigned, 8}, large), "x");
                 }),
                 "integer out of range"));
  const std::vector<float> floats{1.0F};
  CHECK(contains(refusal([&] {
                   to_i64(array_over({Kind::kFloat, 4}, floats), "x");
                 }),
                 "x: expected integers, found '<f4'"));
  CHECK(contains(refusal([&] {
                   to_texts(array_over({Kind::kFloat, 4}, floats), "x");
                 }),
                 "expected text, found numbers"));
  CHECK(contains(refusal([] { to_f32(array_of_text("1"), "x"); }), "found text"));
}

TEST_CASE("texts come back as they were, bytes that are not UTF-8 as U+FFFD") {
  const std::vector<std::string> texts{"a,\"b\"", "größe 漢", "", "\xF0\x9F\x8C\xB3"};
  const Array array = array_of_texts(texts);
  CHECK(array.dims == ir::Dims{4});
  CHECK(descr_of(array.type) == "<U7");
  CHECK(to_texts(array, "x") == texts);
  CHECK(array_of_text("abc").dims.empty());
  const std::string replacement = "\xEF\xBF\xBD";
  // Cut off, a lone continuation, a surrogate, longer than needed, beyond Unicode.
  CHECK(to_texts(array_of_text("a\xC3"), "x")[0] == "a" + replacement);
  CHECK(to_texts(array_of_text("\x80z"), "x")[0] == replacement + "z");
  for (const std::string bad : {"\xED\xA0\x80", "\xE0\x80\x80"}) {
    CHECK(to_texts(array_of_text(bad), "x")[0] == replacement + replacement + replacement);
  }
  CHECK(to_texts(array_of_text("\xF8\x90\x80\x80"), "x")[0].size() == 4 * replacement.size());
}

TEST_CASE("stored code points outside Unicode become U+FFFD") {
  const std::vector<uint32_t> points{0x41, 0xD800, 0xFFFFFFFF, 0, 0x42};
  const Array array{{Kind::kUnicode, 20}, {}, std::as_bytes(std::span(points)), nullptr};
  CHECK(to_texts(array, "x")[0] == "A\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST_CASE("byte text ends at its padding") {
  const std::string fields("ab\0abc", 6);
  const Array array{{Kind::kBytes, 3}, {2}, std::as_bytes(std::span(fields)), nullptr};
  CHECK(to_texts(array, "x") == std::vector<std::string>{"ab", "abc"});
}

}  // namespace
}  // namespace pare::numpy
