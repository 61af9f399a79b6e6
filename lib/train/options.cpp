// SPDX-License-Identifier: Apache-2.0
// The option rows of every pass that trains, and what they are read into.
#include <array>
#include <charconv>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/train/trainer.hpp"

namespace pare::train {

namespace {

using pass::Option;
using pass::OptionType;

template <class Enum, size_t N>
Enum choice(const std::array<std::pair<std::string_view, Enum>, N>& words, std::string_view word) {
  for (const auto& [name, value] : words) {
    if (name == word) return value;
  }
  throw Bug("a choice was checked against its schema");
}

constexpr std::array<std::pair<std::string_view, Optimizer>, 3> kOptimizers{
    {{"sgd", Optimizer::kSgd}, {"adam", Optimizer::kAdam}, {"adamw", Optimizer::kAdamW}}};
constexpr std::array<std::pair<std::string_view, LearningRateSchedule>, 4> kSchedules{
    {{"constant", LearningRateSchedule::kConstant},
     {"cosine", LearningRateSchedule::kCosine},
     {"step", LearningRateSchedule::kStep},
     {"onecycle", LearningRateSchedule::kOneCycle}}};

double default_learning_rate(Optimizer optimizer) {
  return optimizer == Optimizer::kSgd ? 0.1 : 0.001;
}

pass::Schema optimizer_options() {
  return {
      {.name = "optimizer",
       .type = OptionType::kChoice,
       .fallback = "sgd",
       .help = "sgd with Nesterov momentum, adam, or adamw",
       .choices = {"sgd", "adam", "adamw"}},
      {.name = "learning_rate",
       .type = OptionType::kNumber,
       .help = "Peak learning rate (default: 0.1 for sgd, 0.001 for adam and adamw)",
       .min = 0,
       .max = 100,
       .min_open = true,
       .metavar = "RATE"},
      {.name = "momentum",
       .type = OptionType::kNumber,
       .fallback = 0.9,
       .help = "Momentum of sgd; onecycle moves it by 0.05 against the learning rate",
       .min = 0,
       .max = 1,
       .max_open = true,
       .metavar = "FRACTION"},
      {.name = "weight_decay",
       .type = OptionType::kNumber,
       .fallback = 5e-4,
       .help = "L2 penalty on every trained parameter (adamw: decoupled)",
       .min = 0,
       .max = 1,
       .metavar = "RATE"},
      {.name = "schedule",
       .type = OptionType::kChoice,
       .fallback = "onecycle",
       .help = "How the learning rate moves: constant, cosine, step, onecycle",
       .choices = {"constant", "cosine", "step", "onecycle"}},
      {.name = "step_epochs",
       .type = OptionType::kInteger,
       .fallback = 10,
       .help = "With --schedule step: divide the learning rate by 10 after each so many epochs",
       .min = 1,
       .max = 1e6,
       .metavar = "N"},
  };
}

pass::Schema augmentation_options() {
  return {
      {.name = "shift",
       .type = OptionType::kInteger,
       .fallback = 0,
       .help = "Augmentation: move images by up to N pixels along each axis",
       .min = 0,
       .max = 64,
       .metavar = "N"},
      {.name = "crop_pad",
       .type = OptionType::kInteger,
       .fallback = 0,
       .help = "Augmentation: pad images by N pixels and crop back at a random place",
       .min = 0,
       .max = 64,
       .metavar = "N"},
      {.name = "flip",
       .type = OptionType::kFlag,
       .fallback = false,
       .help = "Augmentation: mirror images left to right, every other time"},
      {.name = "draws",
       .type = OptionType::kInteger,
       .fallback = 0,
       .help =
           "Augmentation: use N variants of each item in turn (0: a new one each epoch); cached "
           "teacher logits cost N passes",
       .min = 0,
       .max = 1e6,
       .metavar = "N"},
  };
}

}  // namespace

pass::Schema training_options() {
  pass::Schema rows = {
      {.name = "epochs",
       .type = OptionType::kInteger,
       .fallback = 10,
       .help = "Times the training data is seen",
       .min = 1,
       .max = 1e6,
       .metavar = "N"},
      {.name = "batch_size",
       .type = OptionType::kInteger,
       .fallback = 128,
       .help = "Items a training step",
       .min = 1,
       .max = 1e6,
       .metavar = "N"},
      {.name = "label_smoothing",
       .type = OptionType::kNumber,
       .fallback = 0.0,
       .help = "Probability spread evenly over all classes",
       .min = 0,
       .max = 1,
       .max_open = true,
       .metavar = "FRACTION"},
      {.name = "patience",
       .type = OptionType::kInteger,
       .fallback = 0,
       .help = "Stop after N epochs without a better validation accuracy (0: never)",
       .min = 0,
       .max = 1e6,
       .metavar = "N"},
  };
  for (auto& row : optimizer_options()) rows.push_back(std::move(row));
  for (auto& row : augmentation_options()) rows.push_back(std::move(row));
  return rows;
}

TrainOptions train_options_from(const pass::Options& options, uint64_t seed, int threads) {
  TrainOptions out;
  out.epochs = options.integer("epochs");
  out.batch_size = options.integer("batch_size");
  out.optimizer = choice(kOptimizers, options.text("optimizer"));
  out.learning_rate = options.has("learning_rate") ? options.number("learning_rate")
                                                   : default_learning_rate(out.optimizer);
  out.momentum = options.number("momentum");
  out.weight_decay = options.number("weight_decay");
  out.schedule = choice(kSchedules, options.text("schedule"));
  out.step_epochs = options.integer("step_epochs");
  out.label_smoothing = options.number("label_smoothing");
  out.patience = options.integer("patience");
  out.augmentation = {.shift = static_cast<int>(options.integer("shift")),
                      .crop_pad = static_cast<int>(options.integer("crop_pad")),
                      .flip = options.flag("flip")};
  out.draws = options.integer("draws");
  out.seed = seed;
  out.threads = threads;
  return out;
}

void check_training_options(const pass::Options& options) {
  const bool augments =
      options.integer("shift") > 0 || options.integer("crop_pad") > 0 || options.flag("flip");
  if (options.given("draws") && !augments) {
    throw UsageError("--draws", "has no effect without --shift, --crop-pad or --flip");
  }
  if (options.given("step_epochs") && options.text("schedule") != "step") {
    throw UsageError("--step-epochs", "has no effect without --schedule step");
  }
  if (options.given("momentum") && options.text("optimizer") != "sgd") {
    throw UsageError("--momentum", "has no effect with --optimizer " + options.text("optimizer"));
  }
}

Match parse_match(std::string_view text) {
  const auto refuse = [&](const std::string& why) {
    return UsageError("--match", why + " in \"" + escaped(text) +
                                     "\"; expected TEACHER_VALUE:STUDENT_VALUE=mse|cosine*WEIGHT");
  };
  // Value names may hold ':' or '=', the loss may not: split from the right.
  const size_t equals = text.rfind('=');
  if (equals == std::string_view::npos) throw refuse("no loss");
  const std::string_view names = text.substr(0, equals);
  std::string_view loss = text.substr(equals + 1);
  const size_t colon = names.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == names.size()) {
    throw refuse("no pair of value names");
  }
  Match match;
  match.teacher_value = names.substr(0, colon);
  match.student_value = names.substr(colon + 1);
  if (const size_t star = loss.find('*'); star != std::string_view::npos) {
    const std::string_view number = loss.substr(star + 1);
    const auto [end, code] =
        std::from_chars(number.data(), number.data() + number.size(), match.weight);
    if (code != std::errc() || end != number.data() + number.size() ||
        !std::isfinite(match.weight) || match.weight <= 0) {
      throw refuse("no positive weight");
    }
    loss = loss.substr(0, star);
  }
  if (loss == "cosine") {
    match.loss = MatchLoss::kCosine;
  } else if (loss != "mse") {
    throw refuse("unknown loss");
  }
  return match;
}

}  // namespace pare::train
