// SPDX-License-Identifier: Apache-2.0
#include "apps/pare/inputs.hpp"

#include <filesystem>

#include "apps/pare/foreign_model.hpp"
#include "apps/pare/option_groups.hpp"

namespace pare::cli {

namespace fs = std::filesystem;

std::vector<LoadedModel> load_models(const Invocation& invocation,
                                     const std::vector<std::string>& paths) {
  const formats::ReadOptions reading = read_options(invocation);
  const bool stating = states_preprocessing(invocation);
  bool stated = false;
  std::vector<LoadedModel> models;
  for (const std::string& path : paths) {
    LoadedModel loaded{.path = path, .model = formats::read(path, reading)};
    std::error_code failure;
    loaded.bytes = static_cast<int64_t>(fs::file_size(path, failure));
    if (failure) throw Error(path, "cannot be read: " + failure.message());
    if (stating && !loaded.model.metadata.preprocessing.stated) {
      state_preprocessing(invocation, path, loaded.model);
      stated = true;
    }
    models.push_back(std::move(loaded));
  }
  if (stating && !stated && !paths.empty()) {
    throw Error(paths.front(), "states its own preprocessing; pare convert changes it");
  }
  return models;
}

LoadedModel load_model(const Invocation& invocation, const std::string& path) {
  return std::move(load_models(invocation, {path}).front());
}

void check_exists(const std::string& path) {
  std::error_code failure;
  if (!fs::exists(path, failure)) throw Error(path, "does not exist");
}

void check_data_exists(const std::string& path) {
  if (!path.starts_with("synthetic:")) check_exists(path);
}

data::Splits open_data(const Invocation& invocation, const std::string& path,
                       const std::string& split, const ir::Model* model) {
  const pass::Options& options = invocation.options;
  data::OpenOptions open{
      .split = split, .threads = invocation.threads, .progress = &invocation.progress};
  if (options.given("label_column")) open.label_column = options.text("label_column");
  if (options.given("test_data")) open.test_path = options.text("test_data");
  if (options.given("task")) open.task = options.text("task");
  if (options.given("limit")) open.limit = options.integer("limit");
  if (options.given("validation_fraction")) {
    open.validation_fraction = options.number("validation_fraction");
  }
  if (model && model->metadata.source.is_object()) {
    open.columns = model->metadata.source.value("columns", Json());
  }
  return data::open(path, open);
}

std::shared_ptr<const data::Dataset> part_of(const data::Splits& splits, const std::string& part,
                                             const std::string& path) {
  const auto& found = part == "train"        ? splits.train
                      : part == "validation" ? splits.validation
                                             : splits.test;
  if (!found) throw Error(path, "has no " + part + " part");
  if (found->size() == 0) throw Error(path, "its " + part + " part has no items");
  return found;
}

void check_data_flags(const pass::Options& options, const std::string& data_flag) {
  for (const pass::Option& option : data_reading_options()) {
    if (options.given(option.name)) {
      throw UsageError(pass::flag_of(option), "has no effect without " + data_flag);
    }
  }
}

}  // namespace pare::cli
