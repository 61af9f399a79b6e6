// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/predictions.hpp"

#include <cmath>
#include <limits>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "tests/eval/scratch.hpp"
#include "tests/eval/small_classifier.hpp"

namespace pare::eval {
namespace {

std::string error_of(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Predictions sample() {
  Predictions p;
  p.items = 3;
  p.class_count = 2;
  p.predicted = {1, 0, 1};
  p.logits = {-0.1F, 2.5e-8F, 1.0F / 3.0F, -1e20F, 0.0F, 7.0F};
  p.labels = {1, 1, 1};
  p.classes = {"a,\"b\"", "größe 漢"};
  p.fingerprint = "abc123";
  return p;
}

TEST_CASE("predictions read back from npz are the ones written") {
  const Scratch scratch;
  write_predictions(sample(), scratch.file("p.npz"));
  const Predictions back = read_predictions(scratch.file("p.npz"));
  CHECK(back.predicted == sample().predicted);
  CHECK(back.logits == sample().logits);
  CHECK(back.labels == sample().labels);
  CHECK(back.classes == sample().classes);
  CHECK(back.fingerprint == "abc123");
  CHECK(back.class_count == 2);
}

TEST_CASE("predictions read back from csv are the ones written, to the last bit of each logit") {
  const Scratch scratch;
  write_predictions(sample(), scratch.file("p.csv"));
  const Predictions back = read_predictions(scratch.file("p.csv"));
  CHECK(back.predicted == sample().predicted);
  CHECK(back.logits == sample().logits);
  CHECK(back.labels == sample().labels);
  CHECK(back.classes == sample().classes);
}

TEST_CASE("the same predictions give the same bytes") {
  const Scratch scratch;
  for (const char* name : {"a.npz", "b.npz"}) write_predictions(sample(), scratch.file(name));
  CHECK(Scratch::bytes_of(scratch.file("a.npz")) == Scratch::bytes_of(scratch.file("b.npz")));
}

TEST_CASE("a csv from elsewhere needs only a prediction column") {
  const Scratch scratch;
  const auto path = scratch.write("phone.csv", "id,prediction\r\n7,1\r\n8,0\r\n\r\n");
  const Predictions p = read_predictions(path);
  CHECK(p.items == 2);
  CHECK(p.predicted == std::vector<int64_t>{1, 0});
  CHECK(p.logits.empty());
  CHECK(p.labels.empty());
}

TEST_CASE("malformed csv files end in one line that says where") {
  const Scratch scratch;
  const auto error = [&](const std::string& text) {
    const auto path = scratch.write("x.csv", text);
    return error_of([&] { read_predictions(path); });
  };
  CHECK(contains(error("a,b\n1,2\n"), "lacks a column \"prediction\""));
  CHECK(contains(error("prediction\nx\n"), "record 2: \"x\" is not a number"));
  CHECK(contains(error("prediction,label\n1\n"), "record 2 has 1 fields, the header 2"));
  CHECK(contains(error("prediction\n\"1"), "quote never closed"));
  CHECK(contains(error("prediction\n99999999999999999999\n"), "is not a number"));
}

TEST_CASE("an npz cut at any byte, or with any byte flipped, is read fully or refused") {
  const Scratch scratch;
  write_predictions(sample(), scratch.file("p.npz"));
  const std::string good = Scratch::bytes_of(scratch.file("p.npz"));
  const auto survives = [&](const std::string& bytes) {
    const auto path = scratch.write("damaged.npz", bytes);
    try {
      read_predictions(path);
    } catch (const Error&) {
    }
  };
  for (size_t length = 0; length < good.size(); ++length) survives(good.substr(0, length));
  for (size_t at = 0; at < good.size(); ++at) {
    std::string damaged = good;
    damaged[at] = static_cast<char>(damaged[at] ^ 0x41);
    survives(damaged);
  }
  CHECK(contains(error_of([&] { read_predictions(scratch.write("c.npz", good.substr(0, 200))); }),
                 "is not a zip archive, or its end is missing"));
}

TEST_CASE("predictions of a model are what the arithmetic says") {
  const auto data = small_dataset();
  const Predictions p =
      predict(linear_classifier(identity_weights()), data, {.batch = 2}, "linear");
  CHECK(p.predicted == std::vector<int64_t>{0, 1, 2, 1, 2});
  CHECK(p.logits_of(3)[1] == 0.75F);
  CHECK(p.labels == std::vector<int64_t>{0, 1, 2, 0, 2});
  CHECK(p.fingerprint == data.fingerprint());
  for (const int64_t batch : {1, 3, 5, 64}) {
    const auto same = predict(linear_classifier(identity_weights()), data, {.batch = batch}, "x");
    CHECK(same.logits == p.logits);
  }
  for (const int threads : {2, 3, 8}) {
    const auto same =
        predict(linear_classifier(identity_weights()), data, {.threads = threads, .batch = 1}, "x");
    CHECK(same.logits == p.logits);
  }
}

TEST_CASE("a model that ends in Softmax yields log-probabilities") {
  const auto data = small_dataset();
  const auto plain = predict(linear_classifier(identity_weights()), data, {}, "x");
  const auto soft = predict(linear_classifier(identity_weights(), true), data, {}, "x");
  for (int64_t i = 0; i < data.size(); ++i) {
    double sum = 0.0;
    for (const float logit : plain.logits_of(i)) sum += std::exp(static_cast<double>(logit));
    for (size_t c = 0; c < 3; ++c) {
      const double expected = static_cast<double>(plain.logits_of(i)[c]) - std::log(sum);
      // Float softmax and float log of values of order 1: a few units in 2^-24 each.
      CHECK(std::abs(static_cast<double>(soft.logits_of(i)[c]) - expected) < 1e-6);
    }
  }
}

TEST_CASE("a model of other classes, or of another width, is refused") {
  const auto run = [](std::vector<std::string> labels, std::vector<std::string> classes) {
    ir::Model model = linear_classifier(identity_weights());
    model.metadata.labels = std::move(labels);
    const auto data = small_dataset(std::move(classes));
    return error_of([&] { predict(model, data, {}, "m.pare"); });
  };
  CHECK(contains(run({"ant", "bee"}, {"ant", "bee", "cat"}), "has 2 classes, the data has 3"));
  CHECK(contains(
      run({"ant", "cat", "bee"}, {"ant", "bee", "cat"}),
      "class 1 is \"cat\", in the data it is \"bee\" (the same classes in another order)"));
  CHECK(contains(run({}, {"a", "b", "c", "d"}), "gives 3 logits an item, the data has 4 classes"));
  CHECK(run({"0", "1", "2"}, {"ant", "bee", "cat"}) == "no error");
  CHECK(run({}, {"ant", "bee", "cat"}) == "no error");
}

TEST_CASE("a logit that is no number names the item") {
  std::vector<float> weights = identity_weights();
  weights[8] = std::numeric_limits<float>::infinity();  // class 2, feature 2
  const auto data = small_dataset();
  // 0 * inf is NaN: the very first item already shows it.
  for (const int threads : {1, 2, 3}) {
    const auto run = [&] {
      predict(linear_classifier(weights), data, {.threads = threads, .batch = 1}, "m.pare");
    };
    CHECK(contains(error_of(run), "m.pare: item 0: output 2 is NaN"));
  }
}

TEST_CASE("no items is an error") {
  const SmallDataset empty({}, {}, {"ant", "bee", "cat"});
  CHECK(contains(error_of([&] { predict(linear_classifier(identity_weights()), empty, {}, "m"); }),
                 "holds no items"));
}

TEST_CASE("predictions of other data are refused") {
  const auto data = small_dataset();
  const auto check = [&](const std::function<void(Predictions&)>& change) {
    Predictions p = predict(linear_classifier(identity_weights()), data, {}, "m");
    change(p);
    return error_of([&] { check_predictions(p, data, "phone.npz"); });
  };
  CHECK(check([](Predictions&) {}) == "no error");
  CHECK(contains(check([](Predictions& p) { p.items = 4; }), "for 4 items, the data has 5"));
  CHECK(
      contains(check([](Predictions& p) { p.fingerprint = "0123"; }), "predictions of other data"));
  CHECK(contains(check([](Predictions& p) { p.predicted[2] = 3; }), "item 2: class 3 predicted"));
  CHECK(contains(check([](Predictions& p) { p.predicted[2] = -1; }), "item 2: class -1 predicted"));
  CHECK(
      contains(check([](Predictions& p) { p.labels[4] = 0; }), "item 4: label 0, the data says 2"));
  CHECK(contains(check([](Predictions& p) { p.classes[0] = "axe"; }), "class 0 is \"axe\""));
  CHECK(contains(check([](Predictions& p) { p.logits[7] = NAN; }), "item 2: logit of class 1"));
}

TEST_CASE("only npz and csv are predictions") {
  CHECK(is_predictions_path("a/b.npz"));
  CHECK(is_predictions_path("B.CSV"));
  CHECK_FALSE(is_predictions_path("model.pare"));
  CHECK_FALSE(is_predictions_path("folder.csv/model"));
  CHECK_THROWS_AS(write_predictions(sample(), "x.txt"), UsageError);
}

}  // namespace
}  // namespace pare::eval
