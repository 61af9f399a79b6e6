// SPDX-License-Identifier: Apache-2.0
// Operators that read or write by index, whatever the dtype. An index from outside may be anything:
// one that is out of range reads as zero and writes nothing.
#include <algorithm>
#include <cstring>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/strided_copy.hpp"
#include "lib/runtime/kernels/reference/typed.hpp"

namespace pare::runtime::reference {

namespace {

void copy_element(std::byte* to, const std::byte* from, int64_t size) {
  if (from == nullptr) {
    std::memset(to, 0, static_cast<size_t>(size));
  } else {
    std::memcpy(to, from, static_cast<size_t>(size));
  }
}

// What a scatter does with the element that is there and the update.
template <class T>
T merged(const std::string& reduction, T old, T update) {
  if (reduction == "min") return std::min(old, update);
  if (reduction == "max") return std::max(old, update);
  if constexpr (std::is_floating_point_v<T>) {
    if (reduction == "add") return old + update;
    if (reduction == "mul") return old * update;
  } else {
    if (reduction == "add") {
      return wrapped<T>(static_cast<uint64_t>(old) + static_cast<uint64_t>(update));
    }
    if (reduction == "mul") {
      return wrapped<T>(static_cast<uint64_t>(old) * static_cast<uint64_t>(update));
    }
  }
  return update;
}

// Offset of the slice that the index tuple at `first` names, in elements; -1 when out of range.
int64_t tuple_offset(const IndexSource& indices, const RunArgs& args, int64_t first,
                     const ir::Dims& dims, const std::vector<int64_t>& strides, int64_t depth) {
  int64_t offset = 0;
  for (int64_t d = 0; d < depth; ++d) {
    const auto axis = static_cast<size_t>(d);
    const int64_t at = indices.at(args, first + d, dims[axis]);
    if (at < 0) return -1;
    offset += at * strides[axis];
  }
  return offset;
}

}  // namespace

// out[i][j] = data[index[i][j]][j] along axis 0, likewise along others.
Kernel make_gather_elements(const StepSpec& step) {
  const ir::Dims& in_dims = step.input(0).dims;
  const ir::Dims dims = step.output().dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  const std::vector<int64_t> strides = row_major_strides(in_dims);
  // Walking the indices, the axis itself contributes through what they hold.
  std::vector<int64_t> others = strides;
  others[axis] = 0;
  const int64_t size = element_bytes(step.output());
  const ByteSource source(step, 0);
  const IndexSource indices(step, 1);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=, length = in_dims[axis],
                index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
    walk(dims, others, index, [&](int64_t i, int64_t offset) {
      const int64_t at = indices.at(args, i, length);
      // Sizes of other axes may exceed the data's in a damaged model; the shape rule cannot know.
      bool inside = at >= 0;
      for (size_t d = 0; d < dims.size(); ++d) inside &= d == axis || index[d] < in_dims[d];
      const std::byte* from =
          inside ? source.get(args) + (offset + at * strides[axis]) * size : nullptr;
      copy_element(args.out<std::byte>() + i * size, from, size);
    });
  };
  return kernel;
}

Kernel make_gather_nd(const StepSpec& step) {
  const ir::Dims& in = step.input(0).dims;
  const ir::Dims& index_dims = step.input(1).dims;
  const auto batch = static_cast<size_t>(ir::attr_int(step.node, "batch_dims", 0));
  const int64_t depth = index_dims.back();
  const ir::Dims dims(in.begin() + static_cast<std::ptrdiff_t>(batch), in.end());
  const std::vector<int64_t> strides = row_major_strides(dims);
  int64_t batches = 1, tuples = 1;
  for (size_t d = 0; d + 1 < index_dims.size(); ++d) {
    (d < batch ? batches : tuples) *= index_dims[d];
  }
  const int64_t item = ir::element_count(dims);
  const int64_t slice = ir::element_count(std::span(dims).subspan(static_cast<size_t>(depth))) *
                        element_bytes(step.output());
  const int64_t size = element_bytes(step.output());
  const ByteSource source(step, 0);
  const IndexSource indices(step, 1);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    std::byte* out = args.out<std::byte>();
    for (int64_t i = 0; i < batches * tuples; ++i, out += slice) {
      const int64_t offset = tuple_offset(indices, args, i * depth, dims, strides, depth);
      const std::byte* from = source.get(args) + (i / tuples * item + offset) * size;
      copy_element(out, offset < 0 ? nullptr : from, slice);
    }
  };
  return kernel;
}

Kernel make_scatter_elements(const StepSpec& step) {
  const ir::Dims& in_dims = step.input(0).dims;
  const ir::Dims dims = step.input(1).dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  const std::vector<int64_t> strides = row_major_strides(in_dims);
  std::vector<int64_t> others = strides;
  others[axis] = 0;
  const std::string reduction = ir::attr_string(step.node, "reduction", "none");
  const IndexSource indices(step, 1);
  const int64_t count = step.output().count();
  return for_type(step, step.output().dtype, Numbers(), [&]<class T>() {
    const Source<T> data(step, 0);
    const Source<T> updates(step, 2);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=, index = std::vector<int64_t>(dims.size())](const RunArgs& args) mutable {
      T* out = args.out<T>();
      std::copy_n(data.get(args), count, out);
      walk(dims, others, index, [&](int64_t i, int64_t offset) {
        const int64_t at = indices.at(args, i, in_dims[axis]);
        bool inside = at >= 0;
        for (size_t d = 0; d < dims.size(); ++d) inside &= d == axis || index[d] < in_dims[d];
        if (!inside) return;
        T& target = out[offset + at * strides[axis]];
        target = merged(reduction, target, updates.get(args)[i]);
      });
    };
    return kernel;
  });
}

Kernel make_scatter_nd(const StepSpec& step) {
  const ir::Dims dims = step.input(0).dims;
  const ir::Dims& index_dims = step.input(1).dims;
  const int64_t depth = index_dims.back();
  const std::vector<int64_t> strides = row_major_strides(dims);
  const int64_t tuples = depth == 0 ? 1 : step.input(1).count() / depth;
  const int64_t slice = ir::element_count(std::span(dims).subspan(static_cast<size_t>(depth)));
  const std::string reduction = ir::attr_string(step.node, "reduction", "none");
  const IndexSource indices(step, 1);
  const int64_t count = step.output().count();
  return for_type(step, step.output().dtype, Numbers(), [&]<class T>() {
    const Source<T> data(step, 0);
    const Source<T> updates(step, 2);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      T* out = args.out<T>();
      std::copy_n(data.get(args), count, out);
      const T* update = updates.get(args);
      for (int64_t i = 0; i < tuples; ++i, update += slice) {
        const int64_t offset = tuple_offset(indices, args, i * depth, dims, strides, depth);
        for (int64_t j = 0; offset >= 0 && j < slice; ++j) {
          out[offset + j] = merged(reduction, out[offset + j], update[j]);
        }
      }
    };
    return kernel;
  });
}

Kernel make_compress(const StepSpec& step) {
  const bool flat = !step.node.attributes.contains("axis");
  const ir::Dims dims = flat ? ir::Dims{step.input(0).count()} : step.input(0).dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  const AxisView view(dims, axis);
  std::vector<int64_t> kept;
  const std::vector<int64_t> condition = constant_integers(step, 1);
  for (size_t i = 0; i < condition.size(); ++i) {
    if (condition[i] != 0) kept.push_back(static_cast<int64_t>(i));
  }
  const int64_t row = view.inner * element_bytes(step.output());
  const ByteSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    std::byte* out = args.out<std::byte>();
    for (int64_t o = 0; o < view.outer; ++o) {
      for (const int64_t i : kept) {
        copy_element(out, source.get(args) + (o * view.length + i) * row, row);
        out += row;
      }
    }
  };
  return kernel;
}

// The first `length` steps of every sequence in reverse, the rest as they are.
Kernel make_reverse_sequence(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const bool time_first = ir::attr_int(step.node, "time_axis", 0) == 0;
  const int64_t batches = dims[time_first ? 1 : 0];
  const int64_t times = dims[time_first ? 0 : 1];
  int64_t row = element_bytes(step.output());
  for (size_t d = 2; d < dims.size(); ++d) row *= dims[d];
  const ByteSource source(step, 0);
  const ByteSource lengths(step, 1);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    const auto* length = reinterpret_cast<const int64_t*>(lengths.get(args));
    const auto at = [&](int64_t b, int64_t t) {
      return (time_first ? t * batches + b : b * times + t) * row;
    };
    for (int64_t b = 0; b < batches; ++b) {
      const int64_t reversed = std::clamp<int64_t>(length[b], 0, times);
      for (int64_t t = 0; t < times; ++t) {
        const int64_t from = t < reversed ? reversed - 1 - t : t;
        copy_element(args.out<std::byte>() + at(b, t), source.get(args) + at(b, from), row);
      }
    }
  };
  return kernel;
}

Kernel make_trilu(const StepSpec& step) {
  const ir::Dims& dims = step.output().dims;
  const int64_t rows = dims[dims.size() - 2];
  const int64_t columns = dims.back();
  const bool upper = ir::attr_int(step.node, "upper", 1) != 0;
  // Beyond the matrix, further away changes nothing.
  const int64_t k =
      std::clamp(step.has_input(1) ? constant_integers(step, 1).at(0) : 0, -rows - 1, columns + 1);
  const int64_t size = element_bytes(step.output());
  const int64_t count = step.output().count();
  const ByteSource source(step, 0);
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < count; ++i) {
      const int64_t across = i % columns - i / columns % rows;
      const bool kept = upper ? across >= k : across <= k;
      copy_element(args.out<std::byte>() + i * size, kept ? source.get(args) + i * size : nullptr,
                   size);
    }
  };
  return kernel;
}

Kernel make_one_hot(const StepSpec& step) {
  const ir::Dims& dims = step.output().dims;
  const AxisView view(dims, normal_axis(ir::attr_int(step.node, "axis", -1), dims.size()));
  const int64_t size = element_bytes(step.output());
  const ByteSource values(step, 2);
  return for_type(step, step.input(0).dtype, Numbers(), [&]<class T>() {
    const Source<T> indices(step, 0);
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      const std::byte* off = values.get(args);
      int64_t line = 0;
      view.for_each_line([&](int64_t base) {
        const auto stated = static_cast<double>(indices.get(args)[line++]);
        const double index = stated < 0 ? stated + static_cast<double>(view.length) : stated;
        for (int64_t i = 0; i < view.length; ++i) {
          const std::byte* from = static_cast<double>(i) == index ? off + size : off;
          copy_element(args.out<std::byte>() + (base + i * view.inner) * size, from, size);
        }
      });
    };
    return kernel;
  });
}

Kernel make_eye_like(const StepSpec& step) {
  const int64_t columns = step.output().dims[1];
  const int64_t count = step.output().count();
  const int64_t k = std::clamp<int64_t>(ir::attr_int(step.node, "k", 0), -count - 1, count + 1);
  return for_type(step, step.output().dtype, Numbers(), [&]<class T>() {
    Kernel kernel{.name = reference_name(step)};
    kernel.run = [=](const RunArgs& args) {
      for (int64_t i = 0; i < count; ++i) {
        args.out<T>()[i] = static_cast<T>(i % columns - i / columns == k ? 1 : 0);
      }
    };
    return kernel;
  });
}

// The input is a constant, so the answer is known.
Kernel make_non_zero(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const std::vector<float> values = ir::to_f32(step.input(0).constant.value());
  const int64_t found = step.output().dims[1];
  std::vector<int64_t> out(static_cast<size_t>(step.output().count()));
  const std::vector<int64_t> strides = row_major_strides(dims);
  int64_t column = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    if (values[i] == 0) continue;
    for (size_t d = 0; d < dims.size(); ++d) {
      out[d * static_cast<size_t>(found) + static_cast<size_t>(column)] =
          static_cast<int64_t>(i) / strides[d] % dims[d];
    }
    ++column;
  }
  Kernel kernel{.name = reference_name(step)};
  kernel.run = [=](const RunArgs& args) { std::copy(out.begin(), out.end(), args.out<int64_t>()); };
  return kernel;
}

}  // namespace pare::runtime::reference
