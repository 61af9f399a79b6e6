// SPDX-License-Identifier: Apache-2.0
// Keras files that are damaged or meant to do harm: refused in one line, without much memory.
#include <filesystem>

#include <doctest/doctest.h>
#include <sys/resource.h>

#include "formats/formats.hpp"
#include "tests/formats/damage.hpp"
#include "tests/formats/replay.hpp"

namespace pare::formats {

namespace {

constexpr const char* kCorpus = "tests/formats/keras/corpus/";

// The refusal of a file of the corpus, without its path.
std::string refused(const std::string& name) {
  const std::string path = kCorpus + name + ".h5";
  const std::string text = tests::read_wholly(path);
  return text.empty() ? text : text.substr(path.size() + 2);
}

int64_t peak_kilobytes(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  return usage.ru_maxrss;
}

}  // namespace

TEST_CASE("a Keras file cut at any byte, or with any byte changed, breaks nothing") {
  const std::string tiny = "tests/formats/keras/fixtures/tiny_latest.h5";
  // What comes last are arrays' bytes and unused space: only a cut there may go unnoticed.
  const size_t read = tests::cuts_read(tiny);
  MESSAGE(read, " of ", std::filesystem::file_size(tiny), " cuts are read");
  CHECK(read < std::filesystem::file_size(tiny) / 2);
  MESSAGE(tests::flips_that_differ(tiny), " changed copies are read as another model");
}

TEST_CASE("hostile Keras files are replayed, and none is read") {
  size_t replayed = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kCorpus)) {
    CAPTURE(entry.path());
    CHECK(tests::read_wholly(entry.path().string()) != "");
    ++replayed;
  }
  CHECK(replayed >= 14);
}

TEST_CASE("a short Keras file cannot make the program allocate much or work long") {
  const int64_t before = peak_kilobytes(RUSAGE_SELF);
  CHECK(refused("terabytes_never_written") == "expands to more than 1 MiB when decoded");
  CHECK(refused("gigabytes_in_chunks") == "expands to more than 1 MiB when decoded");
  CHECK(refused("doubling") == "calls more than 20000 layers");
  CHECK(peak_kilobytes(RUSAGE_SELF) - before < 64 * 1024);
}

TEST_CASE("descriptions that are not what they should be are refused by name") {
  CHECK(refused("deep_json") == "JSON nested deeper than 64 levels");
  CHECK(refused("name_with_escapes") ==
        "layer \\x1b[2J\\x0ad (Dense): takes 2 weights, the file holds 0");
  CHECK(refused("huge_numbers") == "layer d (Dense): units is out of range");
  CHECK(refused("fractions") == "layer d (Dense): units is not made of integers");
  CHECK(refused("names_without_arrays") == "model_weights/d/d/kernel:0 is missing");
  CHECK(refused("integers_for_weights") ==
        "model_weights/d/d/kernel:0 is of i32, weights are floats");
  CHECK(refused("two_of_a_name") == "two layers are called d");
  CHECK(refused("wrong_types") == "layer d_input (InputLayer): states no input shape");
  CHECK(refused("windows_of_nothing") == "f: size overflows");
}

}  // namespace pare::formats
