// SPDX-License-Identifier: Apache-2.0
#include "formats/keras/feature.hpp"

#include <algorithm>
#include <numeric>

namespace pare::formats::keras {

Order keras_order(size_t rank) {
  Order out(rank + 1);
  std::iota(out.begin(), out.end(), 0);
  return out;
}

Order channels_first_order(size_t rank, bool channels_last) {
  Order out = keras_order(rank);
  if (channels_last) std::rotate(out.begin() + 1, out.end() - 1, out.end());
  return out;
}

ir::Dims keras_shape(const Feature& x) {
  if (x.flatten.empty()) return x.shape;
  return {ir::element_count(x.shape, x.flatten)};
}

ir::Dims graph_shape(const Feature& x) {
  ir::Dims out;
  for (size_t i = 1; i < x.order.size(); ++i) {
    out.push_back(x.shape[static_cast<size_t>(x.order[i]) - 1]);
  }
  return out;
}

bool reads_as_keras(const Feature& x) {
  int last = 0;
  for (const int axis : x.order) {
    if (axis == 0 || x.shape[static_cast<size_t>(axis) - 1] == 1) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

std::vector<int64_t> keras_places(const Feature& x) {
  std::vector<int64_t> strides(x.shape.size(), 1);  // of Keras's axes
  for (size_t i = x.shape.size(); i-- > 1;) strides[i - 1] = strides[i] * x.shape[i];
  std::vector<int64_t> places{0};
  for (size_t i = 1; i < x.order.size(); ++i) {
    const auto axis = static_cast<size_t>(x.order[i]) - 1;
    std::vector<int64_t> finer;
    finer.reserve(places.size() * static_cast<size_t>(x.shape[axis]));
    for (const int64_t place : places) {
      for (int64_t k = 0; k < x.shape[axis]; ++k) finer.push_back(place + k * strides[axis]);
    }
    places = std::move(finer);
  }
  return places;
}

Feature relabelled(Feature x, const Order& axes) {
  const ir::Dims old = x.shape;
  for (size_t j = 1; j < axes.size(); ++j) {
    x.shape[j - 1] = old[static_cast<size_t>(axes[j]) - 1];
  }
  for (int& axis : x.order) {
    axis = static_cast<int>(std::find(axes.begin(), axes.end(), axis) - axes.begin());
  }
  return x;
}

}  // namespace pare::formats::keras
