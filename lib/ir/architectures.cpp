// SPDX-License-Identifier: Apache-2.0
// Sources of the architectures: LeNet-300-100 and LeNet-5, LeCun et al. 1998; lenet5-caffe, the
// LeNet-5 of the pruning literature (Han et al. 2015), from Caffe's MNIST example; resnet8 and
// resnet20, He et al. 2016, section 4.2, with the 1x1 projections of MLPerf Tiny's resnet8;
// resnet20-cifar and resnet56-cifar with the shortcuts of that section (option A), parameters named
// as in the usual PyTorch code for it; dscnn, Zhang et al. 2017 ("Hello Edge") as in MLPerf Tiny.
#include "lib/ir/architectures.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <map>

#include "lib/core/error.hpp"
#include "lib/ir/graph_builder.hpp"

namespace pare::ir {

namespace {

constexpr const char* kFlag = "--arch";
constexpr int64_t kLargestWidth = 65536;

struct Spec {
  std::string name;
  std::string arguments;                      // after the colon
  std::map<std::string, int64_t> parameters;  // width, depth
  int64_t width() const { return parameters.at("width"); }
};

int64_t parse_size(std::string_view text, std::string_view what) {
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value < 1 ||
      value > kLargestWidth) {
    throw UsageError(kFlag, std::string(what) + " should be a number from 1 to 65536, got \"" +
                                std::string(text) + "\"");
  }
  return value;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  for (;;) {
    const size_t at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// name=value pairs over the row's defaults.
std::map<std::string, int64_t> parse_parameters(std::string_view name, std::string_view defaults,
                                                std::string_view given) {
  std::map<std::string, int64_t> out;
  const auto read = [&](std::string_view text, bool is_default) {
    if (text.empty()) return;
    for (const std::string_view pair : split(text, ',')) {
      const size_t equals = pair.find('=');
      const std::string key(pair.substr(0, equals));
      if (!is_default && !out.contains(key)) {
        throw UsageError(kFlag, std::string(name) + " has no parameter \"" + key + "\"" +
                                    (defaults.empty() ? "" : "; known: " + std::string(defaults)));
      }
      out[key] = parse_size(equals == std::string_view::npos ? "" : pair.substr(equals + 1), key);
    }
  };
  read(defaults, true);
  read(given, false);
  return out;
}

void need_image(const GraphBuilder& b, const Spec& spec, int64_t smallest) {
  const Dims& item = b.item();
  if (item.size() != 3 || item[1] < smallest || item[2] < smallest) {
    throw Error(kFlag, spec.name + " takes images of at least " + std::to_string(smallest) + " x " +
                           std::to_string(smallest) + ", the data has items of " + to_string(item));
  }
}

// Gemm + Relu for every size but the last, which is the logits.
ValueId dense_stack(GraphBuilder& b, ValueId x, std::span<const int64_t> sizes) {
  for (size_t i = 0; i < sizes.size(); ++i) {
    const bool last = i + 1 == sizes.size();
    x = b.gemm(x, sizes[i], last ? "logits" : "fc" + std::to_string(i + 1));
    if (!last) x = b.relu(x);
  }
  return x;
}

ValueId build_mlp(GraphBuilder& b, const Spec& spec, int64_t classes) {
  std::vector<int64_t> sizes;
  for (const std::string_view part : split(spec.arguments, '-'))
    sizes.push_back(parse_size(part, "layer width"));
  if (sizes.size() < 2)
    throw UsageError(
        kFlag,
        "mlp needs input and output widths, as in mlp:784-300-100-10; 'pare data PATH' "
        "shows those of a data set");
  const int64_t features = element_count(b.item());
  if (sizes.front() != features || sizes.back() != classes) {
    throw Error(kFlag, "mlp:" + spec.arguments + " does not fit data of " +
                           std::to_string(features) + " features and " + std::to_string(classes) +
                           " classes");
  }
  return dense_stack(b, b.flatten(b.input()), std::span(sizes).subspan(1));
}

ValueId build_lenet300(GraphBuilder& b, const Spec&, int64_t classes) {
  const int64_t sizes[] = {300, 100, classes};
  return dense_stack(b, b.flatten(b.input()), sizes);
}

struct LeNetSizes {
  int64_t conv1, conv2, pad;
  std::vector<int64_t> dense;
};

ValueId build_lenet(GraphBuilder& b, LeNetSizes sizes, int64_t classes) {
  ValueId x = b.conv(
      b.input(), {.channels = sizes.conv1, .kernel = 5, .pad = sizes.pad, .bias = true}, "conv1");
  x = b.max_pool(b.relu(x));
  x = b.conv(x, {.channels = sizes.conv2, .kernel = 5, .bias = true}, "conv2");
  x = b.flatten(b.max_pool(b.relu(x)));
  sizes.dense.push_back(classes);
  return dense_stack(b, x, sizes.dense);
}

ValueId build_lenet5(GraphBuilder& b, const Spec& spec, int64_t classes) {
  need_image(b, spec, 14);
  return build_lenet(b, {6, 16, 2, {120, 84}}, classes);
}

ValueId build_lenet5_caffe(GraphBuilder& b, const Spec& spec, int64_t classes) {
  need_image(b, spec, 16);
  return build_lenet(b, {20, 50, 0, {500}}, classes);
}

ValueId build_cnn_small(GraphBuilder& b, const Spec& spec, int64_t classes) {
  need_image(b, spec, 8);
  ValueId x = b.input();
  for (int64_t i = 0; i < 3; ++i) {
    x = b.conv_bn_relu(x, {.channels = spec.width() << i, .kernel = 3, .pad = 1},
                       "conv" + std::to_string(i + 1));
    if (i < 2) x = b.max_pool(x);
  }
  return b.gemm(b.flatten(b.global_average_pool(x)), classes, "logits");
}

ValueId residual_block(GraphBuilder& b, ValueId x, int64_t channels, int64_t stride,
                       const std::string& name) {
  ValueId y = b.conv_bn_relu(x, {.channels = channels, .kernel = 3, .stride = stride, .pad = 1},
                             name + ".conv1");
  y = b.batch_norm(b.conv(y, {.channels = channels, .kernel = 3, .pad = 1}, name + ".conv2"),
                   name + ".conv2.bn");
  const bool same = stride == 1 && b.channels(x) == channels;
  const ValueId shortcut =
      same ? x
           : b.conv(x, {.channels = channels, .kernel = 1, .stride = stride}, name + ".projection");
  return b.relu(b.add(y, shortcut, name + ".add"));
}

ValueId build_resnet(GraphBuilder& b, const Spec& spec, int64_t classes) {
  need_image(b, spec, 8);
  const auto it = spec.parameters.find("depth");
  const int64_t depth = it == spec.parameters.end() ? 1 : it->second;
  ValueId x = b.conv_bn_relu(b.input(), {.channels = spec.width(), .kernel = 3, .pad = 1}, "stem");
  for (int64_t stage = 0; stage < 3; ++stage) {
    for (int64_t block = 0; block < depth; ++block) {
      const std::string name = "stage" + std::to_string(stage + 1) +
                               (depth > 1 ? ".block" + std::to_string(block + 1) : "");
      x = residual_block(b, x, spec.width() << stage, stage > 0 && block == 0 ? 2 : 1, name);
    }
  }
  return b.gemm(b.flatten(b.global_average_pool(x)), classes, "logits");
}

// conv1, bn1, then layerS.B.{conv1,bn1,conv2,bn2} of three stages with 16, 32 and 64 channels.
ValueId build_cifar_resnet(GraphBuilder& b, const Spec& spec, int64_t classes, int64_t depth) {
  need_image(b, spec, 8);
  const auto conv_bn = [&](ValueId x, int64_t channels, int64_t stride, const std::string& block,
                           const std::string& which) {
    x = b.conv(x, {.channels = channels, .kernel = 3, .stride = stride, .pad = 1},
               block + "conv" + which);
    return b.batch_norm(x, block + "bn" + which);
  };
  ValueId x = b.relu(conv_bn(b.input(), 16, 1, "", "1"));
  for (int64_t stage = 0; stage < 3; ++stage) {
    const int64_t channels = int64_t{16} << stage;
    for (int64_t block = 0; block < depth; ++block) {
      const std::string name = "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
      const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
      const ValueId inner = b.relu(conv_bn(x, channels, stride, name + ".", "1"));
      const ValueId shortcut =
          stride == 1 ? x : b.subsample(x, channels, stride, name + ".shortcut");
      x = b.relu(b.add(conv_bn(inner, channels, 1, name + ".", "2"), shortcut, name + ".add"));
    }
  }
  return b.gemm(b.flatten(b.global_average_pool(x)), classes, "linear");
}

ValueId build_resnet20_cifar(GraphBuilder& b, const Spec& spec, int64_t classes) {
  return build_cifar_resnet(b, spec, classes, 3);
}

ValueId build_resnet56_cifar(GraphBuilder& b, const Spec& spec, int64_t classes) {
  return build_cifar_resnet(b, spec, classes, 9);
}

ValueId build_dscnn(GraphBuilder& b, const Spec& spec, int64_t classes) {
  need_image(b, spec, 8);
  const int64_t width = spec.width();
  ValueId x =
      b.conv_bn_relu(b.input(), {.channels = width, .kernel = 3, .stride = 2, .pad = 1}, "stem");
  for (int i = 1; i <= 4; ++i) {
    const std::string block = "block" + std::to_string(i);
    x = b.conv_bn_relu(x, {.channels = width, .kernel = 3, .pad = 1, .group = width},
                       block + ".depthwise");
    x = b.conv_bn_relu(x, {.channels = width, .kernel = 1}, block + ".pointwise");
  }
  return b.gemm(b.flatten(b.global_average_pool(x)), classes, "logits");
}

struct Builder {
  ArchitectureRow row;
  ValueId (*build)(GraphBuilder&, const Spec&, int64_t classes);
  Naming naming = Naming::kOnnx;
};

constexpr std::array kBuilders = std::to_array<Builder>({
    {{"mlp", "dense layers of the given widths, input and classes included: mlp:784-300-100-10",
      ""},
     build_mlp},
    {{"lenet300", "LeNet-300-100: two hidden dense layers", ""}, build_lenet300},
    {{"lenet5", "LeNet-5 of 1998: two convolutions of 6 and 16 channels, three dense layers", ""},
     build_lenet5},
    {{"lenet5-caffe", "the LeNet-5 of pruning papers: convolutions of 20 and 50, dense 500", ""},
     build_lenet5_caffe},
    {{"cnn-small", "three 3x3 convolutions with batch norm, widths doubling", "width=32"},
     build_cnn_small},
    {{"resnet8", "residual network of three blocks (MLPerf Tiny)", "width=16"}, build_resnet},
    {{"resnet20", "residual network, three stages of `depth` blocks", "width=16,depth=3"},
     build_resnet},
    {{"resnet20-cifar", "ResNet-20 with option-A shortcuts, named as PyTorch checkpoints of it",
      ""},
     build_resnet20_cifar,
     Naming::kTorch},
    {{"resnet56-cifar", "likewise with 56 layers", ""}, build_resnet56_cifar, Naming::kTorch},
    {{"dscnn", "depthwise separable convolutions, four blocks (MLPerf Tiny)", "width=64"},
     build_dscnn},
});

constexpr auto rows_of_builders() {
  std::array<ArchitectureRow, kBuilders.size()> rows{};
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = kBuilders[i].row;
  return rows;
}
constexpr auto kRows = rows_of_builders();

const Builder& builder_of(const std::string& name) {
  const auto it =
      std::ranges::find_if(kBuilders, [&](const Builder& b) { return b.row.name == name; });
  if (it != kBuilders.end()) return *it;
  std::string known;
  for (const ArchitectureRow& row : kRows)
    known += (known.empty() ? "" : ", ") + std::string(row.name);
  throw UsageError(kFlag, "unknown architecture \"" + name + "\"; known: " + known);
}

void check_size(const Spec& spec) {
  for (const auto& [key, value] : spec.parameters) {
    const int64_t most = key == "depth" ? 64 : 1024;
    if (value > most)
      throw UsageError(
          kFlag, key + " is at most " + std::to_string(most) + ", got " + std::to_string(value));
  }
}

}  // namespace

std::span<const ArchitectureRow> all_architectures() { return kRows; }

Model build_architecture(std::string_view text, const Dims& item, int64_t classes) {
  const size_t colon = text.find(':');
  Spec spec{
      .name = std::string(text.substr(0, colon)),
      .arguments = colon == std::string_view::npos ? "" : std::string(text.substr(colon + 1))};
  const Builder& builder = builder_of(spec.name);
  if (spec.name != "mlp") {
    spec.parameters = parse_parameters(spec.name, builder.row.parameters, spec.arguments);
    check_size(spec);
  }
  if (classes < 1) throw Error(kFlag, "the data has no classes");
  GraphBuilder b(item, builder.naming);
  const ValueId logits = builder.build(b, spec, classes);
  return b.finish(logits, Json{{"arch", text}});
}

}  // namespace pare::ir
