// SPDX-License-Identifier: Apache-2.0
#include "lib/numpy/npz.hpp"

#include <optional>

#include "tests/eval/scratch.hpp"
#include "tests/numpy/encoded.hpp"
#include "tests/numpy/refusal.hpp"

namespace pare::numpy {
namespace {

using eval::Scratch;
using testing::contains;
using testing::refusal;
using testing::zip;

const std::vector<float> kValues{1, 2, 3, 4, 5, 6};
const std::vector<std::string> kTexts{"ant", "größe"};

void write_sample(const std::string& path) {
  const std::vector<NamedArray> arrays{{"values", view_of({3, 2}, kValues)},
                                       {"names", array_of_texts(kTexts)}};
  write_npz(arrays, path);
}

TEST_CASE("arrays read back from an archive are the ones written") {
  const Scratch scratch;
  write_sample(scratch.file("a.npz"));
  const auto reader = std::make_optional<NpzReader>(scratch.file("a.npz"));
  CHECK(reader->names() == std::vector<std::string>{"names", "values"});
  CHECK(reader->load("values").dims == ir::Dims{3, 2});
  CHECK(to_f32(reader->load("values"), "x") == kValues);
  CHECK(to_texts(reader->load("names"), "x") == kTexts);
}

TEST_CASE("an archive without arrays is one") {
  const Scratch scratch;
  write_npz({}, scratch.file("a.npz"));
  CHECK(NpzReader(scratch.file("a.npz")).names().empty());
}

TEST_CASE("the same arrays give the same bytes") {
  const Scratch scratch;
  for (const char* name : {"a.npz", "b.npz"}) write_sample(scratch.file(name));
  CHECK(Scratch::bytes_of(scratch.file("a.npz")) == Scratch::bytes_of(scratch.file("b.npz")));
}

TEST_CASE("arrays outlive the reader, stored or deflated") {
  const Scratch scratch;
  const std::string array = testing::npy("<f4", "(3, 2)", testing::values_of(kValues));
  const auto path = scratch.write("a.npz", zip({{"x.npy", array, true}, {"y.npy", array}}));
  std::optional<NpzReader> reader(path);
  const Array inflated = reader->load("x");
  const Array stored = reader->load("y");
  reader.reset();
  CHECK(to_f32(inflated, "x") == kValues);
  CHECK(to_f32(stored, "y") == kValues);
}

TEST_CASE("two members that are the same array are refused") {
  const Scratch scratch;
  const auto path = scratch.write("a.npz", zip({{"x", "one"}, {"x.npy", "two"}}));
  CHECK(contains(refusal([&] { NpzReader reader(path); }), "x: is in the archive twice"));
}

TEST_CASE("an archive cut or damaged at any byte is read or refused, never a crash") {
  const Scratch scratch;
  const std::string array = testing::npy("<f4", "(3, 2)", testing::values_of(kValues));
  const std::string good = zip({{"x.npy", array, true}, {"y.npy", array}});
  const int64_t refused = testing::replay_damage(good, [&](const std::string& damaged) {
    const NpzReader reader(scratch.write("damaged.npz", damaged));
    for (const std::string& name : reader.names()) reader.load(name);
  });
  CHECK(refused >= static_cast<int64_t>(good.size()));
}

}  // namespace
}  // namespace pare::numpy
