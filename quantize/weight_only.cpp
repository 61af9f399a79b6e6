// SPDX-License-Identifier: Apache-2.0
#include "quantize/weight_only.hpp"

#include "lib/core/error.hpp"

namespace pare::quantize {

WeightScheme layer_scheme(const Request& request, const LayerPlan& plan) {
  WeightScheme scheme = request.weights;
  scheme.bits = plan.bits;
  scheme.axis = plan.layer.output_axis;
  scheme.search = request.search_scales.value_or(plan.bits < 8);
  // --layer may give other bits than the model's scheme; they come with that width's usual
  // granularity.
  if (plan.bits != request.weight_bits) {
    scheme.granularity = plan.bits == 4 ? Granularity::kGroup : Granularity::kChannel;
  }
  if (scheme.granularity == Granularity::kGroup && scheme.axis != 0) {
    scheme.granularity = Granularity::kChannel;
  }
  return scheme;
}

void log_edge(const LayerPlan& plan, pass::Context& context) {
  if (!plan.edge) return;
  const std::string name = escaped(plan.layer.parameter);
  context.progress->log(name + ": 8 bits, as a first or last layer (--layer " + name +
                        "=bits:4 for 4)");
}

ir::Model quantize_weights(const ir::Model& model, const std::vector<LayerPlan>& plan,
                           const Request& request, pass::Context& context) {
  ir::Model result = model;
  int64_t before = 0, after = 0, done = 0;
  const auto recent = recent_groups();
  for (const LayerPlan& layer : plan) {
    const std::string& name = layer.layer.parameter;
    const ir::Tensor& source = model.parameters.at(name);
    ir::Tensor packed =
        quantized_weight(name, source, layer_scheme(request, layer), context.threads, recent);
    log_edge(layer, context);
    before += source.stored_bytes();
    after += packed.stored_bytes();
    result.parameters.set(name, std::move(packed));
    context.progress->update("quantizing weights", ++done, static_cast<int64_t>(plan.size()));
  }
  context.progress->log(std::to_string(plan.size()) + " weights quantized: " +
                        std::to_string(before) + " bytes became " + std::to_string(after));
  return result;
}

}  // namespace pare::quantize
