// SPDX-License-Identifier: Apache-2.0
// Kills a training run for real: this executable starts itself on the hidden test case below.
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include "lib/core/output_file.hpp"
#include "lib/train/torch_trainer.hpp"
#include "tests/train/tasks.hpp"

extern char** environ;

namespace pare::train {

namespace {

namespace fs = std::filesystem;
constexpr const char* kFolderVariable = "PARE_RESUME_TEST_FOLDER";

TrainPlan the_run(const std::string& checkpoint) {
  TrainPlan plan = test::plan_for("resnet8:width=4", test::glyphs(400));
  plan.options.epochs = 5;
  plan.options.augmentation = {.shift = 2, .seed = 11};
  plan.checkpoint = checkpoint;
  return plan;
}

std::string bytes_of(const std::vector<float>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float)};
}

std::string bytes_of_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

pid_t start_child(const std::string& folder) {
  const pid_t child = fork();
  if (child != 0) return child;
  setenv(kFolderVariable, folder.c_str(), 1);
  execl("/proc/self/exe", "test_torch", "--no-skip", "--quiet=1",
        "--test-case=child of the killed run", nullptr);
  _exit(127);
}

}  // namespace

TEST_CASE("child of the killed run" * doctest::skip()) {
  const char* folder = std::getenv(kFolderVariable);
  if (!folder) return;
  const TrainPlan plan = the_run(std::string(folder) + "/out.checkpoint");
  const TrainResult result = make_torch_trainer()->fit(plan);
  write_text_file(std::string(folder) + "/weights", bytes_of(test::all_weights(result.model)));
}

TEST_CASE("a run killed again and again ends with the uninterrupted run's bytes") {
  const fs::path folder = fs::temp_directory_path() / ("pare-resume-" + std::to_string(getpid()));
  fs::create_directories(folder);
  const auto start = std::chrono::steady_clock::now();
  const std::string expected =
      bytes_of(test::all_weights(make_torch_trainer()->fit(the_run("")).model));
  const auto whole = std::chrono::steady_clock::now() - start;

  std::mt19937 random(std::random_device{}());
  int kills = 0;
  for (bool finished = false; !finished;) {
    const pid_t child = start_child(folder);
    REQUIRE(child > 0);
    if (kills < 3) {
      // Anywhere from start-up to the end; the checkpoint makes each attempt go further.
      std::this_thread::sleep_for(whole * (random() % 100) / 100);
      kill(child, SIGKILL);
      ++kills;
    }
    int status = 0;
    waitpid(child, &status, 0);
    finished = WIFEXITED(status);
    if (finished) REQUIRE(WEXITSTATUS(status) == 0);
  }
  CHECK(bytes_of_file(folder / "weights") == expected);
  fs::remove_all(folder);
}

TEST_CASE("a finished run's checkpoint gives its result at once, and --no-resume trains again") {
  const fs::path folder = fs::temp_directory_path() / ("pare-again-" + std::to_string(getpid()));
  fs::create_directories(folder);
  TrainPlan plan = test::plan_for("mlp:784-16-10", test::glyphs(200));
  plan.checkpoint = folder / "out.checkpoint";
  const auto trainer = make_torch_trainer();
  const auto first = test::all_weights(trainer->fit(plan).model);
  CHECK(test::all_weights(trainer->fit(plan).model) == first);
  plan.options.learning_rate = 0.01;
  CHECK_THROWS_WITH(trainer->fit(plan), doctest::Contains("learning_rate"));
  plan.resume = false;
  CHECK(test::all_weights(trainer->fit(plan).model) != first);
  fs::remove_all(folder);
}

}  // namespace pare::train
