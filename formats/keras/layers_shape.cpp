// SPDX-License-Identifier: Apache-2.0
// Layers that move elements or join tensors. Moves follow Keras's order of axes; where the graph's
// differs, axes are relabelled if that is enough and transposed if it is not.
#include <algorithm>
#include <array>

#include "formats/keras/layers.hpp"
#include "lib/core/checked.hpp"

namespace pare::formats::keras {

namespace {

struct Merge {
  std::string_view class_name;
  std::string_view op;
  bool at_once;  // takes any number of inputs
};

constexpr std::array kMerges = std::to_array<Merge>({
    {"Add", "Add", false},
    {"Subtract", "Sub", false},
    {"Multiply", "Mul", false},
    {"Average", "Mean", true},
    {"Maximum", "Max", true},
    {"Minimum", "Min", true},
});

// Inputs whose values can meet element by element: all in the order of the first.
std::vector<Feature> aligned(const LayerCall& call) {
  std::vector<Feature> out = call.inputs;
  const auto is_flat = [](const Feature& x) { return !x.flatten.empty(); };
  if (std::ranges::any_of(out, is_flat)) {
    for (Feature& x : out) x = call.graph.plain(x);
  }
  for (Feature& x : out) {
    if (x.shape.size() != out.front().shape.size()) {
      call.config.refuse("joins " + ir::to_string(out.front().shape) + " and " +
                         ir::to_string(x.shape));
    }
    x = call.graph.ordered(x, out.front().order);
  }
  return out;
}

ir::Dims broadcast(const LayerCall& call, const ir::Dims& a, const ir::Dims& b) {
  ir::Dims out = a;
  for (size_t i = 0; i < out.size(); ++i) {
    if (a[i] != b[i] && a[i] != 1 && b[i] != 1) {
      call.config.refuse("joins " + ir::to_string(a) + " and " + ir::to_string(b));
    }
    out[i] = std::max(a[i], b[i]);
  }
  return out;
}

// target_shape with its -1 resolved.
ir::Dims target_of(const LayerCall& call, int64_t elements) {
  ir::Dims target = call.config.integers("target_shape", {});
  int64_t known = 1;
  auto open = target.end();
  for (auto size = target.begin(); size != target.end(); ++size) {
    if (*size == -1 && open == target.end()) {
      open = size;
    } else if (*size < 1) {
      call.config.refuse("target_shape is " + ir::to_string(target));
    } else {
      known = checked_mul(known, *size, call.name);
    }
  }
  if (open != target.end()) *open = elements / known;
  if (open == target.end() ? known != elements : elements % known != 0) {
    call.config.refuse("target_shape " + ir::to_string(target) + " does not hold " +
                       std::to_string(elements) + " elements");
  }
  return target;
}

}  // namespace

Feature lower_flatten(const LayerCall& call) {
  Feature x = call.x().flatten.empty() ? call.x() : call.graph.plain(call.x());
  // Keras flattens in the order of channels_last, whatever the layout.
  if (!call.config.channels_last() && x.shape.size() > 1) {
    Order axes = keras_order(x.shape.size());
    std::rotate(axes.begin() + 1, axes.begin() + 2, axes.end());
    x = relabelled(x, axes);
  }
  if (x.shape.size() == 1) return x;
  if (reads_as_keras(x)) {
    return {.id = call.graph.flattened(x, call.name),
            .shape = {ir::element_count(x.shape, call.name)},
            .order = keras_order(1)};
  }
  x.flatten = call.name;
  return x;
}

Feature lower_reshape(const LayerCall& call) {
  const int64_t elements = ir::element_count(keras_shape(call.x()), call.name);
  Feature out{.shape = target_of(call, elements)};
  // With at most one axis of more than one element, any order of axes is the same; channels first
  // is what comes next.
  const auto wide = std::ranges::count_if(out.shape, [](int64_t size) { return size > 1; });
  out.order = out.shape.size() == 3 && wide <= 1 ? channels_first_order(3, true)
                                                 : keras_order(out.shape.size());
  const bool as_it_lies = call.x().flatten.empty() && reads_as_keras(call.x());
  const Feature x = as_it_lies ? call.x() : call.graph.plain(call.x());
  out.id = call.graph.reshape(x.id, graph_shape(out), call.name);
  return out;
}

Feature lower_permute(const LayerCall& call) {
  const Feature x = call.x().flatten.empty() ? call.x() : call.graph.plain(call.x());
  const ir::Dims dims = call.config.integers("dims", {});
  ir::Dims sorted = dims;
  std::ranges::sort(sorted);
  Order axes{0};
  for (size_t i = 0; i < dims.size(); ++i) {
    if (sorted[i] != static_cast<int64_t>(i) + 1) {
      call.config.refuse("dims is " + ir::to_string(dims));
    }
    axes.push_back(static_cast<int>(dims[i]));
  }
  if (axes.size() != x.order.size()) call.config.refuse("dims is " + ir::to_string(dims));
  return relabelled(x, axes);
}

// Add and Multiply of several in steps of two, which run in integers; the rest at once.
Feature lower_merge(const LayerCall& call) {
  const std::string& kind = call.config.class_name();
  const auto row = std::ranges::find(kMerges, kind, &Merge::class_name);
  const std::string op(row->op);
  const std::vector<Feature> inputs = aligned(call);
  Feature out = inputs.front();
  std::vector<ir::ValueId> ids{out.id};
  for (size_t i = 1; i < inputs.size(); ++i) {
    out.shape = broadcast(call, out.shape, inputs[i].shape);
    ids.push_back(inputs[i].id);
    const bool last = i + 1 == inputs.size();
    if (row->at_once && !last) continue;
    const std::string name = last ? call.name : call.name + "." + std::to_string(i);
    out.id = call.graph.put(op, ids, {}, name);
    ids = {out.id};
  }
  return out;
}

Feature lower_concatenate(const LayerCall& call) {
  const std::vector<Feature> inputs = aligned(call);
  Feature out = inputs.front();
  const auto rank = static_cast<int64_t>(out.order.size());
  const int64_t stated = call.config.integer("axis", -1);
  const int64_t axis = stated < 0 ? stated + rank : stated;
  if (axis < 1 || axis >= rank) call.config.refuse("axis is " + std::to_string(stated));
  const auto at = static_cast<size_t>(axis) - 1;
  std::vector<ir::ValueId> ids{out.id};
  for (size_t i = 1; i < inputs.size(); ++i) {
    ir::Dims rest = inputs[i].shape;
    rest[at] = out.shape[at];
    if (rest != out.shape) {
      call.config.refuse("joins " + ir::to_string(out.shape) + " and " +
                         ir::to_string(inputs[i].shape));
    }
    out.shape[at] = checked_add(out.shape[at], inputs[i].shape[at], call.name);
    ids.push_back(inputs[i].id);
  }
  const auto place = std::ranges::find(out.order, static_cast<int>(axis)) - out.order.begin();
  out.id = call.graph.put("Concat", ids, {{"axis", int64_t{place}}}, call.name);
  return out;
}

}  // namespace pare::formats::keras
