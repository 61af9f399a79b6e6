// SPDX-License-Identifier: Apache-2.0
// What every pass that trains does to its model before, and says after.
#include <cstdio>

#include "lib/core/error.hpp"
#include "lib/train/trainer.hpp"

namespace pare::train {

ir::Model ready_for_data(ir::Model model, const data::DatasetInfo& info) {
  if (info.is_regression()) {
    throw Error(info.source, "holds numbers to predict; training is for classifiers");
  }
  ir::Metadata& metadata = model.metadata;
  if (!metadata.preprocessing.stated) {
    metadata.preprocessing = info.preprocessing;
    metadata.preprocessing.stated = true;
  }
  if (metadata.labels.empty()) metadata.labels = info.classes;
  return model;
}

std::string summary_of(const TrainResult& result) {
  char text[128];
  if (result.validation_accuracy > 0) {
    std::snprintf(text, sizeof(text), "validation accuracy %.2f %% (epoch %lld of %lld)",
                  100 * result.validation_accuracy, static_cast<long long>(result.best_epoch),
                  static_cast<long long>(result.epochs_run));
  } else {
    std::snprintf(text, sizeof(text), "trained %lld epochs",
                  static_cast<long long>(result.epochs_run));
  }
  return text;
}

}  // namespace pare::train
