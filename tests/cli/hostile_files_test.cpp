// SPDX-License-Identifier: Apache-2.0
// The hostile files of every format (tests/formats/*/corpus, most of them below 1 KB) through the
// real binary: refused in one line or read, within 64 MB, and nothing in them is executed.
#include <algorithm>
#include <filesystem>

#include <doctest/doctest.h>

#include "formats/formats.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/damage_sweep.hpp"

using pare::test::fault_of_refusal;
using pare::test::Finished;
using pare::test::Folder;
using pare::test::Launch;
using pare::test::run;

namespace {

namespace fs = std::filesystem;

constexpr int64_t kMegabyte = 1 << 20;
// A file of 1 KB may make the program take this much more than a file that is in order.
constexpr int64_t kAllowance = 64 * kMegabyte;
// RLIMIT_DATA does not count shared mappings, into which HDF5 files are decoded; but a process
// cannot grow a shared file past RLIMIT_FSIZE.
constexpr int64_t kSharedAllowance = 32 * kMegabyte;
// Files of libhdf5 come in blocks of 2 KB.
constexpr uintmax_t kLargest = 4096;

struct Format {
  const char* name;
  const char* trivial;  // a file in order
};
constexpr Format kFormats[] = {
    {"keras", "tests/formats/keras/fixtures/tiny_latest.h5"},
    {"npz", "tests/formats/npz/corpus/valid.npz"},
    {"onnx", "tests/formats/onnx/fixtures/qoperator.onnx"},
    {"pare", "tests/formats/golden/two_graphs_v1.pare"},
    {"pytorch", "tests/formats/pytorch/corpus/valid_zip.pt"},
    {"safetensors", "tests/formats/safetensors/corpus/valid.safetensors"},
};

// `pare convert` of a file, by a data limit (0: none).
Finished convert(const Folder& folder, const std::string& path, int64_t data_limit) {
  Launch launch{.arguments = {"convert", fs::absolute(path).string(), "-o", "out.pare", "-q"}};
  launch.data_limit = data_limit;
  launch.file_size_limit = data_limit > 0 ? kSharedAllowance : 0;
  return run(folder, launch);
}

// The least limit in megabytes under which a file in order is converted; 0 when there is none below
// a gigabyte, as under AddressSanitizer.
int64_t least_limit(const std::string& path) {
  const Folder folder;
  const auto suffices = [&](int64_t megabytes) {
    return convert(folder, path, megabytes * kMegabyte).code == 0;
  };
  int64_t low = 0, high = 1024;
  if (!suffices(high)) return 0;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (suffices(middle) ? high : low) = middle;
  }
  return high;
}

std::vector<fs::path> small_files(const std::string& format) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::directory_iterator("tests/formats/" + format + "/corpus")) {
    if (entry.file_size() <= kLargest) out.push_back(entry.path());
  }
  std::ranges::sort(out);
  return out;
}

// The refusal of a file of the PyTorch corpus, without its path.
std::string refused(const Folder& folder, const std::string& name) {
  const std::string path = fs::absolute("tests/formats/pytorch/corpus/" + name).string();
  const Finished finished = run(folder, {"inspect", path});
  CHECK(finished.code == 1);
  CHECK(finished.out == "");
  const std::string start = "pare: error: " + path + ": ";
  return finished.err.starts_with(start) ? finished.err.substr(start.size()) : finished.err;
}

}  // namespace

TEST_CASE("a hostile file of 1 KB takes no more than 64 MB beyond a file in order") {
  for (const Format& format : kFormats) {
    CAPTURE(std::string(format.name));
    const int64_t least = least_limit(format.trivial);
    if (least == 0) {
      MESSAGE("skipped: ", std::string(format.name),
              " files cannot be read under a limit in this build");
      continue;
    }
    const auto files = small_files(format.name);
    REQUIRE(files.size() >= 5);
    for (const fs::path& file : files) {
      CAPTURE(file.filename());
      const Folder folder;
      const Finished free = convert(folder, file, 0);
      const Finished limited = convert(folder, file, least * kMegabyte + kAllowance);
      CHECK(fault_of_refusal(free.code, free.err, fs::absolute(file)) == "");
      // The same end, and so none for want of memory.
      CHECK(limited.code == free.code);
      CHECK(limited.err == free.err);
    }
    MESSAGE(std::string(format.name), ": ", files.size(), " files, ", least,
            " MB for one in order");
  }
}

TEST_CASE("a pickle that would run a program is refused by name, in every wrapping") {
  const Folder folder;
  const std::string why =
      ": only tensors, containers, numbers and text are read; save model.state_dict() or export to "
      "ONNX\n";
  for (const char* form : {"_legacy.pt", "_zip.pt"}) {
    CAPTURE(form);
    CHECK(refused(folder, std::string("os_system") + form) == "refuses to load os.system" + why);
    CHECK(refused(folder, std::string("system") + form) == "refuses to load posix.system" + why);
    CHECK(refused(folder, std::string("eval") + form) == "refuses to load builtins.eval" + why);
    CHECK(refused(folder, std::string("nested_subprocess") + form) ==
          "refuses to load subprocess.Popen" + why);
  }
  CHECK(refused(folder, "system_bare.pt") == "refuses to load posix.system" + why);
  CHECK(folder.names().empty());
}
