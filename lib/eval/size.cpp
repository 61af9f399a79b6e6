// SPDX-License-Identifier: Apache-2.0
#include "lib/eval/size.hpp"

#include <algorithm>

#include "lib/core/parallel.hpp"
#include "lib/ir/element_reader.hpp"

namespace pare::eval {
namespace {

void add_bytes(const ir::Tensor& tensor, SizeBreakdown& sizes) {
  if (tensor.is_plain()) {
    sizes.codes += tensor.stored_bytes();
    return;
  }
  const auto bytes_of = [&](ir::Part part) {
    const ir::Tensor* stored = tensor.part(part);
    return stored == nullptr ? int64_t{0} : stored->stored_bytes();
  };
  sizes.codes += bytes_of(ir::Part::kCodes);
  sizes.indices += bytes_of(ir::Part::kMask);
  for (const ir::Part part :
       {ir::Part::kScales, ir::Part::kZeroPoints, ir::Part::kSuperScales, ir::Part::kCodebook}) {
    sizes.scales += bytes_of(part);
  }
}

LayerSize& layer_named(std::vector<LayerSize>& layers, const std::string& name) {
  const auto found = std::find_if(layers.begin(), layers.end(),
                                  [&](const LayerSize& layer) { return layer.name == name; });
  if (found != layers.end()) return *found;
  layers.push_back({.name = name});
  return layers.back();
}

}  // namespace

std::string layer_of(const std::string& parameter) {
  const size_t cut = parameter.find_last_of("./");
  return cut == std::string::npos || cut == 0 ? parameter : parameter.substr(0, cut);
}

bool is_weight_like(const ir::Tensor& tensor) {
  return tensor.is_quantized() || ir::info(tensor.dtype()).is_float;
}

std::string storage_text(const ir::Tensor& tensor) {
  std::string text;
  if (const ir::QuantScheme* scheme = tensor.scheme()) {
    text = ir::name_of(scheme->code);
    if (scheme->group_size > 0) {
      text += " group " + std::to_string(scheme->group_size);
    } else {
      text += scheme->axis >= 0 ? " per channel" : " per tensor";
    }
    if (scheme->codebook) text += ", codebook";
  } else {
    const ir::Tensor* values = tensor.part(ir::Part::kCodes);
    text = ir::name_of(values == nullptr ? tensor.dtype() : values->dtype());
  }
  const ir::SparseLayout layout = tensor.layout();
  switch (layout.kind) {
    case ir::SparseKind::kDense:
      break;
    case ir::SparseKind::kBitmask:
      text += ", bitmask";
      break;
    case ir::SparseKind::kNOfM:
      text += ", " + std::to_string(layout.n) + ":" + std::to_string(layout.m);
      break;
    case ir::SparseKind::kBlock:
      text += ", blocks of " + std::to_string(layout.block);
      break;
  }
  return text;
}

SizeReport measure_size(const ir::Model& model, int64_t file_bytes) {
  SizeReport report;
  report.file_bytes = file_bytes;
  SizeBreakdown sizes;
  int64_t weight_bytes = 0;
  int64_t elements = 0;
  int64_t weights = 0;
  int64_t zeros = 0;
  std::vector<int64_t> largest;  // by layer: elements of the tensor that gives `storage`
  for (const auto& [name, tensor] : model.parameters.entries()) {
    add_bytes(tensor, sizes);
    if (!is_weight_like(tensor)) continue;
    LayerSize& layer = layer_named(report.layers, layer_of(name));
    largest.resize(report.layers.size(), -1);
    int64_t& top = largest[static_cast<size_t>(&layer - report.layers.data())];
    if (tensor.count() > top) {
      top = tensor.count();
      layer.storage = storage_text(tensor);
    }
    layer.parameters += tensor.count();
    layer.bytes += tensor.stored_bytes();
    weight_bytes += tensor.stored_bytes();
    elements += tensor.count();
    if (tensor.dims().size() < 2) continue;
    const int64_t zero = ir::zero_count(tensor, available_threads());
    layer.weights += tensor.count();
    layer.zeros += zero;
    weights += tensor.count();
    zeros += zero;
  }
  report.parameters = ir::parameter_count(model);
  if (elements > 0) {
    report.bits_per_weight =
        8.0 * static_cast<double>(weight_bytes) / static_cast<double>(elements);
  }
  if (weights > 0) report.sparsity = static_cast<double>(zeros) / static_cast<double>(weights);
  sizes.container = file_bytes - sizes.tensors();
  if (sizes.container >= 0) report.breakdown = sizes;
  return report;
}

}  // namespace pare::eval
