// SPDX-License-Identifier: Apache-2.0
// Damaged Keras files through the real binary: exit code 1 and one line, or a whole model; never a
// crash, and an output only where the model was read.
#include <algorithm>

#include <doctest/doctest.h>

#include "tests/cli/child_process.hpp"

using pare::test::Finished;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::write_file;

namespace {

void check_read_or_refused(const Folder& folder, const std::string& bytes) {
  write_file(folder.at("x.h5"), bytes);
  const Finished finished = run(folder, {"convert", "x.h5", "-o", "x.pare", "-q"});
  const auto names = folder.names();
  const bool written = std::ranges::find(names, "x.pare") != names.end();
  REQUIRE((finished.code == 0 || finished.code == 1));
  CHECK(written == (finished.code == 0));
  CHECK(names.size() == (written ? 2 : 1));
  if (finished.code == 1) {
    CHECK(std::ranges::count(finished.err, '\n') == 1);
    CHECK(finished.err.starts_with("pare: error: x.h5: "));
  }
  if (written) std::remove(folder.at("x.pare").c_str());
}

}  // namespace

TEST_CASE("a damaged Keras file is refused in one line or read, and leaves nothing behind") {
  const std::string whole = read_file("tests/formats/keras/fixtures/tiny.h5");
  REQUIRE(whole.size() > 5000);
  const Folder folder;
  // Steps that meet every kind of structure; tests/formats has every byte of a smaller file.
  for (size_t at = 0; at < whole.size(); at += 97) {
    CAPTURE(at);
    check_read_or_refused(folder, whole.substr(0, at));
    std::string flipped = whole;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    check_read_or_refused(folder, flipped);
  }
}
