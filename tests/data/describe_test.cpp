// SPDX-License-Identifier: Apache-2.0
#include "lib/data/describe.hpp"

#include "lib/data/array.hpp"
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

TEST_CASE("a description counts classes, ranges, constants, duplicates and leaks") {
  RawData raw;
  raw.info = {.source = "toy\x1b", .kind = "npz", .item = {2}, .classes = {"a", "b"}};
  raw.train = Array{.floats = {1, 5, 2, 5, 1, 5, 4, 5}, .labels = {0, 1, 1, 0}, .source = "toy"};
  raw.test = Array{.floats = {1, 5, 9, 9, 9, 9}, .labels = {0, 1, 1}, .source = "toy"};
  const auto d = describe(make_splits(std::move(raw), {.validation_fraction = 0}));
  CHECK(d["splits"]["train"]["per_class"] == pare::Json{2, 2});
  CHECK(d["splits"]["train"]["duplicates"] == 1);
  CHECK(d["splits"]["train"]["label_conflicts"] == 1);
  CHECK(d["splits"]["test"]["duplicates"] == 1);
  CHECK(d["splits"]["test"]["label_conflicts"] == 0);
  CHECK_FALSE(d["splits"].contains("validation"));
  CHECK(d["test_items_in_train"] == 1);
  CHECK(d["synthetic"] == false);
  CHECK(d["statistics"]["constant_count"] == 1);
  CHECK(d["statistics"]["constant_features"] == pare::Json::array({"column 2"}));
  CHECK(d["statistics"]["rows"][0]["min"] == 1);
  CHECK(d["statistics"]["rows"][0]["max"] == 4);
  CHECK(d["statistics"]["rows"][0]["mean"] == 2);
  const std::string text = render_description(d);
  CHECK(contains(text, "Data set  toy\\x1b (npz)"));
  CHECK(contains(text, "Duplicates in train: 1, 1 of them with another label"));
  CHECK(contains(text, "Test items that are in train as well: 1"));
  CHECK(contains(text, "Constant in train: 1 features (column 2)"));
}

TEST_CASE("a description of synthetic data says so") {
  const auto d = describe(open("synthetic:glyphs?train=100&test=20", {.validation_fraction = 0.1}));
  CHECK(d["synthetic"] == true);
  CHECK(d["test_items_in_train"] == 0);
  const std::string text = render_description(d);
  CHECK(contains(text, "Synthetic: "));
  CHECK(contains(text, "28x28 images, 1 channel"));
  CHECK(contains(text, "keyhole       9           1     2"));
}

TEST_CASE("the features of a table carry the names of its columns") {
  const Folder folder;
  const auto path = folder.write("a.csv", "age,colour,kind\n1,grey,x\n2,red,y\n3,grey,y\n");
  const auto d = describe(open(path, {.validation_fraction = 0}));
  CHECK(d["statistics"]["rows"][0]["name"] == "age");
  CHECK(d["statistics"]["rows"][2]["name"] == "colour=red");
}
