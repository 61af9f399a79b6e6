// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cctype>
#include <string>
#include <vector>

#include <doctest/doctest.h>

#include "lib/eval/report/axis.hpp"
#include "lib/eval/report/label_placement.hpp"
#include "lib/eval/report/numbers.hpp"
#include "lib/eval/report/pareto.hpp"
#include "lib/eval/report/table.hpp"
#include "lib/eval/report/terminal_plot.hpp"
#include "tests/eval/sample_report.hpp"

namespace pare::eval {
namespace {

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

size_t count_of(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

// Every key of the tree, in order, with array elements as [].
void collect_keys(const Json& json, const std::string& path, std::vector<std::string>& keys) {
  if (json.is_object()) {
    for (const auto& [key, value] : json.items()) {
      keys.push_back(path + key);
      collect_keys(value, path + key + ".", keys);
    }
  } else if (json.is_array() && !json.empty() && json.front().is_object()) {
    collect_keys(json.front(), path + "[].", keys);
  }
}

TEST_CASE("the JSON report has exactly the keys of schema version 1") {
  // A change here is a change of the schema: raise kReportSchemaVersion unless it only adds.
  const std::vector<std::string> expected = {
      "schema_version",
      "task",
      "gate",
      "data",
      "data.source",
      "data.fingerprint",
      "data.items",
      "data.classes",
      "data.targets",
      "candidates",
      "candidates.[].name",
      "candidates.[].path",
      "candidates.[].kind",
      "candidates.[].architecture",
      "candidates.[].items",
      "candidates.[].correct",
      "candidates.[].accuracy",
      "candidates.[].accuracy_interval",
      "candidates.[].top5",
      "candidates.[].macro_f1",
      "candidates.[].auc",
      "candidates.[].log_loss",
      "candidates.[].calibration_error",
      "candidates.[].classes",
      "candidates.[].classes.[].name",
      "candidates.[].classes.[].items",
      "candidates.[].classes.[].correct",
      "candidates.[].classes.[].predicted",
      "candidates.[].classes.[].accuracy",
      "candidates.[].comparison",
      "candidates.[].comparison.difference",
      "candidates.[].comparison.difference_interval",
      "candidates.[].comparison.bootstrap_interval",
      "candidates.[].comparison.mcnemar_p",
      "candidates.[].comparison.lost",
      "candidates.[].comparison.gained",
      "candidates.[].comparison.agreement",
      "candidates.[].comparison.worst_class",
      "candidates.[].comparison.worst_class_drop",
      "candidates.[].comparison.kl_mean",
      "candidates.[].comparison.kl_p50",
      "candidates.[].comparison.kl_p90",
      "candidates.[].comparison.kl_p99",
      "candidates.[].comparison.kl_largest",
      "candidates.[].regression",
      "candidates.[].slices",
      "candidates.[].error_slices",
      "candidates.[].size",
      "candidates.[].size.file_bytes",
      "candidates.[].size.breakdown",
      "candidates.[].size.breakdown.codes",
      "candidates.[].size.breakdown.scales",
      "candidates.[].size.breakdown.indices",
      "candidates.[].size.breakdown.container",
      "candidates.[].size.parameters",
      "candidates.[].size.bits_per_weight",
      "candidates.[].size.sparsity",
      "candidates.[].size.layers",
      "candidates.[].size.layers.[].name",
      "candidates.[].size.layers.[].storage",
      "candidates.[].size.layers.[].parameters",
      "candidates.[].size.layers.[].bytes",
      "candidates.[].size.layers.[].weights",
      "candidates.[].size.layers.[].zeros",
      "candidates.[].size.layers.[].weight_error",
      "candidates.[].size.layers.[].weight_error.sqnr_db",
      "candidates.[].size.layers.[].weight_error.relative_rms",
      "candidates.[].size.layers.[].weight_error.exact",
      "candidates.[].size.layers.[].no_weight_error",
      "candidates.[].macs",
      "candidates.[].latency",
      "candidates.[].latency.threads",
      "candidates.[].latency.batch_size",
      "candidates.[].latency.runs",
      "candidates.[].latency.blocks",
      "candidates.[].latency.p50_us",
      "candidates.[].latency.p90_us",
      "candidates.[].latency.p99_us",
      "candidates.[].latency.ratio",
      "candidates.[].latency.ratio_interval",
      "candidates.[].latency.items_per_second",
      "candidates.[].latency.joules_per_item",
      "candidates.[].latency.cost_per_million",
      "candidates.[].latency.block_p50_us",
      "candidates.[].latency.block_ratios",
      "candidates.[].latency_grid",
      "candidates.[].latency_grid.[].threads",
      "candidates.[].latency_grid.[].batch_size",
      "candidates.[].latency_grid.[].runs",
      "candidates.[].latency_grid.[].blocks",
      "candidates.[].latency_grid.[].p50_us",
      "candidates.[].latency_grid.[].p90_us",
      "candidates.[].latency_grid.[].p99_us",
      "candidates.[].latency_grid.[].ratio",
      "candidates.[].latency_grid.[].ratio_interval",
      "candidates.[].latency_grid.[].items_per_second",
      "candidates.[].latency_grid.[].joules_per_item",
      "candidates.[].latency_grid.[].cost_per_million",
      "candidates.[].latency_grid.[].block_p50_us",
      "candidates.[].latency_grid.[].block_ratios",
      "candidates.[].peak_memory_bytes",
      "candidates.[].figures",
      "candidates.[].history",
      "candidates.[].history.[].pass",
      "candidates.[].history.[].options",
      "candidates.[].history.[].options.epochs",
      "candidates.[].history.[].options.learning_rate",
      "candidates.[].history.[].tool_version",
      "candidates.[].history.[].seed",
      "candidates.[].history.[].inputs",
      "candidates.[].history.[].inputs.data",
      "candidates.[].verdict",
      "environment",
      "environment.cpu",
      "environment.isa",
      "environment.threads",
      "environment.latency_threads",
      "environment.version",
      "latency_conditions",
      "latency_conditions.[].threads",
      "latency_conditions.[].batch_size",
      "latency_conditions.[].noisy",
      "latency_conditions.[].seconds",
      "latency_conditions.[].waiting_share",
      "latency_conditions.[].involuntary_switches",
      "latency_conditions.[].stolen_share",
      "latency_conditions.[].other_cpus",
      "latency_conditions.[].spread",
      "energy_reason",
      "price_per_hour",
      "warnings"};
  Report report = sample_report();
  std::swap(report.candidates[0], report.candidates[1]);  // the first shown has a comparison
  std::vector<std::string> keys;
  collect_keys(to_json(report), "", keys);
  CHECK(keys == expected);
}

TEST_CASE("figures that were not measured are null in JSON and said so for people") {
  Report report = sample_report();
  CandidateReport& phone = report.candidates[1];
  phone.from_predictions = true;
  phone.size.reset();
  phone.macs.reset();
  phone.latency.reset();
  phone.peak_memory_bytes.reset();
  phone.metrics.log_loss.reset();
  phone.comparison->divergence.reset();
  const Json json = to_json(report)["candidates"][1];
  for (const char* key : {"size", "macs", "latency", "peak_memory_bytes", "log_loss"}) {
    CHECK(json.at(key).is_null());
  }
  CHECK(json["kind"] == "predictions");
  CHECK(contains(to_terminal(report, {}), kNotMeasured));
  CHECK(contains(to_html(report), kNotMeasured));
  for (const Row& row : comparison_rows(report)) {
    if (row.label == "latency p50") CHECK(row.cells[1].text == kNotMeasured);
  }
}

TEST_CASE("rendering the same report twice gives the same bytes") {
  CHECK(to_html(sample_report()) == to_html(sample_report()));
  CHECK(to_terminal(sample_report(), {}) == to_terminal(sample_report(), {}));
  CHECK(to_markdown(sample_report()) == to_markdown(sample_report()));
  CHECK(to_text(to_json(sample_report())) == to_text(to_json(sample_report())));
}

TEST_CASE("hostile names from files cannot become markup") {
  const std::string hostile = "</title><script>alert(1)</script>\"' onload=x &amp;\x1b[31m\xff|`*";
  Report report = sample_report();
  report.data_source = hostile;
  report.data_fingerprint = hostile;
  report.classes.assign(10, hostile);
  report.warnings.push_back(hostile);
  report.environment.cpu = hostile;
  for (CandidateReport& c : report.candidates) {
    c.name = hostile;
    c.path = hostile;
    c.architecture = hostile;
    int number = 0;  // layers of one name are one
    for (LayerSize& layer : c.size->layers) layer.name = hostile + std::to_string(number++);
    for (LayerSize& layer : c.size->layers) layer.storage = hostile;
    c.history.push_back({.pass = hostile,
                         .options = {{hostile, hostile}},
                         .tool_version = hostile,
                         .inputs = {{hostile, hostile}}});
  }
  const std::string html = to_html(report);
  CHECK(count_of(html, "<script") == 0);
  CHECK(count_of(html, "</title>") == count_of(to_html(sample_report()), "</title>"));
  CHECK_FALSE(contains(html, "\x1b"));
  CHECK_FALSE(contains(html, "\xff"));
  CHECK_FALSE(contains(html, "\"' onload"));
  CHECK_FALSE(contains(to_terminal(report, {}), "\x1b"));
  const std::string markdown = to_markdown(report);
  CHECK_FALSE(contains(markdown, "<script"));
  // Whatever the names hold, a table row has one cell a model: pipes inside are escaped.
  const size_t row = markdown.find("\n| accuracy |");
  REQUIRE(row != std::string::npos);
  CHECK(count_of(markdown.substr(row + 1, markdown.find('\n', row + 1) - row), "|") == 5);
}

TEST_CASE("the page is complete in itself and its tags balance") {
  const std::string html = to_html(sample_report());
  for (const char* outside :
       {"http://", "https://", "src=", "url(", "@import", "<link", "<script"}) {
    CHECK_FALSE(contains(html, outside));
  }
  for (const std::string tag : {"table", "tr", "td", "th", "section", "figure", "svg", "g", "ul",
                                "li", "div", "span", "details", "bdi", "text", "thead", "tbody"}) {
    CAPTURE(tag);
    CHECK(count_of(html, "<" + tag + ">") + count_of(html, "<" + tag + " ") ==
          count_of(html, "</" + tag + ">"));
  }
  CHECK(count_of(html, "role=\"img\"") == 4);
  CHECK(contains(html, "stage1.conv1, student-w8a8.pare: 37.0 dB"));
  CHECK(contains(html, "student-<wbr>w4a16.<wbr>pare</bdi>: its layers do not correspond"));
  CHECK(count_of(html, "<svg") == count_of(html, "<desc"));
  CHECK(contains(html, "prefers-color-scheme:dark"));
  CHECK(contains(html, "@media print"));
  CHECK(contains(html, "name=\"viewport\""));
}

TEST_CASE("a single model makes a report without comparisons") {
  Report report = sample_report();
  report.candidates.resize(1);
  const std::string text = to_terminal(report, {});
  CHECK_FALSE(contains(text, "McNemar"));
  CHECK(contains(text, "gets 9,231 of 10,000 items right: 92.31 %"));
  CHECK_FALSE(contains(to_html(report), "accuracy-size"));
  CHECK(accuracy_plot(report, {}).empty());
}

TEST_CASE("beaten models are grey and off the front's line") {
  const TradeOff points[] = {{10, 0.9}, {20, 0.95}, {20, 0.94}, {30, 0.95}, {10, 0.9}, {5, 0.1}};
  CHECK(dominated(points) == std::vector<bool>{false, false, true, true, false, false});
  Report report = sample_report();
  CHECK_FALSE(contains(to_html(report), "mark s1 dominated"));
  report.candidates[1].metrics.top1 = 0.5;  // the smaller third beats it in size and accuracy
  const std::string html = to_html(report);
  CHECK(contains(html, "mark s1 dominated"));
  CHECK(contains(html, "<td>no</td>"));
  CHECK_FALSE(contains(html, "mark s0 dominated"));
}

TEST_CASE("the page shows every setting of latency and what the machine did meanwhile") {
  Report report = sample_report();
  for (CandidateReport& c : report.candidates) {
    c.latency_grid.push_back(*c.latency);
    c.latency_grid.back().threads = 2;
    c.latency_grid.back().cost_per_million = 0.0125;
  }
  report.latency_conditions.push_back(
      {.threads = 2, .batch = 1, .noise = {.waiting_share = 0.34, .cpus = 2}});
  const std::string html = to_html(report);
  CHECK(contains(html, "2 threads, batch 1: <strong>noisy</strong>, the timing thread waited"));
  CHECK(contains(html, "Cost of a million"));
  CHECK(contains(html, "0.0125"));
  CHECK_FALSE(contains(html, "Energy an item"));
  CHECK(contains(html, "Energy was not measured: this machine shows no RAPL counters."));
}

TEST_CASE("the terminal's plot numbers the models and fits the width") {
  const Report report = sample_report();
  CHECK_FALSE(contains(to_terminal(report, {}), "accuracy, %"));
  for (const int width : {40, 60, 80, 200}) {
    const std::string plot = accuracy_plot(report, {.width = width, .plot = true});
    CAPTURE(plot);
    for (size_t start = 0; start < plot.size();) {
      const size_t end = plot.find('\n', start);
      const std::string line = plot.substr(start, end - start);
      // Code points: bytes that do not continue one.
      CHECK(std::count_if(line.begin(), line.end(), [](char c) {
              return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
            }) <= width);
      start = end + 1;
    }
    for (const char* mark : {"1  student.pare", "2  student-w8a8.pare", "3  student-w4a16.pare"}) {
      CHECK(contains(plot, mark));
    }
  }
  CHECK(contains(to_terminal(report, {.width = 80, .plot = true}), "accuracy, %"));
}

TEST_CASE("the page opens with the budget's verdict and shows each bound") {
  Report report = sample_report();
  CHECK_FALSE(contains(to_html(report), "class=\"headline\""));
  report.candidates[1].figures = {{"file_bytes", 29312, Exact{}}};
  report.candidates[2].figures = {{"file_bytes", 17840, Exact{}}};
  apply_budget(report, parse_budget(R"({"file_bytes": 20000})", "b<1>.json"));
  const std::string html = to_html(report);
  CHECK(contains(html, "<p class=\"headline\"><span class=\"badge fail\">"));
  CHECK(contains(html, "1 fail, 1 pass against <bdi>b&lt;1&gt;."));
  CHECK(contains(html, "<code>file_<wbr>bytes</code>"));
  CHECK(count_of(html, "class=\"why\"") == 2);
}

TEST_CASE("the page shows groups of items and where answers went") {
  Report report = sample_report();
  CHECK_FALSE(contains(to_html(report), "Groups of items"));
  CandidateReport& c = report.candidates[1];
  c.slices.push_back({.column = "sex",
                      .value = "<b>",
                      .counts = {.lost = 30, .gained = 2, .items = 100},
                      .base_correct = 90,
                      .correct = 62,
                      .drop = 0.28,
                      .drop_interval = {0.18, 0.38},
                      .p = 1e-6,
                      .p_holm = 2e-6});
  c.slices.push_back({.column = "sex", .value = "none"});
  c.flips = {{.item = 3, .label = 6, .base_said = 6, .said = 0},
             {.item = 9, .label = 6, .base_said = 6, .said = 0},
             {.item = 4, .label = 2, .base_said = 4, .said = 2}};
  const std::string html = to_html(report);
  CHECK(
      contains(html, "<bdi>sex=&lt;b&gt;</bdi></th><td>100</td><td>90.0</td><td class=\"worse\""));
  CHECK(contains(html, "<span class=\"change\">harmed</span>"));
  CHECK(contains(html, "<td class=\"muted\">no items</td>"));
  CHECK(contains(html,
                 "<bdi>Shirt</bdi></th><td><bdi>T-shirt</bdi></td><td><bdi>Shirt</bdi></td>"
                 "<td>2</td><td class=\"worse\">lost</td>"));
  CHECK(contains(html, "<td class=\"better\">gained</td>"));
}

TEST_CASE("verdicts claim no more than the figures show") {
  Report report = sample_report();
  CHECK(contains(verdict(report, 1), "cannot tell from no change"));
  CHECK(contains(verdict(report, 1), "3.5× smaller"));
  CHECK(contains(verdict(report, 2), "accuracy falls by 0.63 points"));
  CHECK(contains(verdict(report, 2), "as fast within the noise"));
  report.candidates[1].comparison->lost = report.candidates[1].comparison->gained = 0;
  CHECK(contains(verdict(report, 1), "exactly the same 10,000 items"));
}

TEST_CASE("the terminal table keeps to its width and repeats the base when it must") {
  Report report = sample_report();
  for (int i = 0; i < 4; ++i) report.candidates.push_back(report.candidates[1]);
  const std::string text = to_terminal(report, {.width = 80});
  size_t tables = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    const std::string line = text.substr(at, end - at);
    const auto width = std::count_if(line.begin(), line.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    });
    CHECK(width <= 80);
    tables += contains(line, "─┼─");
    at = end + 1;
  }
  CHECK(tables > 1);
  CHECK(count_of(text, "student.pare") >= tables);
  CHECK_FALSE(contains(text, "\x1b"));
  CHECK(contains(to_terminal(report, {.colour = true}), "\x1b[31m"));
}

TEST_CASE("names on a chart cover neither each other nor any point") {
  std::vector<LabelRequest> requests;
  for (int i = 0; i < 8; ++i) {  // a crowd: eight points within 40 units
    const double x = 200 + 5 * i;
    const double y = 150 + 7 * (i % 3);
    requests.push_back({"student-w8a8-" + std::to_string(i), x, y, {Box{x - 5, y - 5, 10, 10}}});
  }
  const auto places = place_labels(requests, Box{50, 0, 400, 300});
  for (size_t i = 0; i < places.size(); ++i) {
    for (size_t k = 0; k < places.size(); ++k) {
      if (i != k) CHECK(overlap(places[i].box, places[k].box) == 0);
      for (const Box& obstacle : requests[k].obstacles) {
        CHECK(overlap(places[i].box, obstacle) == 0);
      }
    }
  }
}

TEST_CASE("axes hold their values and have between two and seven ticks inside") {
  for (const std::vector<double>& values :
       {std::vector<double>{101377, 29312}, {1000}, {1e3, 1e9}, {29000, 29001}, {12, 13, 14}}) {
    for (const TickUnit unit : {TickUnit::kBinary, TickUnit::kDecimal}) {
      const Axis axis = log_axis(values, unit);
      CHECK(axis.ticks.size() >= 2);
      CHECK(axis.ticks.size() <= 7);
      for (const double value : values) {
        CHECK(axis.position(value) > 0);
        CHECK(axis.position(value) < 1);
      }
      for (const double tick : axis.ticks)
        CHECK((axis.position(tick) >= 0 && axis.position(tick) <= 1));
    }
    const Axis linear = linear_axis(values);
    CHECK(linear.ticks.size() >= 2);
    CHECK(linear.ticks.size() <= 7);
  }
  CHECK(linear_axis({91.6, 92.9}).text(92.0) == "92.0");
}

TEST_CASE("numbers are written alike everywhere") {
  CHECK(grouped(1234567) == "1,234,567");
  CHECK(grouped(-1000) == "−1,000");
  CHECK(grouped(7) == "7");
  CHECK(points(-0.00123) == "−0.12");
  CHECK(points(0.001) == "+0.10");
  CHECK(points(-0.00001) == "0.00");
  CHECK(bytes_text(1023) == "1023 B");
  CHECK(bytes_text(1024) == "1.00 KiB");
  CHECK(bytes_text(29312) == "28.6 KiB");
  CHECK(bytes_text(int64_t{3} << 30) == "3.00 GiB");
  CHECK(count_text(12345678) == "12.3 M");
  CHECK(microseconds(105.2) == "105 µs");
  CHECK(microseconds(1240) == "1.24 ms");
  CHECK(p_value(0.00001) == "< 0.0001");
  CHECK(p_value(0.2315) == "0.232");
  CHECK(times(0.4712) == "0.471×");
  CHECK(percent(1.0) == "100.00 %");
}

}  // namespace
}  // namespace pare::eval
