// SPDX-License-Identifier: Apache-2.0
#include "lib/train/torch_distiller.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

#include <c10/core/GradMode.h>

#include "lib/core/error.hpp"
#include "lib/core/hash.hpp"
#include "lib/core/rng.hpp"
#include "lib/train/checkpoint.hpp"

namespace pare::train {

namespace {

// Throws unless teacher and data speak of the same classes in the same order.
void check_labels(const ir::Model& teacher, const std::string& subject, int64_t outputs,
                  const data::DatasetInfo& data) {
  const auto classes = static_cast<int64_t>(data.classes.size());
  if (outputs >= 0 && outputs != classes) {
    throw Error(subject, "teacher has " + std::to_string(outputs) + " labels, data has " +
                             std::to_string(classes) +
                             "; distil from a teacher that was trained on these classes");
  }
  const auto& labels = teacher.metadata.labels;
  for (size_t i = 0; i < labels.size() && labels.size() == data.classes.size(); ++i) {
    if (labels[i] == data.classes[i]) continue;
    throw Error(subject, "label " + std::to_string(i) + " is \"" + escaped(labels[i], 40) +
                             "\" in the teacher and \"" + escaped(data.classes[i], 40) +
                             "\" in the data; class order and names must agree");
  }
}

// Channels and spatial dims of a value [batch, channels, spatial...].
struct Feature {
  int64_t channels;
  ir::Dims spatial;
};

Feature feature_of(const TorchGraph& graph, ir::ValueId id) {
  const ir::Value& value = graph.graph().value(id);
  if (value.shape.size() < 2) {
    throw Error("--match", "value \"" + escaped(value.name) + "\" of " + graph.subject() +
                               " has no channels to match");
  }
  const ir::Dims dims =
      ir::known_dims({value.shape.begin() + 1, value.shape.end()}, graph.subject());
  return {dims[0], {dims.begin() + 1, dims.end()}};
}

// Draws a projection [out, in, 1...] like a fresh layer: uniform in +-1/sqrt(in).
std::vector<float> projection_values(int64_t out, int64_t in, uint64_t seed,
                                     std::string_view name) {
  Rng rng(seed, stream_of(name));
  const float bound = 1.0F / std::sqrt(static_cast<float>(in));
  std::vector<float> values(static_cast<size_t>(out * in));
  for (float& v : values) v = rng.uniform(-bound, bound);
  return values;
}

}  // namespace

at::Tensor input_tensor(const Batch& batch, size_t view, const ir::Dims& item) {
  ir::Dims dims = {static_cast<int64_t>(batch.items.size())};
  dims.insert(dims.end(), item.begin(), item.end());
  auto* data =
      const_cast<float*>(batch.inputs[view].data());  // from_blob takes no const; never written
  return at::from_blob(data, dims);
}

TorchDistiller::TorchDistiller(const TrainPlan& plan, const TorchGraph& student,
                               FlatTensors& weights, std::vector<BatchLoader::View>& views)
    : plan_(plan),
      options_(*plan.distillation),
      weights_(weights),
      classes_(static_cast<int64_t>(plan.train->info().classes.size())) {
  require(!options_.teachers.empty(), "a distillation has a teacher");
  for (const ir::Model* teacher : options_.teachers) add_teacher(*teacher, student, views);
  for (const Match& match : options_.matches) add_match(match, student);
  views_ = views;
  if (!options_.logits_cache.empty()) open_cache(plan);
}

void TorchDistiller::add_teacher(const ir::Model& model, const TorchGraph& student,
                                 std::vector<BatchLoader::View>& views) {
  const std::string subject =
      options_.teachers.size() == 1 ? "teacher" : "teacher " + std::to_string(teachers_.size() + 1);
  Teacher teacher;
  teacher.weights = std::make_unique<FlatTensors>();
  teacher.graph = std::make_unique<TorchGraph>(model, subject, *teacher.weights);
  teacher.weights->seal(false);
  check_labels(model, subject, teacher.graph->classes(), plan_.train->info());
  ir::Preprocessing preprocessing = teacher.graph->preprocessing();
  // A teacher that states nothing is fed what the student is fed.
  if (!preprocessing.stated) preprocessing = student.preprocessing();
  data::check_compatible(plan_.train->info(), preprocessing, teacher.graph->item_dims(), subject);
  const bool same =
      preprocessing == views[0].preprocessing && teacher.graph->item_dims() == student.item_dims();
  if (!same) {
    teacher.view = views.size();
    views.push_back({preprocessing, ir::element_count(teacher.graph->item_dims(), subject)});
  }
  teachers_.push_back(std::move(teacher));
}

void TorchDistiller::add_match(const Match& match, const TorchGraph& student) {
  // Matched values are taken from the first teacher.
  const TorchGraph& teacher = *teachers_[0].graph;
  Matched matched{.match = match, .teacher_value = teacher.find(match.teacher_value)};
  const ir::ValueId student_value = student.find(match.student_value);
  const Feature from = feature_of(student, student_value);
  const Feature to = feature_of(teacher, matched.teacher_value);
  if (from.spatial != to.spatial) {
    throw Error("--match", "\"" + match.teacher_value + "\" is " + ir::to_string(to.spatial) +
                               " a channel and \"" + match.student_value + "\" " +
                               ir::to_string(from.spatial) + "; match values of the same size");
  }
  if (from.channels != to.channels) {
    const std::string name = "match/" + std::to_string(matches_.size());
    ir::Dims dims = {to.channels, from.channels};
    dims.resize(2 + from.spatial.size(), 1);
    matched.projection = weights_.add(
        name, dims, projection_values(to.channels, from.channels, plan_.options.seed, name));
  }
  matches_.push_back(matched);
  student_values_.push_back(student_value);
}

void TorchDistiller::open_cache(const TrainPlan& plan) {
  const TrainOptions& o = plan.options;
  Json identity = Json::object();
  identity["teachers"] = options_.teacher_hashes;
  identity["data"] = plan.train->fingerprint();
  identity["augmentation"] = Json::object();
  if (o.augmentation.any()) {
    identity["augmentation"] = {{"shift", o.augmentation.shift},
                                {"crop_pad", o.augmentation.crop_pad},
                                {"flip", o.augmentation.flip}};
  }
  const auto width = static_cast<int64_t>(teachers_.size()) * classes_;
  cache_ = std::make_unique<LogitsCache>(options_.logits_cache, std::move(identity),
                                         plan.train->size(), width);
}

// In item order and fixed batches, whatever the run's: a batch's neighbours can move a logit's last
// bit, and a run must not depend on who filled the cache.
void TorchDistiller::fill_cache(int64_t draw) {
  constexpr int64_t kBatch = 256;
  const auto& augmentation = plan_.options.augmentation;
  std::vector<int64_t> order(static_cast<size_t>(plan_.train->size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  std::vector<float> logits;
  for (size_t begin = 0; begin < order.size(); begin += kBatch) {
    Batch batch;
    const size_t end = std::min(begin + kBatch, order.size());
    batch.items.assign(order.begin() + static_cast<std::ptrdiff_t>(begin),
                       order.begin() + static_cast<std::ptrdiff_t>(end));
    for (const auto& view : views_) {
      batch.inputs.emplace_back(batch.items.size() * static_cast<size_t>(view.item_floats));
      data::load_batch(*plan_.train, view.preprocessing, batch.items,
                       augmentation.any() ? &augmentation : nullptr, draw, batch.inputs.back(),
                       plan_.options.threads);
    }
    const at::Tensor out = run_teachers(batch).contiguous();
    logits.insert(logits.end(), out.data_ptr<float>(), out.data_ptr<float>() + out.numel());
    plan_.progress->update("teacher's logits", static_cast<int64_t>(end),
                           static_cast<int64_t>(order.size()));
  }
  cache_->add(draw, std::move(logits));
  cache_->commit();
}

void TorchDistiller::begin_epoch(int64_t draw) {
  if (!cache_) return;
  if (cache_->find(draw).empty()) fill_cache(draw);
  cached_ = cache_->find(draw);
}

at::Tensor TorchDistiller::run_teachers(const Batch& batch) {
  const c10::NoGradGuard no_grad;
  std::vector<at::Tensor> logits;
  for (size_t i = 0; i < teachers_.size(); ++i) {
    Teacher& teacher = teachers_[i];
    const at::Tensor input = input_tensor(batch, teacher.view, teacher.graph->item_dims());
    std::vector<ir::ValueId> watch;
    if (i == 0) {
      for (const Matched& m : matches_) watch.push_back(m.teacher_value);
    }
    std::vector<at::Tensor> values;
    logits.push_back(teacher.graph->forward(input, false, watch, &values));
    if (i == 0) teacher_values_ = std::move(values);
    if (logits.back().dim() != 2 || logits.back().size(1) != classes_) {
      throw Error(teacher.graph->subject(),
                  "its output is not [batch, " + std::to_string(classes_) + "]");
    }
  }
  return logits.size() == 1 ? logits[0] : at::cat(logits, 1);
}

at::Tensor TorchDistiller::teacher_logits(const Batch& batch) {
  const size_t width = teachers_.size() * static_cast<size_t>(classes_);
  if (!cached_.empty()) {
    at::Tensor out =
        at::empty({static_cast<int64_t>(batch.items.size()), static_cast<int64_t>(width)});
    for (size_t i = 0; i < batch.items.size(); ++i) {
      const float* from = cached_.data() + static_cast<size_t>(batch.items[i]) * width;
      std::memcpy(out.data_ptr<float>() + i * width, from, width * sizeof(float));
    }
    return out;
  }
  return run_teachers(batch);
}

at::Tensor TorchDistiller::match_loss(const Matched& matched, const at::Tensor& teacher,
                                      const at::Tensor& student) const {
  at::Tensor projected = student;
  if (matched.projection != SIZE_MAX) {
    const at::Tensor& weight = weights_.tensor(matched.projection);
    const std::vector<int64_t> ones(static_cast<size_t>(weight.dim()) - 2, 1);
    const std::vector<int64_t> zeros(ones.size(), 0);
    projected = ones.empty() ? at::linear(student, weight)
                             : at::convolution(student, weight, c10::nullopt, ones, zeros, ones,
                                               false, zeros, 1);
  }
  if (matched.match.loss == MatchLoss::kMse) return at::mse_loss(projected, teacher);
  return 1 - at::cosine_similarity(projected, teacher, 1).mean();
}

at::Tensor TorchDistiller::loss(const Batch& batch, const at::Tensor& logits,
                                const at::Tensor& cross_entropy,
                                std::span<const at::Tensor> student_values) {
  const double t = options_.temperature;
  at::Tensor softened;
  for (const at::Tensor& one :
       teacher_logits(batch).chunk(static_cast<int64_t>(teachers_.size()), 1)) {
    const at::Tensor p = at::softmax(one / t, 1);
    softened = softened.defined() ? softened + p : p;
  }
  softened = softened / static_cast<double>(teachers_.size());
  const at::Tensor kl = at::kl_div(at::log_softmax(logits / t, 1), softened, at::Reduction::Sum) /
                        static_cast<double>(logits.size(0));
  at::Tensor total = kl * (options_.alpha * t * t) + cross_entropy * (1 - options_.alpha);
  for (size_t i = 0; i < matches_.size(); ++i) {
    total = total + match_loss(matches_[i], teacher_values_[i], student_values[i]) *
                        matches_[i].match.weight;
  }
  return total;
}

}  // namespace pare::train
