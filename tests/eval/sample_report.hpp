// SPDX-License-Identifier: Apache-2.0
// A report with fixed measurements, so that what is rendered of it can be compared byte for byte.
#pragma once

#include <string>

#include "lib/eval/report.hpp"

namespace pare::eval {

inline CandidateReport sample_candidate(const std::string& name, int64_t correct,
                                        int64_t file_bytes, double p50) {
  CandidateReport c{.name = name, .path = "out/" + name};
  c.metrics.items = 10000;
  c.metrics.correct = correct;
  c.metrics.top1 = static_cast<double>(correct) / 10000.0;
  c.metrics.top1_interval = wilson_interval(correct, 10000);
  c.metrics.macro_f1 = c.metrics.top1 - 0.0004;
  c.metrics.log_loss = 0.25;
  c.metrics.calibration_error = 0.012;
  for (int64_t k = 0; k < 10; ++k)
    c.metrics.classes.push_back({1000, correct / 10 - 15 * k + 67, 1000});
  c.size = SizeReport{.file_bytes = file_bytes,
                      .breakdown = SizeBreakdown{file_bytes - 3900, 800, 0, 3100},
                      .parameters = 24859,
                      .bits_per_weight = 8.0 * static_cast<double>(file_bytes - 3100) / 24859.0,
                      .sparsity = 0.01};
  for (const char* layer : {"stem.conv", "stage1.conv1", "stage1.conv2", "stage2.conv1",
                            "stage2.conv2", "stage2.shortcut", "fc"}) {
    const auto k = static_cast<int64_t>(c.size->layers.size());
    c.size->layers.push_back({.name = layer,
                              .storage = "i8 per channel",
                              .parameters = 700 + 900 * k,
                              .bytes = (file_bytes - 3100) * (k + 1) / 28,
                              .weights = 700 + 900 * k,
                              .zeros = 70 * k});
  }
  c.macs = 3456789;
  c.latency = LatencySummary{.runs = 4000, .p50 = p50, .p90 = p50 * 1.1, .p99 = p50 * 1.6};
  for (const double factor : {0.98, 0.99, 1.0, 1.01, 1.03}) {
    c.latency->block_medians.push_back(p50 * factor);
  }
  c.latency->items_per_second = 1e6 / p50;
  c.peak_memory_bytes = 9 << 20;
  c.architecture = "resnet8";
  c.history.push_back({.pass = "train",
                       .options = {{"epochs", 20}, {"learning_rate", 0.1}},
                       .tool_version = "0.1.0",
                       .seed = 1,
                       .inputs = {{"data", "0011223344556677"}}});
  return c;
}

inline Report sample_report() {
  Report report;
  report.data_source = "fashion-mnist";
  report.data_fingerprint = "8f2d1c77aa00bb11cc22dd33ee44ff5566778899aabbccddeeff001122334455";
  report.items = 10000;
  report.classes = {"T-shirt", "Trouser", "Pullover", "Dress", "Coat",
                    "Sandal",  "Shirt",   "Sneaker",  "Bag",   "Ankle boot"};
  report.environment = {.cpu = "Test CPU",
                        .isa = "avx512-vnni",
                        .threads = 2,
                        .latency_threads = 1,
                        .version = "0.1.0"};
  report.candidates.push_back(sample_candidate("student.pare", 9231, 101377, 412.5));
  report.candidates.push_back(sample_candidate("student-w8a8.pare", 9222, 29312, 155.0));
  report.candidates.push_back(sample_candidate("student-w4a16.pare", 9168, 17840, 431.0));
  report.candidates[1].comparison = Comparison{.difference = -0.0009,
                                               .difference_interval = {-0.0022, 0.0004},
                                               .lost = 27,
                                               .gained = 18,
                                               .mcnemar_p = mcnemar_exact_p(27, 18),
                                               .agreement = 0.9921,
                                               .worst_class_drop = 0.005,
                                               .worst_class = 6,
                                               .divergence = Divergence{.mean = 0.0011}};
  report.candidates[2].comparison = Comparison{.difference = -0.0063,
                                               .difference_interval = {-0.0089, -0.0038},
                                               .lost = 121,
                                               .gained = 58,
                                               .mcnemar_p = mcnemar_exact_p(121, 58),
                                               .agreement = 0.9735,
                                               .worst_class_drop = 0.021,
                                               .worst_class = 6,
                                               .divergence = Divergence{.mean = 0.0143}};
  report.candidates[0].latency->ratio = 1.0;
  report.candidates[1].latency->ratio = 0.376;
  report.candidates[1].latency->ratio_interval = {0.369, 0.384};
  report.candidates[2].latency->ratio = 1.045;
  report.candidates[2].latency->ratio_interval = {0.99, 1.1};
  report.latency_conditions.push_back(
      {.threads = 1, .batch = 1, .noise = {.seconds = 2.5, .cpus = 2, .spread = 0.05}});
  report.energy_reason = "this machine shows no RAPL counters";
  for (CandidateReport& c : report.candidates) c.latency_grid = {*c.latency};
  for (size_t k = 0; k < report.candidates[1].size->layers.size(); ++k) {
    const double error = k == 2 ? 0.0 : 1e-4 * static_cast<double>(1 + k);
    report.candidates[1].size->layers[k].weight_error = WeightError{1.0, error};
    report.candidates[2].size->layers[k].no_weight_error = "trained apart from the base";
  }
  report.candidates[2].size->layers[3].storage = "i4 group 64, bitmask";
  return report;
}

}  // namespace pare::eval
