// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "lib/core/progress.hpp"
#include "tests/data/files.hpp"

using namespace pare::data;
using namespace pare::data::testing;

namespace {

std::vector<float> item(const Dataset& dataset, int64_t index) {
  std::vector<float> out(static_cast<size_t>(dataset.info().item[0]));
  dataset.read(index, out);
  return out;
}

struct Warnings : pare::Progress {
  std::vector<std::string> lines;
  void warn(std::string_view line) override { lines.emplace_back(line); }
};

constexpr const char* kPets =
    "age,colour,weight,kind\r\n"
    "3, grey ,4.5,cat\r\n"
    "7,\"brown, spotted\",31,dog\r\n"
    "\r\n"
    "1,\"the \"\"odd\"\" one\",+2e1,dog\r\n"
    "2,grey,3.5,cat";

}  // namespace

TEST_CASE("CSV: numbers stay, categories become one-hot in sorted order, quotes are honoured") {
  const Folder folder;
  const Splits splits = open(folder.write("pets.csv", kPets), {.validation_fraction = 0});
  const DatasetInfo& info = splits.train->info();
  CHECK(info.kind == "csv");
  CHECK(info.classes == std::vector<std::string>{"cat", "dog"});
  CHECK(info.item == pare::ir::Dims{5});
  CHECK(info.columns["columns"][1]["values"] ==
        pare::Json{"brown, spotted", "grey", "the \"odd\" one"});
  CHECK(item(*splits.train, 0) == std::vector<float>{3, 0, 1, 0, 4.5F});
  CHECK(item(*splits.train, 1) == std::vector<float>{7, 1, 0, 0, 31});
  CHECK(item(*splits.train, 2) == std::vector<float>{1, 0, 0, 1, 20});
  CHECK(splits.train->label(1) == 1);
  CHECK(info.preprocessing.mean.size() == 5);
  CHECK(info.preprocessing.mean[0] == 3.25F);
}

TEST_CASE("CSV: the label column is found by name and other delimiters are told") {
  const Folder folder;
  const std::string path = folder.write("a.tsv", "kind\tsize\na\t1\nb\t2\nb\t3\n");
  const Splits splits = open(path, {.validation_fraction = 0, .label_column = "kind"});
  CHECK(splits.train->info().classes == std::vector<std::string>{"a", "b"});
  CHECK(item(*splits.train, 2) == std::vector<float>{3});
  CHECK(contains(refusal(path, {.label_column = "colour"}), "has no column 'colour'"));
}

TEST_CASE("CSV: numeric class names sort as numbers, a headerless file is told") {
  const Folder folder;
  const Splits splits =
      open(folder.write("a.data", "1.5;10\n2.5;9\n3.5;10\n"), {.validation_fraction = 0});
  CHECK(splits.train->size() == 3);
  CHECK(splits.train->info().classes == std::vector<std::string>{"9", "10"});
}

TEST_CASE("CSV: the test part is coded as train was") {
  const Folder folder;
  folder.write("train.csv", kPets);
  folder.write("test.csv", "age,colour,weight,kind\n?,green,2,dog\n5,grey,1,cat\n");
  Warnings warnings;
  const Splits splits = open(folder.path("train.csv"), {.progress = &warnings});
  REQUIRE(splits.test);
  CHECK(item(*splits.test, 0) == std::vector<float>{3.25F, 0, 0, 0, 2});
  CHECK(item(*splits.test, 1) == std::vector<float>{5, 0, 1, 0, 1});
  REQUIRE(warnings.lines.size() == 2);
  CHECK(contains(warnings.lines[0], "1 missing numbers replaced by the mean of train"));
  CHECK(contains(warnings.lines[1], "1 values that train does not have"));

  // Alone, with the vocabulary a model stores.
  const Splits alone = open(folder.path("test.csv"), {.columns = splits.train->info().columns});
  CHECK_FALSE(alone.train);
  CHECK(alone.test->fingerprint() == splits.test->fingerprint());
  // Named by an option.
  folder.write("elsewhere.csv", "age,colour,weight,kind\n?,green,2,dog\n5,grey,1,cat\n");
  folder.write("pets.csv", kPets);
  const Splits named = open(folder.path("pets.csv"), {.test_path = folder.path("elsewhere.csv")});
  CHECK(named.test->fingerprint() == splits.test->fingerprint());
}

TEST_CASE("CSV: what is wrong is named with line and column") {
  const Folder folder;
  const auto refused = [&](const std::string& text) {
    return refusal(folder.write("a.csv", text));
  };
  CHECK(contains(refused("a,b\n1,x\n2\n"), "line 3 has 1 fields, expected 2"));
  CHECK(contains(refused("a,b\n1,x\nnan,y\n"), "line 3, column 'a': 'nan' is not a finite number"));
  CHECK(contains(refused("a,b\n1e999,x\n2,y\n"), "'1e999' is not a finite number"));
  CHECK(contains(refused("a,b\n1,x\n2,?\n"), "line 3, column 'b': label is missing"));
  CHECK(contains(refused("a,b\n1,\"x\n2,y\n"), "line 2: a quote is not closed"));
  CHECK(contains(refused("a,b\n1,\"x\"y\n"), "line 2: text after a closing quote"));
  CHECK(contains(refused("a,a\n1,x\n2,y\n"), "names two columns 'a'"));
  CHECK(contains(refused("a\n1\n"), "has one column"));
  CHECK(contains(refused("\n\n"), "holds 0 items"));
  CHECK(contains(refused(std::string("a,b\n1,\0", 7)), "NUL bytes"));
  CHECK(contains(refused(""), "is empty"));
  std::string wide = "name,kind\n";
  for (int i = 0; i < 1002; ++i) wide += "n" + std::to_string(i) + ",k\n";
  CHECK(contains(refused(wide), "column 'name' has more than 1000 different values"));
}

TEST_CASE("CSV: a class or a word that train does not have is refused in test") {
  const Folder folder;
  folder.write("train.csv", "a,b\n1,x\n2,y\n");
  folder.write("test.csv", "a,b\n1,z\n");
  CHECK(contains(refusal(folder.path()), "line 2, column 'b': class 'z' is not one of train's"));
  folder.write("test.csv", "a,b\none,x\n");
  CHECK(contains(refusal(folder.path()), "line 2, column 'a': 'one' is not a number"));
  folder.write("test.csv", "a,b,c\n1,2,x\n");
  CHECK(contains(refusal(folder.path()), "has 3 columns, expected 2"));
}

TEST_CASE("CSV: a damaged file is refused or read, never a crash") {
  const Folder folder;
  const std::string text(kPets);
  replay_damage(text, text.size(), [&](const std::string& damaged) {
    open(folder.write("a.csv", damaged), {.validation_fraction = 0});
  });
}

TEST_CASE("CSV: a model's stored columns are checked before they are used") {
  const Folder folder;
  const std::string path = folder.write("a.csv", kPets);
  const pare::Json good = open(path, {}).train->info().columns;
  for (const char* key : {"header", "label", "label_position", "classes", "columns"}) {
    pare::Json bad = good;
    bad.erase(key);
    CHECK(contains(refusal(path, {.columns = bad}), "model: "));
    bad[key] = pare::Json::array({1});
    CHECK(contains(refusal(path, {.columns = bad}), "model: "));
  }
  pare::Json unsorted = good;
  unsorted["columns"][1]["values"] = {"b", "a"};
  CHECK(contains(refusal(path, {.columns = unsorted}), "not sorted"));
}

TEST_CASE("CSV: a label column of numbers can be what is to be predicted") {
  const Folder folder;
  const std::string path = folder.write("t.csv", "rooms,price\n3,1.5\n4,2.25\n5,-3\n");
  const auto part = open(path, {.task = "regression"}).train;
  CHECK(part->info().targets == std::vector<std::string>{"price"});
  CHECK(part->targets(1)[0] == 2.25F);
  CHECK(contains(
      refusal(folder.write("u.csv", "rooms,price\n3,1.5\n4,cheap\n5,1\n"), {.task = "regression"}),
      "line 3, column 'price': 'cheap' is not a finite number to predict"));
}

TEST_CASE("UCI Adult opens with its published sizes and class shares") {
  const char* root = std::getenv("PARE_TEST_DATA");
  const std::string path = std::string(root == nullptr ? "" : root) + "/adult";
  if (!std::filesystem::exists(path)) {
    MESSAGE("skipped: " << path << " is not there");
    return;
  }
  const Splits splits = open(path, {.validation_fraction = 0});
  CHECK(splits.train->size() == 32'561);
  CHECK(splits.test->size() == 16'281);
  CHECK(splits.train->info().classes == std::vector<std::string>{"<=50K", ">50K"});
  // 6 numbers; 9 + 16 + 7 + 15 + 6 + 5 + 2 + 42 categories, "?" among them.
  CHECK(splits.train->info().item == pare::ir::Dims{108});
  int64_t rich = 0;
  for (int64_t i = 0; i < splits.train->size(); ++i) rich += splits.train->label(i);
  CHECK(rich == 7'841);
}
