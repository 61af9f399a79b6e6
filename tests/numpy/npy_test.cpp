// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/npy.hpp"

#include "tests/eval/scratch.hpp"
#include "tests/numpy/encoded.hpp"
#include "tests/numpy/refusal.hpp"

namespace pare::numpy {
namespace {

using testing::contains;
using testing::npy;
using testing::refusal;
using testing::values_of;

Array parsed(const std::string& file) {
  return parse_npy(std::as_bytes(std::span(file)), nullptr, "x");
}

std::string refused(const std::string& file) {
  return refusal([&] { parsed(file); });
}

const std::string kFile = npy("<f4", "(3, 2)", values_of<float>({1, 2, 3, 4, 5, 6}));

TEST_CASE("an array read back is the one written, of any rank") {
  const eval::Scratch scratch;
  const std::vector<float> values{1, -2, 3, 4, 5, 0.1F};
  for (const ir::Dims& dims : {ir::Dims{6}, ir::Dims{3, 2}, ir::Dims{1, 6, 1}}) {
    write_npy(view_of(dims, values), scratch.file("x.npy"));
    const Array back = read_npy(scratch.file("x.npy"));
    CHECK(back.type == ElementType{Kind::kFloat, 4});
    CHECK(back.dims == dims);
    CHECK(to_f32(back, "x") == values);
  }
  write_npy(view_of({}, std::span(values).first(1)), scratch.file("x.npy"));
  CHECK(read_npy(scratch.file("x.npy")).dims.empty());
  write_npy(view_of({0, 4}, std::span(values).first(0)), scratch.file("x.npy"));
  CHECK(to_f32(read_npy(scratch.file("x.npy")), "x").empty());
}

TEST_CASE("values start at a multiple of 64, whatever the header's length") {
  const std::vector<int64_t> values(1);
  for (size_t rank = 0; rank <= 32; ++rank) {
    CHECK(npy_start(view_of(ir::Dims(rank, 1), values)).size() % 64 == 0);
  }
}

TEST_CASE("magic, version, length, dictionary and padding are those of version 1.0") {
  std::string expected("\x93NUMPY\x01\x00\x76\x00", 10);
  expected += "{'descr': '<i8', 'fortran_order': False, 'shape': (3,), }";
  expected += std::string(127 - expected.size(), ' ') + '\n';
  const std::vector<int64_t> values{0, 1, 2};
  CHECK(npy_start(view_of({3}, values)) == expected);
}

TEST_CASE("big-endian and Fortran order are converted, text too") {
  const std::vector<float> expected{1, 2, 3, 4, 5, 6};
  CHECK(to_f32(parsed(npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
                          values_of<float>({1, 3, 5, 2, 4, 6}))),
               "x") == expected);
  const std::string big("\0\1\0\2\0\3\0\4\0\5\0\6", 12);
  CHECK(to_f32(parsed(npy(">i2", "(3, 2)", big)), "x") == expected);
  CHECK(to_texts(parsed(npy(">U2", "(1,)", std::string("\0\0\0a\0\0\0b", 8))), "x")[0] == "ab");
  CHECK(to_texts(parsed(npy("|S2", "(2,)", "abcd")), "x") == std::vector<std::string>{"ab", "cd"});
  CHECK(to_texts(
            parsed(npy("{'descr': '|S2', 'fortran_order': True, 'shape': (2, 2), }", "aabbccdd")),
            "x") == std::vector<std::string>{"aa", "cc", "bb", "dd"});
}

TEST_CASE("an array in place is viewed, and outlives the file that it owns") {
  const auto file = std::make_shared<const std::string>(kFile);
  const auto bytes = std::as_bytes(std::span(*file));
  const Array array = parse_npy(bytes, file, "x");
  CHECK(array.bytes.data() == bytes.data() + (kFile.size() - 24));
  CHECK(array.owner == file);
}

TEST_CASE("headers that lie are refused with what was found") {
  CHECK(contains(refused("text"), "x: is not an NPY array"));
  CHECK(contains(refused(npy("<f4", "(3, 4)", "short")), "declares 48 bytes of values, has 5"));
  CHECK(contains(refused(npy("<f4", "(2,)", std::string(9, 'a'))), "declares 8 bytes"));
  CHECK(contains(refused(npy("<f4", "(4611686018427387904, 4)", "short")), "overflows"));
  CHECK(contains(refused(npy("<f8", "(2305843009213693952,)", "short")), "overflows"));
  CHECK(contains(refused(npy("<f4", "(-1,)", "")), "malformed NPY header"));
  CHECK(contains(refused(npy("__import__('os')", "")), "malformed NPY header"));
  CHECK(contains(refused(npy("{'descr': '<f4', 'shape': (1,), }", "1234")), "malformed"));
  CHECK(
      contains(refused(npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "")),
               "structured"));
  for (const char* descr : {"|O", "<c8", "<M8[s]", "<f1", "<f16", "<i3", "|b2", "<U0", "<U-1",
                            "<U65537", "<U99999999999999999999", "f4", "<f4x", "<", ""}) {
    CHECK(contains(refused(npy(descr, "(1,)", "1234")), "expected numbers or text"));
  }
  std::string version = kFile;
  version[6] = 4;
  CHECK(contains(refused(version), "is NPY version 4, expected 1 to 3"));
  CHECK(contains(refused(kFile.substr(0, 40)), "is truncated in its NPY header"));
}

TEST_CASE("versions 2 and 3 have a longer length field") {
  for (const char version : {'\2', '\3'}) {
    std::string file = kFile;
    file[6] = version;
    file.insert(10, 2, '\0');
    CHECK(parsed(file).dims == ir::Dims{3, 2});
  }
}

TEST_CASE("a damaged array is refused or read, never a crash") {
  CHECK(testing::replay_damage(kFile, parsed) >= static_cast<int64_t>(kFile.size()));
}

}  // namespace
}  // namespace pare::numpy
