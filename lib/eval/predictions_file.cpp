// SPDX-License-Identifier: Apache-2.0
// Predictions as NPZ and CSV files. CSV follows RFC 4180.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "lib/core/error.hpp"
#include "lib/core/mapped_file.hpp"
#include "lib/core/output_file.hpp"
#include "lib/eval/predictions.hpp"
#include "lib/numpy/npz.hpp"

namespace pare::eval {
namespace {

constexpr std::string_view kLogitPrefix = "logit_";

std::string extension_of(const std::string& path) {
  const size_t dot = path.find_last_of("./");
  if (dot == std::string::npos || path[dot] != '.') return {};
  std::string extension = path.substr(dot);
  std::transform(extension.begin(), extension.end(), extension.begin(), [](unsigned char c) {
    return static_cast<char>(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
  });
  return extension;
}

std::string quoted(const std::string& field) {
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string out = "\"";
  for (const char c : field) out += c == '"' ? "\"\"" : std::string(1, c);
  return out + '"';
}

// The shortest text that reads back as the same float.
void append_float(std::string& out, float value) {
  char text[32];
  const auto [end, error] = std::to_chars(text, text + sizeof text, value);
  require(error == std::errc(), "a float fits in 32 characters");
  out.append(text, end);
}

std::string to_csv(const Predictions& predictions) {
  std::string text = "item";
  if (!predictions.labels.empty()) text += ",label";
  text += ",prediction";
  if (!predictions.logits.empty()) {
    for (int64_t c = 0; c < predictions.class_count; ++c) {
      const auto at = static_cast<size_t>(c);
      const bool named = at < predictions.classes.size();
      text += ',' + quoted(std::string(kLogitPrefix) +
                           (named ? predictions.classes[at] : std::to_string(c)));
    }
  }
  text += '\n';
  for (int64_t i = 0; i < predictions.items; ++i) {
    text += std::to_string(i);
    const auto at = static_cast<size_t>(i);
    if (!predictions.labels.empty()) text += ',' + std::to_string(predictions.labels[at]);
    text += ',' + std::to_string(predictions.predicted[at]);
    if (!predictions.logits.empty()) {
      for (const float logit : predictions.logits_of(i)) {
        text += ',';
        append_float(text, logit);
      }
    }
    text += '\n';
  }
  return text;
}

// Views `predictions`.
std::vector<numpy::NamedArray> to_arrays(const Predictions& predictions) {
  std::vector<numpy::NamedArray> arrays;
  arrays.emplace_back("predictions", numpy::view_of({predictions.items}, predictions.predicted));
  if (!predictions.logits.empty()) {
    arrays.emplace_back(
        "logits", numpy::view_of({predictions.items, predictions.class_count}, predictions.logits));
  }
  if (!predictions.labels.empty()) {
    arrays.emplace_back("labels", numpy::view_of({predictions.items}, predictions.labels));
  }
  if (!predictions.classes.empty()) {
    arrays.emplace_back("classes", numpy::array_of_texts(predictions.classes));
  }
  if (!predictions.fingerprint.empty()) {
    arrays.emplace_back("data_fingerprint", numpy::array_of_text(predictions.fingerprint));
  }
  return arrays;
}

Predictions from_npz(const std::string& path) {
  const numpy::NpzReader reader(path);
  std::map<std::string, numpy::Array> arrays;
  for (const std::string& name : reader.names()) arrays.emplace(name, reader.load(name));
  Predictions predictions;
  const auto predicted = arrays.find("predictions");
  const auto logits = arrays.find("logits");
  if (predicted == arrays.end() && logits == arrays.end()) {
    throw Error(path, "holds neither an array \"predictions\" nor an array \"logits\"");
  }
  if (logits != arrays.end()) {
    const ir::Dims& dims = logits->second.dims;
    if (dims.size() != 2 || dims[1] < 1) {
      throw Error(path, "logits have shape " + ir::to_string(dims) + ", expected [items, classes]");
    }
    predictions.items = dims[0];
    predictions.class_count = dims[1];
    predictions.logits = numpy::to_f32(logits->second, path + ": logits");
  }
  const auto read_items = [&](const char* name, std::vector<int64_t>& out) {
    const auto found = arrays.find(name);
    if (found == arrays.end()) return;
    const ir::Dims& dims = found->second.dims;
    if (dims.size() != 1 || (logits != arrays.end() && dims[0] != predictions.items)) {
      throw Error(path, std::string(name) + " have shape " + ir::to_string(dims) +
                            ", expected one value an item");
    }
    predictions.items = dims[0];
    out = numpy::to_i64(found->second, path + ": " + name);
  };
  read_items("predictions", predictions.predicted);
  read_items("labels", predictions.labels);
  if (predicted == arrays.end()) {
    for (int64_t i = 0; i < predictions.items; ++i) {
      predictions.predicted.push_back(argmax(predictions.logits_of(i)));
    }
  }
  if (!predictions.labels.empty() && predictions.labels.size() != predictions.predicted.size()) {
    throw Error(path, "labels and predictions differ in length");
  }
  if (const auto classes = arrays.find("classes"); classes != arrays.end()) {
    predictions.classes = numpy::to_texts(classes->second, path + ": classes");
  }
  if (const auto print = arrays.find("data_fingerprint"); print != arrays.end()) {
    const auto texts = numpy::to_texts(print->second, path + ": data_fingerprint");
    if (texts.size() == 1) predictions.fingerprint = texts.front();
  }
  return predictions;
}

// Splits CSV text into records, one after the other.
class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& path) : text_(text), path_(path) {}
  bool done() const { return at_ >= text_.size(); }
  int64_t line() const { return line_; }

  std::vector<std::string> next() {
    std::vector<std::string> fields(1);
    bool in_quotes = false;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (in_quotes) {
        if (c == '"' && at_ + 1 < text_.size() && text_[at_ + 1] == '"') {
          fields.back() += text_[++at_];
        } else if (c == '"') {
          in_quotes = false;
        } else {
          fields.back() += c;
        }
      } else if (c == '"' && fields.back().empty()) {
        in_quotes = true;
      } else if (c == ',') {
        fields.emplace_back();
      } else if (c == '\n') {
        ++at_;
        break;
      } else if (c != '\r') {
        fields.back() += c;
      }
    }
    ++line_;
    if (in_quotes) throw Error(path_, "record " + std::to_string(line_) + ": quote never closed");
    return fields;
  }

 private:
  std::string_view text_;
  const std::string& path_;
  size_t at_ = 0;
  int64_t line_ = 0;
};

struct CsvColumns {
  size_t count = 0;
  size_t prediction = 0;
  size_t label = SIZE_MAX;  // absent
  std::vector<size_t> logits;
};

CsvColumns parse_header(const std::vector<std::string>& header, const std::string& path,
                        Predictions& predictions) {
  CsvColumns columns{.count = header.size(), .prediction = SIZE_MAX};
  for (size_t i = 0; i < header.size(); ++i) {
    if (header[i] == "prediction") columns.prediction = i;
    if (header[i] == "label") columns.label = i;
    if (header[i].starts_with(kLogitPrefix)) {
      columns.logits.push_back(i);
      predictions.classes.push_back(header[i].substr(kLogitPrefix.size()));
    }
  }
  if (columns.prediction == SIZE_MAX) throw Error(path, "CSV header lacks a column \"prediction\"");
  predictions.class_count = static_cast<int64_t>(columns.logits.size());
  return columns;
}

template <class T>
T parse_field(const std::string& field, const std::string& path, int64_t record) {
  T value{};
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (error != std::errc() || end != field.data() + field.size()) {
    throw Error(path, "record " + std::to_string(record) + ": \"" + field + "\" is not a number");
  }
  return value;
}

Predictions from_csv(const std::string& path) {
  const auto file = MappedFile::open(path);
  const auto bytes = file->bytes();
  CsvReader reader({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, path);
  Predictions predictions;
  const CsvColumns columns = parse_header(reader.next(), path, predictions);
  while (!reader.done()) {
    const std::vector<std::string> fields = reader.next();
    if (fields.size() == 1 && fields.front().empty()) continue;  // blank line
    if (fields.size() != columns.count) {
      throw Error(path, "record " + std::to_string(reader.line()) + " has " +
                            std::to_string(fields.size()) + " fields, the header " +
                            std::to_string(columns.count));
    }
    predictions.predicted.push_back(
        parse_field<int64_t>(fields[columns.prediction], path, reader.line()));
    if (columns.label != SIZE_MAX) {
      predictions.labels.push_back(
          parse_field<int64_t>(fields[columns.label], path, reader.line()));
    }
    for (const size_t column : columns.logits) {
      predictions.logits.push_back(parse_field<float>(fields[column], path, reader.line()));
    }
  }
  predictions.items = static_cast<int64_t>(predictions.predicted.size());
  return predictions;
}

}  // namespace

bool is_predictions_path(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == ".npz" || extension == ".csv";
}

void write_predictions(const Predictions& predictions, const std::string& path) {
  const std::string extension = extension_of(path);
  if (extension == ".csv") {
    write_text_file(path, to_csv(predictions));
  } else if (extension == ".npz") {
    numpy::write_npz(to_arrays(predictions), path);
  } else {
    throw UsageError(path, "predictions are written as .npz or .csv");
  }
}

Predictions read_predictions(const std::string& path) {
  return extension_of(path) == ".csv" ? from_csv(path) : from_npz(path);
}

}  // namespace pare::eval
