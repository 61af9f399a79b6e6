// SPDX-License-Identifier: Apache-2.0
// NPZ, NPY and HDF5 as data sets.
#include <cmath>

#include "lib/hdf5/hdf5_writer.hpp"
#include "tests/data/files.hpp"
#include "tests/numpy/encoded.hpp"

using namespace pare::data;
using namespace pare::data::testing;
using namespace pare::numpy::testing;

namespace {

const std::string kItems = npy("<f4", "(3, 2)", values_of<float>({1, 2, 3, 4, 5, 6}));
const std::string kLabels = npy("<i8", "(3,)", values_of<int64_t>({0, 1, 0}));

std::vector<float> item(const Dataset& dataset, int64_t index) {
  std::vector<float> out(static_cast<size_t>(pare::ir::element_count(dataset.info().item)));
  dataset.read(index, out);
  return out;
}

}  // namespace

TEST_CASE("NPZ: stored and deflated members, table of floats") {
  const Folder folder;
  const auto path = folder.write("a.npz", zip({{"x.npy", kItems, true}, {"y.npy", kLabels}}));
  const Splits splits = open(path, {.validation_fraction = 0});
  CHECK(splits.train->info().kind == "npz");
  CHECK(splits.train->info().item == pare::ir::Dims{2});
  CHECK(item(*splits.train, 1) == std::vector<float>{3, 4});
  CHECK(splits.train->label(1) == 1);
  CHECK(open(path, {.split = "test"}).test->size() == 3);
}

TEST_CASE("NPZ: parts by name, images with the channels last") {
  const Folder folder;
  std::string pixels;
  for (int i = 0; i < 2 * 2 * 2 * 3; ++i) pixels += static_cast<char>(i);
  const std::string images = npy("|u1", "(2, 2, 2, 3)", pixels);
  const std::string labels = npy("|u1", "(2, 1)", std::string("\x00\x01", 2));
  const Splits splits = open(folder.write("a.npz", zip({{"Train_Images.npy", images},
                                                        {"train_labels.npy", labels},
                                                        {"x_test.npy", images},
                                                        {"y_test.npy", labels},
                                                        {"notes.npy", kItems}})),
                             {.validation_fraction = 0});
  REQUIRE(splits.test);
  CHECK(splits.train->info().item == pare::ir::Dims{3, 2, 2});
  CHECK(item(*splits.test, 0) == std::vector<float>{0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11});
  CHECK(splits.train->bytes(0).size() == 12);
}

TEST_CASE("NPY: big-endian and Fortran order give the same items") {
  const Folder folder;
  folder.write("y.npy", kLabels);
  folder.write("x.npy", kItems);
  const auto expected = open(folder.path(), {}).train->fingerprint();
  folder.write("x.npy", npy("{'descr': '<f4', 'fortran_order': True, 'shape': (3, 2), }",
                            values_of<float>({1, 3, 5, 2, 4, 6})));
  CHECK(open(folder.path("x.npy"), {}).train->fingerprint() == expected);
  folder.write("x.npy", npy(">i2", "(3, 2)", std::string("\0\1\0\2\0\3\0\4\0\5\0\6", 12)));
  CHECK(open(folder.path("x.npy"), {}).train->fingerprint() == expected);
}

TEST_CASE("arrays that are not a data set are refused with what was found") {
  const Folder folder;
  const auto refused = [&](const std::string& items, const std::string& labels) {
    return refusal(folder.write("a.npz", zip({{"x.npy", items}, {"y.npy", labels}})));
  };
  CHECK(contains(refused(npy("<f4", "(1, 2)", values_of<float>({1, 2})), kLabels),
                 "y: holds 3 labels for 1 items"));
  folder.write("a.npz", zip({{"x.npy", kItems},
                             {"y.npy", npy("<f4", "(3,)", values_of<float>({0, 0.5F, 1}))}}));
  CHECK(
      contains(refusal(folder.path("a.npz"), {.task = "classification"}), "item 1 has label 0.5"));
  CHECK(contains(refused(kItems, npy("<i8", "(3,)", values_of<int64_t>({0, -1, 1}))),
                 "item 1 has label -1"));
  folder.write("a.npz", zip({{"x.npy", kItems}, {"y.npy", kItems}}));
  CHECK(contains(refusal(folder.path("a.npz"), {.task = "classification"}),
                 "expected one class index an item"));
  CHECK(contains(refused(kItems, npy("<f4", "(3, 2)", values_of<float>({1, 2, NAN, 4, 5, 6}))),
                 "y: item 1 is not a finite number"));
  CHECK(contains(refused(npy("<f8", "(3, 1)", values_of<double>({1, NAN, 2})), kLabels),
                 "x: row 1, column 0 is not a finite number"));
  CHECK(contains(refused(npy("<f4", "(3, 4)", "short"), kLabels), "declares 48 bytes"));
  CHECK(contains(refused(npy("<U3", "(1,)", std::string(12, 'a')), kLabels),
                 "x: is not an array of numbers"));
  CHECK(contains(refused("text", kLabels), "is not an NPY array"));
  CHECK(contains(refusal(folder.write("b.npz", zip({{"x.npy", kItems}}))), "without their labels"));
  CHECK(contains(refusal(folder.write("b.npz", zip({{"weights.npy", kItems}}))), "found weights"));
  CHECK(contains(refusal(folder.write("alone.npy", kItems)), "alone"));
}

TEST_CASE("fractions are numbers to predict, and whole numbers where the task says so") {
  const Folder folder;
  folder.write("a.npz",
               zip({{"x.npy", kItems},
                    {"y.npy", npy("<f4", "(3, 2)", values_of<float>({1, 2, 3, 4, 5, 6}))}}));
  const auto fractions = open(folder.path("a.npz"), {}).train;
  CHECK(fractions->info().targets == std::vector<std::string>{"0", "1"});
  CHECK(fractions->info().classes.empty());
  CHECK(fractions->targets(1)[1] == 4.0F);
  CHECK(subset(fractions, {2})->targets(0)[0] == 5.0F);
  folder.write("b.npz", zip({{"x.npy", kItems}, {"y.npy", kLabels}}));
  CHECK(open(folder.path("b.npz"), {}).train->info().targets.empty());
  const auto stated = open(folder.path("b.npz"), {.task = "regression"}).train;
  CHECK(stated->info().targets.size() == 1);
  CHECK(stated->fingerprint() != open(folder.path("b.npz"), {}).train->fingerprint());
}

TEST_CASE("a damaged NPZ is refused or read, never a crash") {
  const Folder folder;
  const std::string good = zip({{"x.npy", kItems, true}, {"y.npy", kLabels}});
  const int64_t refused = replay_damage(good, good.size(), [&](const std::string& damaged) {
    open(folder.write("a.npz", damaged), {.validation_fraction = 0});
  });
  CHECK(refused >= static_cast<int64_t>(good.size()));
}

TEST_CASE("a damaged NPY is refused or read, never a crash") {
  const Folder folder;
  folder.write("y.npy", kLabels);
  replay_damage(kItems, kItems.size(), [&](const std::string& damaged) {
    open(folder.write("x.npy", damaged), {.validation_fraction = 0});
  });
}

TEST_CASE("HDF5: groups name the splits") {
  const Folder folder;
  const std::vector<float> values{1, 2, 3, 4, 5, 6};
  const std::vector<int32_t> labels{0, 1, 0};
  const std::vector<int64_t> items_dims{3, 2}, labels_dims{3};
  pare::hdf5::Writer writer(folder.path("a.h5"));
  for (const std::string split : {"train", "test"}) {
    writer.add(split + "/x", pare::hdf5::Element::kF32, items_dims,
               std::as_bytes(std::span(values)));
    writer.add(split + "/y", pare::hdf5::Element::kI32, labels_dims,
               std::as_bytes(std::span(labels)));
  }
  writer.commit();
  const Splits splits = open(folder.path("a.h5"), {.validation_fraction = 0});
  CHECK(splits.train->info().kind == "hdf5");
  CHECK(splits.test->size() == 3);
  CHECK(item(*splits.train, 2) == std::vector<float>{5, 6});
  CHECK(splits.test->label(1) == 1);
}
