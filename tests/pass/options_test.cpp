// SPDX-License-Identifier: Apache-2.0
// Options against their schema, and the runner of passes.
#include "lib/pass/options.hpp"

#include <cmath>

#include <doctest/doctest.h>

#include "lib/core/error.hpp"
#include "lib/ir/architectures.hpp"
#include "lib/pass/pass.hpp"

namespace pare::pass {
namespace {

Schema schema() {
  return {{.name = "sparsity", .type = OptionType::kNumber, .min = 0, .max = 1, .max_open = true},
          {.name = "bits", .type = OptionType::kInteger, .fallback = 8, .min = 2, .max = 8},
          {.name = "scope",
           .type = OptionType::kChoice,
           .fallback = "global",
           .choices = {"global", "layer"}},
          {.name = "exclude", .type = OptionType::kTextList},
          {.name = "sizes", .type = OptionType::kIntegerList, .min = 1, .max = 64},
          {.name = "symmetric", .type = OptionType::kFlag, .fallback = false},
          {.name = "report_file", .type = OptionType::kText, .changes_result = false}};
}

TEST_CASE("values out of range, of the wrong type, or unknown are usage errors") {
  const auto refused = [](const Json& given) {
    CHECK_THROWS_AS(Options(schema(), given), UsageError);
  };
  refused({{"sparsity", 1}});
  refused({{"sparsity", 1.5}});
  refused({{"sparsity", -0.1}});
  refused({{"sparsity", std::nan("")}});
  refused({{"sparsity", "0.5"}});
  refused({{"bits", 4.5}});
  refused({{"bits", 1}});
  refused({{"bits", 9}});
  refused({{"scope", "Global"}});
  refused({{"scope", 1}});
  refused({{"symmetric", 1}});
  refused({{"exclude", 3}});
  refused({{"exclude", Json::array({"a", 1})}});
  refused({{"sparsty", 0.5}});
  CHECK_NOTHROW(Options(schema(), {{"sparsity", 0}}));
}

TEST_CASE("messages name flag, range and the nearest option") {
  const auto message = [](const Json& given) -> std::string {
    try {
      Options(schema(), given);
    } catch (const UsageError& e) {
      return e.what();
    }
    return "accepted";
  };
  CHECK(message({{"sparsity", 1.5}}) == "--sparsity: must be in [0, 1), got 1.5");
  CHECK(message({{"bits", 9}}) == "--bits: must be in [2, 8], got 9");
  CHECK(message({{"sparsty", 1}}) == "sparsty: unknown option; did you mean sparsity?");
  CHECK(message({{"zzz", 1}}) == "zzz: unknown option");
  CHECK(message({{"scope", "all"}}) == "--scope: must be one of global, layer, got \"all\"");
  CHECK(message({{"sizes", "1,65"}}) == "--sizes: must be in [1, 64], got 65");
  CHECK(message({{"sizes", "1,2,1"}}) == "--sizes: names 1 twice");
  for (const Json& wrong : {Json(""), Json("1,"), Json("1.5"), Json("1 2"), Json("a"),
                            Json::array(), Json::array({"1"}), Json(true), Json(1.5)}) {
    CHECK(message({{"sizes", wrong}}).starts_with("--sizes: integers separated by commas"));
  }
  CHECK(flag_of({.name = "report_file"}) == "--report-file");
}

TEST_CASE("a list of integers is a number, an array or a text with commas") {
  const auto sizes = [](const Json& given) {
    return Options(schema(), {{"sizes", given}}).integers("sizes");
  };
  CHECK(sizes(3) == std::vector<int64_t>{3});
  CHECK(sizes({1, 32}) == std::vector<int64_t>{1, 32});
  CHECK(sizes("1,32") == std::vector<int64_t>{1, 32});
  CHECK(Options(schema(), Json::object()).integers("sizes").empty());
}

TEST_CASE("defaults fill in, stated values win, and history keeps what changes the result") {
  const Options options(schema(),
                        {{"sparsity", 0.5}, {"report_file", "r.html"}, {"exclude", "conv1"}});
  CHECK(options.number("sparsity") == 0.5);
  CHECK(options.integer("bits") == 8);
  CHECK(options.text("scope") == "global");
  CHECK(!options.flag("symmetric"));
  CHECK(options.list("exclude") == std::vector<std::string>{"conv1"});
  CHECK(options.given("sparsity"));
  CHECK(!options.given("bits"));
  CHECK(options.for_history().contains("bits"));
  CHECK(!options.for_history().contains("report_file"));
  CHECK(options.resolved().contains("report_file"));
  CHECK(Options(schema(), Json::object()).list("exclude").empty());
  CHECK_THROWS_AS(Options(schema(), Json::object()).number("sparsity"), Bug);
  CHECK_THROWS_AS(options.text("typo"), Bug);
}

PassInfo identity() {
  PassInfo info;
  info.name = "identity";
  info.options = schema();
  info.run = [](const ir::Model& model, const Options&, Context&) { return model; };
  return info;
}

TEST_CASE("the runner records the pass, its options, seed and input hashes") {
  const ir::Model model = ir::build_architecture("mlp:4-3", {4}, 3);
  Context context;
  context.seed = 42;
  context.input_hashes["model"] = "abc";
  const ir::Model result = run(identity(), model, Options(schema(), {{"bits", 4}}), context);
  REQUIRE(result.metadata.history.size() == 1);
  const ir::HistoryEntry& entry = result.metadata.history[0];
  CHECK(entry.pass == "identity");
  CHECK(entry.options["bits"] == 4);
  CHECK(entry.seed == 42);
  CHECK(entry.inputs["model"] == "abc");
  CHECK(entry.tool_version == PARE_VERSION);
}

TEST_CASE("the runner names the pass that broke the model, and refuses missing data") {
  const ir::Model model = ir::build_architecture("mlp:4-3", {4}, 3);
  Context context;
  PassInfo breaking = identity();
  breaking.run = [](const ir::Model& m, const Options&, Context&) {
    ir::Model out = m;
    out.parameters.erase("logits.bias");
    return out;
  };
  const Options options(schema(), Json::object());
  CHECK_THROWS_WITH_AS(run(breaking, model, options, context),
                       doctest::Contains("pass identity broke the model"), Bug);
  PassInfo calibrated = identity();
  calibrated.needs_calibration = [](const Options&) { return true; };
  CHECK_THROWS_AS(run(calibrated, model, options, context), UsageError);
  PassInfo picky = identity();
  picky.validate = [](const Options&) { throw UsageError("--bits", "no"); };
  CHECK_THROWS_AS(run(picky, model, options, context), UsageError);
}

}  // namespace
}  // namespace pare::pass
