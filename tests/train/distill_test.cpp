// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include <doctest/doctest.h>
#include <unistd.h>

#include "distill/control.hpp"
#include "distill/passes.hpp"
#include "lib/core/error.hpp"
#include "lib/train/torch_trainer.hpp"
#include "tests/train/tasks.hpp"

namespace pare::train {

namespace {

using test::all_weights;
using test::glyphs;
using test::plan_for;

struct Task {
  data::Splits data = glyphs(400);
  std::unique_ptr<Trainer> trainer = make_torch_trainer();
  ir::Model teacher;
  Task() {
    TrainPlan plan = plan_for("cnn-small", data);
    plan.options.epochs = 3;
    teacher = trainer->fit(plan).model;
  }
  TrainPlan student(const std::string& arch = "mlp:784-16-10") const {
    TrainPlan plan = plan_for(arch, data);
    plan.distillation = Distillation{.teachers = {&teacher}, .teacher_hashes = {"teacher"}};
    return plan;
  }
};

// The first value of rank 4 behind the input whose height is `height`, for matching.
std::string feature_map(const ir::Model& model, int64_t height, int64_t* channels = nullptr) {
  for (const ir::Node& node : model.main().nodes()) {
    const ir::Value& value = model.main().value(node.outputs[0]);
    if (value.shape.size() != 4 || value.shape[2].size != height) continue;
    if (channels) *channels = value.shape[1].size;
    return value.name;
  }
  return {};
}

}  // namespace

TEST_CASE("alpha 0 is plain training, and a teacher changes the student") {
  const Task task;
  TrainPlan plan = task.student();
  plan.distillation->alpha = 0;
  const auto without = all_weights(task.trainer->fit(plan).model);
  plan.distillation.reset();
  CHECK(all_weights(task.trainer->fit(plan).model) == without);
  CHECK(all_weights(task.trainer->fit(task.student()).model) != without);
}

TEST_CASE("a student that hears only the teacher comes to agree with it") {
  const Task task;
  TrainPlan plan = task.student("cnn-small");
  plan.distillation->alpha = 1;
  plan.options.epochs = 4;
  const TrainResult result = task.trainer->fit(plan);
  const auto teacher = task.trainer->predict(task.teacher, *task.data.test, 1);
  const auto student = task.trainer->predict(result.model, *task.data.test, 1);
  int64_t same = 0;
  for (size_t i = 0; i < teacher.size(); ++i) same += teacher[i] == student[i] ? 1 : 0;
  CHECK(same > static_cast<int64_t>(teacher.size()) / 2);  // chance: a tenth
}

TEST_CASE("a teacher twice is the teacher once") {
  const Task task;
  TrainPlan once = task.student();
  TrainPlan twice = task.student();
  twice.distillation->teachers.push_back(&task.teacher);
  twice.distillation->teacher_hashes.push_back("teacher");
  // (p + p) / 2 is exact.
  CHECK(all_weights(task.trainer->fit(once).model) == all_weights(task.trainer->fit(twice).model));
}

TEST_CASE("a teacher with other labels is refused with a hint") {
  const Task task;
  TrainPlan plan = task.student();
  ir::Model other = task.teacher;
  other.metadata.labels[3] = "somebody else";
  plan.distillation->teachers = {&other};
  CHECK_THROWS_WITH_AS(task.trainer->fit(plan), doctest::Contains("label 3"), Error);
  const ir::Model wide = ir::build_architecture("mlp:784-8-12", {784}, 12);
  plan.distillation->teachers = {&wide};
  CHECK_THROWS_WITH_AS(task.trainer->fit(plan),
                       doctest::Contains("teacher has 12 labels, data has 10"), Error);
}

TEST_CASE("intermediate values are matched through a projection that the student does not keep") {
  const Task task;
  TrainPlan plan = task.student("resnet8:width=4");
  int64_t teacher_channels = 0;
  int64_t student_channels = 0;
  const std::string from = feature_map(task.teacher, 14, &teacher_channels);
  const std::string to = feature_map(plan.initial, 14, &student_channels);
  REQUIRE_FALSE(from.empty());
  REQUIRE_FALSE(to.empty());
  CHECK(teacher_channels != student_channels);
  const auto unmatched = all_weights(task.trainer->fit(plan).model);
  for (const char* loss : {"=mse*0.5", "=cosine*2"}) {
    plan.distillation->matches = {parse_match(from + ":" + to + loss)};
    const TrainResult result = task.trainer->fit(plan);
    CHECK(result.model.parameters.entries().size() == plan.initial.parameters.entries().size());
    CHECK(all_weights(result.model) != unmatched);
  }
  plan.distillation->matches = {parse_match("nowhere:" + to + "=mse")};
  CHECK_THROWS_WITH_AS(task.trainer->fit(plan), doctest::Contains("nowhere"), Error);
}

TEST_CASE("cached logits give the bytes of the run that filled the cache") {
  namespace fs = std::filesystem;
  const Task task;
  const fs::path folder = fs::temp_directory_path() / ("pare-cache-" + std::to_string(getpid()));
  fs::create_directories(folder);
  for (const int shift : {0, 2}) {
    TrainPlan plan = task.student();
    plan.options.augmentation = {.shift = shift, .seed = 4};
    plan.distillation->logits_cache = folder / ("logits" + std::to_string(shift) + ".h5");
    const auto filled = all_weights(task.trainer->fit(plan).model);
    REQUIRE(fs::exists(plan.distillation->logits_cache));
    CHECK(all_weights(task.trainer->fit(plan).model) == filled);
    plan.distillation->teacher_hashes = {"another"};
    CHECK_THROWS_WITH_AS(task.trainer->fit(plan), doctest::Contains("other teachers"), Error);
  }
  fs::remove_all(folder);
}

TEST_CASE("the pass trains both arms of the control and records its verdict") {
  const Task task;
  pass::Context context;
  context.train = task.data.train;
  context.validation = task.data.validation;
  context.test = task.data.test;
  context.teachers.push_back({"teacher.pare", "hash", task.teacher});
  context.trainer = task.trainer.get();
  const pass::PassInfo& info = distill::passes().front();
  const pass::Options options(info.options, {{"epochs", 1}, {"control", 2}, {"batch_size", 32}});
  ir::Model student = plan_for("mlp:784-8-10", task.data).initial;
  ir::initialise(student, context.seed);
  const ir::Model result = pass::run(info, student, options, context);
  const Json& control = result.metadata.source.at("control");
  CHECK(control.at("measured_on") == "test");
  CHECK(control.at("with_teacher").size() == 2);
  CHECK(control.at("without_teacher").size() == 2);
  CHECK(result.metadata.history.back().pass == "distill");
}

TEST_CASE("the verdict follows the paired interval") {
  distill::ControlResult result{.measured_on = "test", .epochs = 1, .seeds = {0, 1, 2}};
  result.without_teacher = {0.90, 0.91, 0.92};
  result.with_teacher = {0.904, 0.914, 0.9241};
  CHECK(distill::verdict(result).starts_with("the teacher helped: +0.40 points"));
  std::swap(result.with_teacher, result.without_teacher);
  CHECK(distill::verdict(result).starts_with("the teacher did not help: -0.40"));
  result.with_teacher = {0.95, 0.85, 0.92};
  CHECK(distill::verdict(result).starts_with("undecided"));
}

}  // namespace pare::train
