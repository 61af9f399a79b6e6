// SPDX-License-Identifier: Apache-2.0
// The Makefile of a sweep. Targets are stamps named FOLDER/done; names hold no character that make
// or a shell would read as its own. Everything is relative to the sweep's folder.
#include "apps/pare/recipe/make_syntax.hpp"
#include "apps/pare/recipe/sweep.hpp"

namespace pare::cli {

namespace {

constexpr const char* kHead = R"head(# Written by pare sweep. In this folder:
#   make -j2            every run, two at a time
#   make report         then pare eval over all of them
#   make -k -j2         goes on after a run that failed
# Any number of machines that share the folder may do so at once: a run that another one works on
# is waited for, and a step that several runs have in common is done once. With Slurm:
#   sbatch --array=1-$(wc -l < runs.txt) --wrap 'make "$(sed -n ${SLURM_ARRAY_TASK_ID}p runs.txt)"'
# What is finished stays so: pare run goes by the contents of files, not by their dates.
)head";

std::string rule(const SweepTarget& target) {
  std::string out = target.folder + "/done: " + target.folder + "/recipe.json";
  for (const std::string& need : target.needs) out += " " + need + "/done";
  for (const std::string& source : target.sources) out += " " + make_name(source);
  if (!target.recipe["steps"].empty()) out += "\n\t$(PARE) run $< $(PAREFLAGS)";
  return out + "\n\t@touch $@\n";
}

}  // namespace

std::string sweep_makefile(const SweepPlan& plan, const std::string& program) {
  std::string out = kHead;
  out += "PARE = " + make_text(program) + "\nPAREFLAGS =\n\n";
  out += ".PHONY: all report\nall:";
  for (const SweepTarget& run : plan.runs) out += " \\\n  " + run.folder + "/done";
  out += "\n\nreport:";
  for (const SweepTarget& report : plan.reports) out += " " + report.folder + "/done";
  if (plan.reports.empty()) {
    out += "\n\t@echo 'report: the recipe has no eval step, so there is no data to report on' >&2";
    out += "; exit 1";
  }
  out += "\n";
  for (const auto* targets : {&plan.shared, &plan.runs, &plan.reports}) {
    for (const SweepTarget& target : *targets) out += "\n" + rule(target);
  }
  return out;
}

}  // namespace pare::cli
