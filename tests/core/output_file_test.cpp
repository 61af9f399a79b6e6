// SPDX-License-Identifier: Apache-2.0
// Atomic output: what is on disk before, during and after, whatever goes wrong.
#include "lib/core/output_file.hpp"

#include <filesystem>
#include <fstream>
#include <iterator>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/mapped_file.hpp"

namespace pare {
namespace {

namespace fs = std::filesystem;

// A folder of its own, removed at the end.
struct Folder {
  fs::path path;
  Folder() {
    std::string name = (fs::temp_directory_path() / "pare-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { fs::remove_all(path); }
  std::string operator/(const std::string& name) const { return (path / name).string(); }
  int files() const {
    return static_cast<int>(std::distance(fs::directory_iterator(path), fs::directory_iterator()));
  }
};

std::string content(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

TEST_CASE("the final name appears only with commit, whole, and no sibling is left") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  {
    OutputFile out(path);
    out.write("half");
    CHECK(!fs::exists(path));
    CHECK(fs::exists(out.staging_path()));
    out.write(" and half");
    out.commit();
    CHECK(content(path) == "half and half");
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("bytes go to their place in any order") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  OutputFile out(path);
  out.write("head,");
  out.write_at(9, std::as_bytes(std::span("last", 4)));
  out.write_at(5, std::as_bytes(std::span("mid,", 4)));
  out.commit();
  CHECK(content(path) == "head,mid,last");
}

TEST_CASE("an output that is never committed leaves the old file as it was") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  write_text_file(path, "old");
  { OutputFile(path).write("new"); }
  CHECK(content(path) == "old");
  CHECK(folder.files() == 1);
}

TEST_CASE("replacing a file keeps its permissions") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  write_text_file(path, "old");
  REQUIRE(::chmod(path.c_str(), 0640) == 0);
  write_text_file(path, "new");
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0640);
}

TEST_CASE("siblings of processes that died are removed, those of living ones stay") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  const std::string abandoned = folder / ".out.txt.pare-999999";
  const std::string alive = folder / ".out.txt.pare-999998";
  const std::string other = folder / ".another.txt.pare-999999";
  for (const std::string& name : {abandoned, alive, other}) std::ofstream(name) << "x";
  const int fd = ::open(alive.c_str(), O_RDONLY | O_CLOEXEC);
  REQUIRE(::flock(fd, LOCK_EX) == 0);
  write_text_file(path, "new");
  CHECK(!fs::exists(abandoned));
  CHECK(fs::exists(alive));
  CHECK(fs::exists(other));
  ::close(fd);
}

TEST_CASE("a killed writer leaves no final file, and the next run clears its sibling away") {
  const Folder folder;
  const std::string path = folder / "out.txt";
  const pid_t child = ::fork();
  if (child == 0) {
    OutputFile out(path);
    out.write("partial");
    ::raise(SIGKILL);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WIFSIGNALED(status));
  CHECK(!fs::exists(path));
  CHECK(folder.files() == 1);
  check_writable(path);
  CHECK(folder.files() == 0);
}

TEST_CASE("signal handlers remove every live sibling") {
  const Folder folder;
  OutputFile a(folder / "a");
  OutputFile b(folder / "b");
  CHECK(folder.files() == 2);
  remove_staging_files();
  CHECK(folder.files() == 0);
}

TEST_CASE("targets that cannot be written are refused before any work") {
  const Folder folder;
  const auto refused = [](const std::string& path) {
    CHECK_THROWS_AS(check_writable(path), Error);
  };
  refused("");
  refused(folder / "");
  refused(folder / "missing/out");
  refused(folder.path.string());
  write_text_file(folder / "file", "x");
  refused(folder / "file/out");
  refused("/dev/null");
  CHECK_NOTHROW(check_writable("-"));
  if (::geteuid() != 0) {
    REQUIRE(::chmod(folder.path.c_str(), 0500) == 0);
    refused(folder / "out");
    REQUIRE(::chmod(folder.path.c_str(), 0700) == 0);
  }
  CHECK(folder.files() == 1);
}

TEST_CASE("a mapped file outlives its name and refuses what is not a file with bytes") {
  const Folder folder;
  const std::string path = folder / "data";
  write_text_file(path, "abc");
  const auto file = MappedFile::open(path);
  write_text_file(path, "xyz!");
  REQUIRE(file->bytes().size() == 3);
  CHECK(file->bytes()[0] == std::byte{'a'});
  CHECK_THROWS_AS(MappedFile::open(folder / "nothing"), Error);
  CHECK_THROWS_AS(MappedFile::open(folder.path.string()), Error);
  CHECK_THROWS_AS(MappedFile::open("/dev/null"), Error);
  std::ofstream(folder / "empty").close();
  CHECK_THROWS_AS(MappedFile::open(folder / "empty"), Error);
  REQUIRE(::mkfifo((folder / "fifo").c_str(), 0600) == 0);
  CHECK_THROWS_AS(MappedFile::open(folder / "fifo"), Error);
}

TEST_CASE("SHA-256 gives the FIPS 180-4 example digests") {
  const auto digest = [](std::string_view text) {
    return to_hex(sha256(std::as_bytes(std::span(text))));
  };
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  Sha256Stream stream;
  stream.update("a");
  stream.update("bc");
  CHECK(to_hex(stream.finish()) == digest("abc"));
  const Folder folder;
  write_text_file(folder / "abc", "abc");
  CHECK(to_hex(sha256_of_file(folder / "abc")) == digest("abc"));
}

TEST_CASE("a large file is hashed in pieces, and no further once it is not wanted") {
  const Folder folder;
  const std::string text(33'000'000, 'a');
  write_text_file(folder / "large", text);
  CHECK(sha256_of_file(folder / "large") == sha256(std::as_bytes(std::span(text))));
  std::stop_source stop;
  stop.request_stop();
  CHECK_THROWS_AS(sha256_of_file(folder / "large", stop.get_token()), Error);
}

}  // namespace
}  // namespace pare
