// SPDX-License-Identifier: Apache-2.0
// What a training run's result depends on, as JSON that a checkpoint is compared by.
#include "lib/core/hash.hpp"
#include "lib/ir/serialize.hpp"
#include "lib/train/checkpoint.hpp"

namespace pare::train {

namespace {

std::string model_hash(const ir::Model& model) {
  Sha256Stream hash;
  for (const auto& graph : model.graphs) hash.update(to_text(ir::to_json(graph)));
  hash.update(to_text(ir::to_json(model.metadata)));
  for (const auto& [name, tensor] : model.parameters.entries()) {
    hash.update(name + " " + ir::to_string(std::span<const int64_t>(tensor.dims())));
    const std::vector<float> values = ir::to_f32(tensor);
    hash.update(std::as_bytes(std::span(values)));
  }
  return to_hex(hash.finish());
}

Json options_json(const TrainOptions& o) {
  Json json = Json::object();
  json["epochs"] = o.epochs;
  json["batch_size"] = o.batch_size;
  json["optimizer"] = static_cast<int>(o.optimizer);
  json["learning_rate"] = o.learning_rate;
  json["momentum"] = o.momentum;
  json["weight_decay"] = o.weight_decay;
  json["schedule"] = static_cast<int>(o.schedule);
  json["step_epochs"] = o.step_epochs;
  json["label_smoothing"] = o.label_smoothing;
  json["patience"] = o.patience;
  json["shift"] = o.augmentation.shift;
  json["crop_pad"] = o.augmentation.crop_pad;
  json["flip"] = o.augmentation.flip;
  json["draws"] = o.draws;
  json["seed"] = o.seed;
  return json;
}

Json distillation_json(const Distillation& d) {
  Json json = Json::object();
  json["teachers"] = d.teacher_hashes;
  json["temperature"] = d.temperature;
  json["alpha"] = d.alpha;
  json["matches"] = Json::array();
  for (const Match& m : d.matches) {
    json["matches"].push_back(
        {m.teacher_value, m.student_value, static_cast<int>(m.loss), m.weight});
  }
  return json;
}

}  // namespace

Json run_identity(const TrainPlan& plan) {
  Json json = Json::object();
  json["version"] = PARE_VERSION;
  json["run"] = plan.identity;
  json["options"] = options_json(plan.options);
  json["initialise"] = plan.initialise;
  json["weight_hook"] = static_cast<bool>(plan.weight_hook);
  json["model"] = model_hash(plan.initial);
  json["train_data"] = plan.train->fingerprint();
  json["validation_data"] = plan.validation ? Json(plan.validation->fingerprint()) : Json();
  json["distillation"] = plan.distillation ? distillation_json(*plan.distillation) : Json();
  return json;
}

}  // namespace pare::train
