// SPDX-License-Identifier: Apache-2.0
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

namespace {

void write_mnist_like(const Folder& folder, uint32_t train = 20, uint32_t test = 6) {
  folder.write("train-images-idx3-ubyte.gz", gzipped(idx_images(train)));
  folder.write("train-labels-idx1-ubyte.gz", gzipped(idx_labels(train)));
  folder.write("t10k-images-idx3-ubyte", idx_images(test));
  folder.write("t10k-labels-idx1-ubyte", idx_labels(test));
}

}  // namespace

TEST_CASE("an IDX folder opens with plain and gzip files mixed") {
  const Folder folder;
  write_mnist_like(folder);
  const Splits splits = open(folder.path(), {.validation_fraction = 0});
  REQUIRE(splits.train);
  REQUIRE(splits.test);
  CHECK_FALSE(splits.validation);
  CHECK(splits.train->size() == 20);
  CHECK(splits.test->size() == 6);
  CHECK(splits.train->info().kind == "idx");
  CHECK(splits.train->info().item == pare::ir::Dims{1, 3, 2});
  CHECK(splits.train->info().classes == std::vector<std::string>{"0", "1", "2"});
  float item[6];
  splits.train->read(7, item);
  for (int p = 0; p < 6; ++p) CHECK(item[p] == static_cast<float>((7 * 6 + p) * 37 % 256));
  CHECK(splits.train->label(7) == 1);
}

TEST_CASE("one IDX image file finds its labels and its split by name") {
  const Folder folder;
  write_mnist_like(folder);
  const Splits test = open(folder.path("t10k-images-idx3-ubyte"), {});
  CHECK_FALSE(test.train);
  CHECK(test.test->size() == 6);
  CHECK_FALSE(test.test->info().preprocessing.stated);
  const Splits train = open(folder.path("t10k-images-idx3-ubyte"), {.split = "train"});
  CHECK(train.train->size() == 6);
  CHECK(contains(refusal(folder.path("t10k-images-idx3-ubyte"), {.split = "dev"}), "--split"));
}

TEST_CASE("IDX files that disagree are refused by name") {
  const Folder folder;
  write_mnist_like(folder);
  SUBCASE("fewer labels than images") {
    folder.write("t10k-labels-idx1-ubyte", idx_labels(5));
    CHECK(contains(refusal(folder.path()), "t10k-labels-idx1-ubyte: holds 5 labels for 6 images"));
  }
  SUBCASE("another image size in the test part") {
    folder.write("t10k-images-idx3-ubyte", idx_images(6, 2, 2));
    CHECK(contains(refusal(folder.path()), "images are 2x2"));
  }
  SUBCASE("a label far above the others") {
    std::string labels = idx_labels(6);
    labels.back() = '\xC8';
    folder.write("t10k-labels-idx1-ubyte", labels);
    CHECK(contains(refusal(folder.path()), "labels out of range: they run to 200"));
  }
  SUBCASE("labels where images should be") {
    folder.write("t10k-images-idx3-ubyte", idx_labels(6));
    CHECK(contains(refusal(folder.path()), "has rank 1, expected 3"));
  }
  SUBCASE("another element type") {
    std::string images = idx_images(6);
    images[2] = '\x0D';
    folder.write("t10k-images-idx3-ubyte", images);
    CHECK(contains(refusal(folder.path()), "element type 13, expected 8"));
  }
  SUBCASE("a text file") {
    folder.write("t10k-images-idx3-ubyte", "hello, world");
    CHECK(contains(refusal(folder.path()), "is not an IDX file"));
  }
  SUBCASE("no items") {
    folder.write("t10k-images-idx3-ubyte", idx_images(0));
    folder.write("t10k-labels-idx1-ubyte", idx_labels(0));
    CHECK(contains(refusal(folder.path()), "holds 0 items"));
  }
  SUBCASE("labels missing") {
    std::filesystem::remove(folder.path("t10k-labels-idx1-ubyte"));
    CHECK(contains(refusal(folder.path()), "its label file is missing"));
  }
  SUBCASE("a header that declares four gigabytes in a file of a few bytes") {
    folder.write("t10k-images-idx3-ubyte", gzipped(idx({65536, 256, 256}, "abc")));
    CHECK(contains(refusal(folder.path()), "more than"));
    folder.write("t10k-images-idx3-ubyte", idx({65536, 256, 256}, "abc"));
    CHECK(contains(refusal(folder.path()), "declares 4294967296 bytes"));
  }
  SUBCASE("a header whose size overflows 64 bits") {
    folder.write("t10k-images-idx3-ubyte", idx({4294967295U, 4294967295U, 4294967295U}, "abc"));
    CHECK(contains(refusal(folder.path()), "size overflows"));
  }
}

TEST_CASE("a damaged IDX file is refused or read, never a crash") {
  const Folder folder;
  write_mnist_like(folder);
  const std::string plain = idx_images(6);
  const int64_t plain_refused = replay_damage(plain, 60, [&](const std::string& damaged) {
    folder.write("t10k-images-idx3-ubyte", damaged);
    open(folder.path("t10k-images-idx3-ubyte"), {});
  });
  // Every truncation (52 bytes in all) and both flips of each of the 16 header bytes.
  CHECK(plain_refused == 52 + 2 * 16);

  const std::string packed = gzipped(idx_images(20));
  const int64_t packed_refused = replay_damage(packed, packed.size(), [&](const std::string& d) {
    folder.write("train-images-idx3-ubyte.gz", d);
    open(folder.path("train-images-idx3-ubyte.gz"), {});
  });
  // gzip guards its data with a checksum; only time, OS and flag bits of its header are free.
  const auto size = static_cast<int64_t>(packed.size());
  CHECK(packed_refused >= size + 2 * (size - 10));
}

TEST_CASE("Fashion-MNIST has its published size, classes and moments") {
  const char* root = std::getenv("PARE_TEST_DATA");
  const std::string path = std::string(root == nullptr ? "" : root) + "/fashion-mnist";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: " << path << " is not there");
    return;
  }
  const Splits splits = open(path, {.validation_fraction = 0});
  CHECK(splits.train->size() == 60'000);
  CHECK(splits.test->size() == 10'000);
  CHECK(splits.train->info().classes.size() == 10);
  // Published: mean .2860, standard deviation .3530 of pixels / 255, rounded to four digits.
  CHECK(std::abs(splits.train->info().preprocessing.mean[0] - 0.2860F) <= 5e-5F);
  CHECK(std::abs(splits.train->info().preprocessing.std[0] - 0.3530F) <= 5e-5F);
}
