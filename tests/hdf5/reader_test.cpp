// SPDX-License-Identifier: Apache-2.0
// Files as others write them (made here with libhdf5's own calls) and files that are damaged.
#include <cstring>

#include <doctest/doctest.h>
#include <fcntl.h>
#include <hdf5.h>
#include <unistd.h>

#include "lib/core/error.hpp"
#include "lib/hdf5/confined.hpp"
#include "lib/hdf5/hdf5_reader.hpp"
#include "lib/hdf5/hdf5_writer.hpp"
#include "lib/hdf5/native.hpp"
#include "tests/hdf5/scratch_folder.hpp"

namespace pare::hdf5 {

namespace {

using tests::refusal;
using tests::ScratchFolder;
using Dims = std::vector<int64_t>;

// A big-endian array, a chunked and compressed one, fixed and variable strings, a soft link, a
// second name, and an array whose bytes lie in another file.
void write_foreign(const std::string& path, const std::string& elsewhere) {
  const LibraryLock lock;  // also keeps libhdf5 from its clean-up at exit
  const hid_t file = H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
  const hsize_t dims[2] = {50, 40};
  const hid_t space = H5Screate_simple(2, dims, nullptr);
  std::vector<int32_t> values(2000);
  for (size_t i = 0; i < values.size(); ++i) values[i] = static_cast<int32_t>(i * 7 % 1000);
  const auto dataset = [&](const char* name, hid_t type, hid_t list, const void* data) {
    const hid_t made = H5Dcreate2(file, name, type, space, H5P_DEFAULT, list, H5P_DEFAULT);
    if (data) H5Dwrite(made, H5T_NATIVE_INT32, H5S_ALL, H5S_ALL, H5P_DEFAULT, data);
    H5Dclose(made);
  };
  dataset("big", H5T_STD_I16BE, H5P_DEFAULT, values.data());
  dataset("never_written", H5T_STD_I32LE, H5P_DEFAULT, nullptr);
  const hid_t chunked = H5Pcreate(H5P_DATASET_CREATE);
  const hsize_t chunk[2] = {7, 11};
  H5Pset_chunk(chunked, 2, chunk);
  H5Pset_shuffle(chunked);
  H5Pset_deflate(chunked, 6);
  dataset("chunked", H5T_STD_U32LE, chunked, values.data());
  const hid_t external = H5Pcreate(H5P_DATASET_CREATE);
  H5Pset_external(external, elsewhere.c_str(), 0, 8000);
  dataset("external", H5T_STD_I32LE, external, nullptr);
  const hid_t variable = H5Tcopy(H5T_C_S1);
  H5Tset_size(variable, H5T_VARIABLE);
  dataset("variable", variable, H5P_DEFAULT, nullptr);
  H5Lcreate_soft("/chunked", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
  H5Lcreate_hard(file, "big", file, "second", H5P_DEFAULT, H5P_DEFAULT);
  H5Tclose(variable);
  H5Pclose(external);
  H5Pclose(chunked);
  H5Sclose(space);
  H5Fclose(file);
}

std::string small_file(const ScratchFolder& scratch) {
  const std::vector<float> values(700, 1.5F);
  const std::string path = scratch.file("small.h5");
  Writer writer(path);
  writer.add("g/x", Element::kF32, Dims{700}, std::as_bytes(std::span(values)));
  writer.add_deflated("text", Element::kU8, Dims{4}, std::as_bytes(std::span("abcd", 4)));
  writer.commit();
  return path;
}

}  // namespace

TEST_CASE("files of others: byte order, chunks, filters and links") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("foreign.h5");
  write_foreign(path, scratch.file("elsewhere"));
  const Index index = read(path);
  const Array* big = index.find("big");
  const Array* chunked = index.find("chunked");
  REQUIRE(big);
  REQUIRE(chunked);
  CHECK(big->element == Element::kI16);
  CHECK(chunked->element == Element::kU32);
  REQUIRE(big->bytes.size() == 4000);
  REQUIRE(chunked->bytes.size() == 8000);
  for (size_t i = 0; i < 2000; ++i) {
    int16_t a = 0;
    uint32_t b = 0;
    std::memcpy(&a, big->bytes.data() + 2 * i, 2);
    std::memcpy(&b, chunked->bytes.data() + 4 * i, 4);
    REQUIRE(a == static_cast<int16_t>(i * 7 % 1000));
    REQUIRE(b == i * 7 % 1000);
  }
  CHECK(index.find("never_written")->bytes[0] == std::byte{0});
  CHECK(index.find("second") != nullptr);
  CHECK(index.find("soft") == nullptr);
  CHECK(index.unsupported == std::vector<std::string>{"external", "variable"});
}

TEST_CASE("string attributes of groups are listed when asked for, scalars as lists of one") {
  const std::string path = "tests/formats/keras/fixtures/sequential_2_1.h5";  // fixed length
  const std::string variable = "tests/formats/keras/fixtures/nested.h5";
  CHECK(read(path).texts.empty());
  const Index index = read(path, {.max_text_bytes = 1 << 20});
  using Texts = std::vector<std::string>;
  CHECK(index.texts.at("").at("keras_version") == Texts{"2.1.6"});
  CHECK(index.texts.at("").at("model_config").at(0).starts_with("{\"class_name\":\"Sequential\""));
  CHECK(index.texts.at("model_weights/conv2d_1").at("weight_names") ==
        Texts{"conv2d_1/kernel:0", "conv2d_1/bias:0"});
  CHECK(index.texts.at("model_weights/flatten_1").at("weight_names").empty());
  CHECK(index.texts.contains("check"));  // a group without attributes
  CHECK(read(variable, {.max_text_bytes = 1 << 20}).texts.at("").at("backend") ==
        Texts{"tensorflow"});
  for (const std::string& file : {path, variable}) {
    CHECK(refusal([&] { read(file, {.max_text_bytes = 100}); }) ==
          file + ": its attributes hold more than 100 bytes of text");
  }
}

TEST_CASE("only the arrays asked for are decoded") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("foreign.h5");
  write_foreign(path, scratch.file("elsewhere"));
  const Index index = read(path, {.only = {"chunked"}});
  REQUIRE(index.arrays.size() == 1);
  CHECK(index.arrays[0].name == "chunked");
  CHECK(refusal([&] { read(path, {.max_decoded_bytes = 5000}); }) ==
        path + ": expands to more than 0 MiB when decoded");
}

TEST_CASE("what is not HDF5 is refused by name") {
  const ScratchFolder scratch;
  const std::string path = scratch.file("x");
  CHECK(refusal([&] { read(path); }) == path + ": no such file");
  tests::spill(path, {});
  CHECK(refusal([&] { read(path); }) == path + ": is empty");
  tests::spill(path, std::vector<char>(3000, 'a'));
  CHECK(refusal([&] { read(path); }) == path + ": is not an HDF5 file");
  CHECK(refusal([&] { read("/"); }) == "/: is a folder; a file is expected");
}

TEST_CASE("a file cut anywhere is refused in one line") {
  const ScratchFolder scratch;
  const std::vector<char> whole = tests::slurp(small_file(scratch));
  const std::string path = scratch.file("cut.h5");
  for (size_t size = 1; size < whole.size(); size += size < 300 ? 1 : 37) {
    tests::spill(path, {whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
    const std::string said = refusal([&] { read(path); });
    REQUIRE(said.starts_with(path + ": "));
    REQUIRE(said.find('\n') == std::string::npos);
  }
}

TEST_CASE("a flipped bit is refused or reads as an array that fits") {
  const ScratchFolder scratch;
  const std::vector<char> whole = tests::slurp(small_file(scratch));
  const std::string path = scratch.file("flipped.h5");
  for (size_t at = 0; at < whole.size(); at += at < 600 ? 1 : 29) {
    std::vector<char> bytes = whole;
    bytes[at] = static_cast<char>(bytes[at] ^ (1 << (at % 8)));
    tests::spill(path, bytes);
    try {
      for (const Array& array : read(path).arrays) {
        CHECK(array.bytes.size() <= whole.size());
      }
    } catch (const Error& error) {
      CHECK(error.subject() == path);
    }
  }
}

TEST_CASE("a confined child that crashes, hangs, babbles or allocates gives nothing") {
  const auto nothing = [] {};
  CHECK(run_confined({}, nothing, [] { return std::string("fine"); }) == "fine");
  CHECK(!run_confined({}, nothing, []() -> std::string { std::abort(); }));
  CHECK(!run_confined({}, nothing, []() -> std::string { throw Error("a", "b"); }));
  CHECK(!run_confined({.max_result_bytes = 10}, nothing, [] { return std::string(1000, 'x'); }));
  CHECK(!run_confined({.cpu_seconds = 1}, nothing, []() -> std::string {
    volatile int spin = 1;
    while (spin != 0) {
    }
    return "";
  }));
  // No new files once work has begun.
  CHECK(run_confined({}, nothing, [] {
          return std::string(::open("/dev/null", O_RDONLY) < 0 ? "closed" : "open");
        }) == "closed");
}

}  // namespace pare::hdf5
