// SPDX-License-Identifier: Apache-2.0
// Bad files, bad data and bad places to write: exit code 1, one line, an existing output untouched
// and nothing new in the folder.
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>

#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/core/json.hpp"
#include "tests/cli/child_process.hpp"
#include "tests/cli/fixtures.hpp"

using pare::test::Finished;
using pare::test::first_weight;
using pare::test::Folder;
using pare::test::read_file;
using pare::test::run;
using pare::test::set_values;
using pare::test::write_file;
using pare::test::write_idx;
using pare::test::write_model;

namespace fs = std::filesystem;

namespace {

// What stands at the output's place before: it must survive every failure.
constexpr const char* kPrecious = "precious bytes of an earlier run";

struct Failure {
  std::string name;
  std::function<void(const Folder&)> prepare;
  std::vector<std::string> arguments;
  std::string subject;      // how the line goes on after "pare: error: "
  std::string fact_part{};  // and what it holds
};

void check_one_line(const Finished& finished, int code, const Failure& failure) {
  CHECK(finished.code == code);
  CHECK(finished.out.empty());
  const size_t line = finished.err.rfind("pare: error: ");
  REQUIRE(line != std::string::npos);
  const std::string text = finished.err.substr(line);
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
  CHECK(text.back() == '\n');
  CHECK(text.rfind("pare: error: " + failure.subject, 0) == 0);
  CHECK(text.find(failure.fact_part) != std::string::npos);
}

void check_failures(const std::vector<Failure>& failures) {
  for (const Failure& failure : failures) {
    CAPTURE(failure.name);
    const Folder folder;
    failure.prepare(folder);
    write_file(folder.at("out.pare"), kPrecious);
    const auto before = folder.names();
    const Finished finished = run(folder, failure.arguments);
    CAPTURE(finished.err);
    check_one_line(finished, 1, failure);
    CHECK(read_file(folder.at("out.pare")) == kPrecious);
    CHECK(folder.names() == before);
  }
}

void damaged(const Folder& folder, const std::function<void(std::string&)>& damage) {
  write_model(folder.at("m.pare"));
  std::string bytes = read_file(folder.at("m.pare"));
  damage(bytes);
  write_file(folder.at("m.pare"), bytes);
}

const std::vector<std::string> kPrune{"prune", "m.pare",   "--sparsity", "0.5",
                                      "-o",    "out.pare", "-q"};
const std::vector<std::string> kInt8{"quantize", "m.pare", "--scheme", "w8a8", "--calibration-data",
                                     "data",     "-o",     "out.pare", "-q"};

}  // namespace

TEST_CASE("model files that are missing, empty, cut, damaged or of another kind end in one line") {
  check_failures({
      {"missing", [](const Folder&) {}, kPrune, "m.pare: "},
      {"empty", [](const Folder& f) { write_file(f.at("m.pare"), ""); }, kPrune,
       "m.pare: ", "empty"},
      {"a folder", [](const Folder& f) { fs::create_directory(f.at("m.pare")); }, kPrune,
       "m.pare: ", "folder"},
      {"a text", [](const Folder& f) { write_file(f.at("m.pare"), "weights, but in words\n"); },
       kPrune, "m.pare: "},
      {"cut to a half",
       [](const Folder& f) { damaged(f, [](std::string& b) { b.resize(b.size() / 2); }); }, kPrune,
       "m.pare: "},
      {"cut to one byte", [](const Folder& f) { damaged(f, [](std::string& b) { b.resize(1); }); },
       kPrune, "m.pare: "},
      {"zeros behind the signature",
       [](const Folder& f) {
         damaged(f, [](std::string& b) { std::fill(b.begin() + 8, b.begin() + 600, '\0'); });
       },
       kPrune, "m.pare: "},
      {"a newline in its name",
       [](const Folder&) {},
       {"prune", "a\nb.pare", "--sparsity", "0.5", "-o", "out.pare"},
       "a\\x0ab.pare: "},
  });
}

TEST_CASE("a file with any byte flipped is read as before or refused in one line") {
  const Folder folder;
  write_model(folder.at("good.pare"));
  const std::string good = read_file(folder.at("good.pare"));
  const size_t stride = good.size() / 60;
  for (size_t at = 3; at < good.size(); at += stride) {
    CAPTURE(at);
    std::string bytes = good;
    bytes[at] = static_cast<char>(bytes[at] ^ 0x10);
    write_file(folder.at("m.pare"), bytes);
    const Finished finished = run(folder, {"inspect", "m.pare"});
    CAPTURE(finished.err);
    CHECK((finished.code == 0 || finished.code == 1));
    CHECK(std::count(finished.err.begin(), finished.err.end(), '\n') == finished.code);
  }
}

TEST_CASE("places that cannot be written end in one line before any work") {
  check_failures({
      {"no such folder",
       [](const Folder& f) { write_model(f.at("m.pare")); },
       {"prune", "m.pare", "--sparsity", "0.5", "-o", "absent/o.pare"},
       "absent/o.pare: ",
       "does not exist"},
      {"the output is a folder",
       [](const Folder& f) {
         write_model(f.at("m.pare"));
         fs::create_directory(f.at("d.pare"));
       },
       {"prune", "m.pare", "--sparsity", "0.5", "-o", "d.pare"},
       "d.pare: ",
       "is a folder"},
      {"a file where a folder is expected",
       [](const Folder& f) {
         write_model(f.at("m.pare"));
         write_file(f.at("file"), "x");
       },
       {"prune", "m.pare", "--sparsity", "0.5", "-o", "file/o.pare"},
       "file/o.pare: ",
       "is not a folder"},
  });
}

TEST_CASE("weights that are not finite are refused, naming the tensor") {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const auto prepare = [bad](const Folder& folder) {
      write_model(folder.at("m.pare"), [bad](pare::ir::Model& model) {
        set_values(model, first_weight(model),
                   [bad](int64_t i) { return i == 5 ? bad : 0.01F * static_cast<float>(i % 7); });
      });
      write_idx(folder.at("data"), 60, 20);
    };
    const std::string tensor = first_weight(pare::test::small_model());
    check_failures(
        {{"prune", prepare, kPrune, tensor},
         {"quantize", prepare, {"quantize", "m.pare", "--bits", "8", "-o", "out.pare"}, tensor}});
  }
}

TEST_CASE("data sets that cannot be are refused in one line") {
  const auto with_model = [](const std::function<void(const Folder&)>& more) {
    return [more](const Folder& folder) {
      write_model(folder.at("m.pare"));
      more(folder);
    };
  };
  const std::vector<std::string> eval{"eval", "m.pare",       "--data",
                                      "data", "--no-latency", "--no-memory"};
  check_failures({
      {"missing", with_model([](const Folder&) {}), kInt8, "data: "},
      {"an empty folder", with_model([](const Folder& f) { fs::create_directory(f.at("data")); }),
       kInt8, "data"},
      {"a text file", with_model([](const Folder& f) { write_file(f.at("data"), "no data"); }),
       eval, "data"},
      {"no items", with_model([](const Folder& f) { write_idx(f.at("data"), 0, 0); }), eval,
       "data"},
      {"a label out of range", with_model([](const Folder& f) {
         write_idx(f.at("data"), 60, 20, [](int i) { return i == 30 ? 200 : i % 10; });
       }),
       kInt8, ""},
      {"truncated images", with_model([](const Folder& f) {
         write_idx(f.at("data"), 60, 20);
         const std::string path = f.at("data/train-images-idx3-ubyte");
         write_file(path, read_file(path).substr(0, 1000));
       }),
       kInt8, "data/train-images-idx3-ubyte: "},
      {"items of another shape",
       with_model(
           [](const Folder& f) { write_file(f.at("data.csv"), "a,b,label\n1,2,x\n3,4,y\n"); }),
       {"eval", "m.pare", "--data", "data.csv", "--split", "train", "--no-latency", "--no-memory"},
       ""},
      {"not a number in a table",
       with_model(
           [](const Folder& f) { write_file(f.at("data.csv"), "a,b,label\n1,2,x\n3,nan,y\n"); }),
       {"eval", "m.pare", "--data", "data.csv", "--split", "train", "--no-latency", "--no-memory"},
       ""},
  });
}

TEST_CASE("patterns that match nothing are refused") {
  const auto prepare = [](const Folder& folder) { write_model(folder.at("m.pare")); };
  check_failures({
      {"prune",
       prepare,
       {"prune", "m.pare", "--sparsity", "0.5", "--exclude", "conv9*", "-o", "out.pare"},
       "",
       "conv9*"},
      {"quantize",
       prepare,
       {"quantize", "m.pare", "--bits", "8", "--exclude", "conv9*", "-o", "out.pare"},
       "",
       "conv9*"},
      {"quantize, per layer",
       prepare,
       {"quantize", "m.pare", "--bits", "8", "--layer", "conv9*=bits:4", "-o", "out.pare"},
       "",
       "conv9*"},
  });
}

TEST_CASE("a quantized model is not quantized again") {
  const auto prepare = [](const Folder& folder) {
    write_model(folder.at("f.pare"));
    CHECK(run(folder, {"quantize", "f.pare", "--bits", "8", "-o", "m.pare"}).code == 0);
  };
  check_failures({{"again", prepare, {"quantize", "m.pare", "--bits", "8", "-o", "out.pare"}, ""}});
}

TEST_CASE("an operator that nobody knows is refused by name") {
  check_failures({{"unknown op",
                   [](const Folder& folder) {
                     write_model(folder.at("m.pare"), [](pare::ir::Model& model) {
                       model.main().node({0}).op = "Frobnicate";
                     });
                   },
                   kPrune, "", "Frobnicate"}});
}

TEST_CASE("a result that does not fit on the disk is an error and leaves nothing") {
  const Folder folder;
  write_model(folder.at("m.pare"));
  SUBCASE("a limit on file sizes") {
    const Finished finished = run(folder, {.arguments = kPrune, .file_size_limit = 4096});
    CHECK(finished.code == 1);
    CHECK(finished.err.rfind("pare: error: out.pare: ", 0) == 0);
    CHECK(folder.names() == std::vector<std::string>{"m.pare"});
  }
  SUBCASE("a small tmpfs") {
    const std::string mount_point = folder.at("small");
    fs::create_directory(mount_point);
    if (::mount("tmpfs", mount_point.c_str(), "tmpfs", 0, "size=16k") != 0) {
      MESSAGE("skipped: mounting a tmpfs needs root");
      return;
    }
    const Finished finished =
        run(folder, {"prune", "m.pare", "--sparsity", "0", "-o", "small/out.pare", "-q"});
    const bool empty = fs::is_empty(mount_point);
    ::umount(mount_point.c_str());
    CHECK(finished.code == 1);
    CHECK(finished.err.rfind("pare: error: small/out.pare: ", 0) == 0);
    CHECK(std::count(finished.err.begin(), finished.err.end(), '\n') == 1);
    CHECK(empty);
  }
  SUBCASE("stdout is full") {
    const Finished finished =
        run(folder, {.arguments = {"inspect", "m.pare"}, .stdout_path = "/dev/full"});
    CHECK(finished.code == 1);
    CHECK(finished.err == "pare: error: stdout: cannot be written: No space left on device\n");
  }
}

TEST_CASE("a folder without write permission is refused") {
  if (::geteuid() == 0) {
    MESSAGE("skipped: root may write everywhere");
    return;
  }
  const Folder folder;
  write_model(folder.at("m.pare"));
  fs::create_directory(folder.at("closed"));
  ::chmod(folder.at("closed").c_str(), 0500);
  const Finished finished =
      run(folder, {"prune", "m.pare", "--sparsity", "0.5", "-o", "closed/out.pare"});
  CHECK(finished.code == 1);
  CHECK(finished.err == "pare: error: closed/out.pare: cannot be written: Permission denied\n");
}
