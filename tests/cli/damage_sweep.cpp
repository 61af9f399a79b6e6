// SPDX-License-Identifier: Apache-2.0
#include "tests/cli/damage_sweep.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include <doctest/doctest.h>

#include "tests/cli/child_process.hpp"

namespace pare::test {

namespace {

// Processes of one sweep in tier 1, which at some 10 ms each takes some seconds.
constexpr size_t kMostCopies = 250;

bool sweeps_all() {
  const char* asked = std::getenv("PARE_SWEEP");
  return asked && std::string(asked) == "all";
}

size_t step_over(size_t bytes) { return sweeps_all() ? 1 : 1 + bytes / kMostCopies; }

class Sweep {
 public:
  explicit Sweep(const Victim& victim)
      : name_("x" + victim.extension), step_(step_over(victim.header_bytes)) {}

  void meet(const std::string& bytes) {
    write_file(folder_.at(name_), bytes);
    const Finished finished = run(folder_, {"convert", name_, "-o", "out.pare", "-q"});
    const auto names = folder_.names();
    const bool written = std::ranges::find(names, "out.pare") != names.end();
    REQUIRE(fault_of_refusal(finished.code, finished.err, name_) == "");
    REQUIRE(written == (finished.code == 0));
    REQUIRE(names.size() == (written ? 2 : 1));
    if (written) std::remove(folder_.at("out.pare").c_str());
    swept_.copies += 1;
    swept_.read += written ? 1 : 0;
  }

  // The next place to damage; values of tensors are visited now and then.
  size_t after(size_t at, const Victim& victim) const {
    return at + (at < victim.header_bytes ? step_ : 16 * step_);
  }
  const Swept& swept() const { return swept_; }

 private:
  Folder folder_;
  std::string name_;
  size_t step_;
  Swept swept_;
};

}  // namespace

std::string fault_of_refusal(int code, const std::string& err, const std::string& path) {
  if (code == 0 && std::ranges::count(err, '\n') <= 1) return "";
  if (code != 1) return "ended with " + std::to_string(code) + ": " + err;
  if (std::ranges::count(err, '\n') != 1 || !err.ends_with('\n')) return "not one line: " + err;
  return err.starts_with("pare: error: " + path + ": ") ? "" : "names no file: " + err;
}

Swept sweep_cuts(const Victim& victim) {
  Sweep sweep(victim);
  for (size_t at = 0; at < victim.bytes.size(); at = sweep.after(at, victim)) {
    CAPTURE(at);
    sweep.meet(victim.bytes.substr(0, at));
  }
  return sweep.swept();
}

Swept sweep_flips(const Victim& victim) {
  Sweep sweep(victim);
  for (size_t at = 0; at < victim.bytes.size(); at = sweep.after(at, victim)) {
    const bool every_bit = sweeps_all() && at < victim.header_bytes;
    for (size_t bit = every_bit ? 0 : at % 8; bit <= (every_bit ? 7 : at % 8); ++bit) {
      CAPTURE(at);
      CAPTURE(bit);
      std::string flipped = victim.bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      sweep.meet(flipped);
    }
  }
  return sweep.swept();
}

}  // namespace pare::test
