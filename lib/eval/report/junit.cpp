// SPDX-License-Identifier: Apache-2.0
// Verdicts as JUnit XML, the form that CI systems show as test results. There is no one
// specification; elements and attributes are those that Jenkins' junit-10.xsd has.
#include "lib/eval/report/html_text.hpp"
#include "lib/eval/report/verdicts.hpp"

namespace pare::eval {
namespace {

struct Tally {
  size_t failures = 0, errors = 0;
};

Tally tally_of(const std::vector<BudgetVerdict>& verdicts) {
  Tally out;
  for (const BudgetVerdict& v : verdicts) {
    out.failures += v.verdict == Verdict::kFail;
    out.errors += v.verdict == Verdict::kInconclusive;
  }
  return out;
}

std::string counts_of(size_t tests, const Tally& tally) {
  return " tests=\"" + std::to_string(tests) + "\" failures=\"" + std::to_string(tally.failures) +
         "\" errors=\"" + std::to_string(tally.errors) + "\"";
}

}  // namespace

std::string gate_junit(const Budget& budget, const std::vector<Judged>& candidates) {
  std::string suites;
  size_t tests = 0;
  Tally total;
  for (const Judged& candidate : candidates) {
    const Tally tally = tally_of(candidate.verdicts);
    total.failures += tally.failures;
    total.errors += tally.errors;
    tests += candidate.verdicts.size();
    const std::string name = html_escaped(candidate.name);
    suites +=
        "  <testsuite name=\"" + name + "\"" + counts_of(candidate.verdicts.size(), tally) + ">\n";
    for (const BudgetVerdict& v : candidate.verdicts) {
      suites += "    <testcase classname=\"" + name + "\" name=\"" + v.key + "\"";
      if (v.verdict == Verdict::kPass) {
        suites += "/>\n";
        continue;
      }
      const std::string element = v.verdict == Verdict::kFail ? "failure" : "error";
      suites += ">\n      <" + element + " type=\"" + name_of(v.verdict) + "\" message=\"" +
                html_escaped(v.reason) + "\"/>\n    </testcase>\n";
    }
    suites += "  </testsuite>\n";
  }
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"" +
         html_escaped(budget.path) + "\"" + counts_of(tests, total) + ">\n" + suites +
         "</testsuites>\n";
}

}  // namespace pare::eval
