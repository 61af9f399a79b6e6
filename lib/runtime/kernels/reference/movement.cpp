// SPDX-License-Identifier: Apache-2.0
// Operators that only move elements, whatever their dtype, and the conversions between the forms in
// which the session keeps values.
#include <algorithm>
#include <array>
#include <cstring>
#include <memory>

#include "lib/runtime/kernels/box.hpp"
#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/strided_copy.hpp"
#include "lib/runtime/kernels/requantize.hpp"

namespace pare::runtime::reference {

Kernel make_copy(const StepSpec& step) {
  const ByteSource source(step, 0);
  const auto bytes = static_cast<size_t>(ir::byte_size(step.output().dtype, step.output().dims));
  Kernel kernel{.name = "copy-" + step.node.op};
  kernel.run = [=](const RunArgs& args) {
    if (bytes > 0) std::memcpy(args.out<std::byte>(), source.get(args), bytes);
  };
  return kernel;
}

Kernel make_transpose(const StepSpec& step) {
  const size_t rank = step.input(0).dims.size();
  std::vector<int64_t> order(rank);
  for (size_t d = 0; d < rank; ++d) order[d] = static_cast<int64_t>(rank - 1 - d);
  order = ir::attr_ints(step.node, "perm", order);
  const std::vector<int64_t> own = row_major_strides(step.input(0).dims);
  StridedCopy copy{.dims = step.output().dims};
  for (const int64_t d : order) copy.strides.push_back(own.at(static_cast<size_t>(d)));
  return strided_kernel(step, copy);
}

Kernel make_reorder(const StepSpec& step) {
  const ir::Dims& d = step.input(0).dims;
  StridedCopy copy;
  if (step.output().layout == Layout::kNhwc) {
    copy.dims = {d[0], d[2], d[3], d[1]};
    copy.strides = {d[1] * d[2] * d[3], d[3], 1, d[2] * d[3]};
  } else {
    copy.dims = d;
    copy.strides = {d[1] * d[2] * d[3], 1, d[3] * d[1], d[1]};
  }
  return strided_kernel(step, copy);
}

Kernel make_slice(const StepSpec& step) {
  const Box box = slice_box(step);
  StridedCopy copy{.dims = box.out, .strides = row_major_strides(box.in)};
  for (size_t d = 0; d < box.in.size(); ++d) {
    copy.base += box.start[d] * copy.strides[d];
    copy.strides[d] *= box.step[d];
  }
  return strided_kernel(step, copy);
}

Kernel make_concat(const StepSpec& step) {
  const ir::Dims& dims = step.output().dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  int64_t outer = 1;
  int64_t inner = element_bytes(step.output());
  for (size_t d = 0; d < axis; ++d) outer *= dims[d];
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  struct Piece {
    ByteSource source;
    int64_t bytes;
    std::shared_ptr<const std::array<uint8_t, 256>> table;  // codes to the output's scale
  };
  std::vector<Piece> pieces;
  for (int i = 0; i < static_cast<int>(step.inputs.size()); ++i) {
    Piece piece{ByteSource(step, i), step.input(i).dims[axis] * inner, nullptr};
    if (step.integer && step.input(i).quant != step.output().quant) {
      piece.table = std::make_shared<const std::array<uint8_t, 256>>(
          rescaling_table(*step.input(i).quant, *step.output().quant));
    }
    pieces.push_back(std::move(piece));
  }
  Kernel kernel{.name = "copy-Concat"};
  kernel.run = [=](const RunArgs& args) {
    std::byte* out = args.out<std::byte>();
    for (int64_t o = 0; o < outer; ++o) {
      for (const Piece& piece : pieces) {
        const std::byte* in = piece.source.get(args) + o * piece.bytes;
        std::memcpy(out, in, static_cast<size_t>(piece.bytes));
        for (int64_t i = 0; piece.table && i < piece.bytes; ++i) {
          out[i] = std::byte{(*piece.table)[std::to_integer<size_t>(out[i])]};
        }
        out += piece.bytes;
      }
    }
  };
  return kernel;
}

namespace {

struct Padding {
  Box box;
  enum class Mode : uint8_t { kConstant, kReflect, kEdge, kWrap } mode = Mode::kConstant;

  // Index into the input for output index `i` along `axis`, or -1 where the constant goes.
  int64_t source(size_t axis, int64_t i) const {
    const int64_t length = box.in[axis];
    int64_t at = box.start[axis] + i;
    if (at >= 0 && at < length) return at;
    if (mode == Mode::kConstant || length == 0) return -1;
    if (mode == Mode::kEdge) return at < 0 ? 0 : length - 1;
    if (mode == Mode::kWrap) return ((at % length) + length) % length;
    const int64_t period = std::max<int64_t>(2 * (length - 1), 1);
    at = ((at % period) + period) % period;
    return at < length ? at : period - at;
  }
};

Padding padding_of(const StepSpec& step) {
  Padding p{.box = pad_box(step)};
  const std::string mode = ir::attr_string(step.node, "mode", "constant");
  if (mode == "reflect") p.mode = Padding::Mode::kReflect;
  if (mode == "edge") p.mode = Padding::Mode::kEdge;
  if (mode == "wrap") p.mode = Padding::Mode::kWrap;
  return p;
}

}  // namespace

Kernel make_pad(const StepSpec& step) {
  const Padding padding = padding_of(step);
  const ByteSource source(step, 0);
  const std::array<std::byte, 8> fill = padding_element(step);
  const auto size = static_cast<size_t>(element_bytes(step.output()));
  const std::vector<int64_t> strides = row_major_strides(padding.box.in);
  const std::vector<int64_t> none(padding.box.out.size(), 0);
  Kernel kernel{.name = "copy-Pad"};
  kernel.run = [=, index = none](const RunArgs& args) mutable {
    const std::byte* in = source.get(args);
    walk(padding.box.out, none, index, [&](int64_t i, int64_t) {
      int64_t offset = 0;
      for (size_t d = 0; d < index.size() && offset >= 0; ++d) {
        const int64_t at = padding.source(d, index[d]);
        offset = at < 0 ? -1 : offset + at * strides[d];
      }
      const std::byte* element =
          offset < 0 ? fill.data() : in + offset * static_cast<int64_t>(size);
      std::memcpy(args.out<std::byte>() + i * static_cast<int64_t>(size), element, size);
    });
  };
  return kernel;
}

Kernel make_gather(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  int64_t outer = 1;
  int64_t inner = element_bytes(step.output());
  for (size_t d = 0; d < axis; ++d) outer *= dims[d];
  for (size_t d = axis + 1; d < dims.size(); ++d) inner *= dims[d];
  const int64_t length = dims[axis];
  const int64_t index_count = step.input(1).count();
  const ByteSource source(step, 0);
  const IndexSource indices(step, 1);
  Kernel kernel{.name = "copy-Gather"};
  kernel.run = [=](const RunArgs& args) {
    std::byte* out = args.out<std::byte>();
    for (int64_t o = 0; o < outer; ++o) {
      for (int64_t i = 0; i < index_count; ++i, out += inner) {
        const int64_t row = indices.at(args, i, length);
        // An index from outside may be anything: out of range reads as zero, never out of bounds.
        if (row < 0) {
          std::memset(out, 0, static_cast<size_t>(inner));
        } else {
          std::memcpy(out, source.get(args) + (o * length + row) * inner,
                      static_cast<size_t>(inner));
        }
      }
    }
  };
  return kernel;
}

Kernel make_quantize(const StepSpec& step) {
  const ir::ActivationQuant quant = *step.output().quant;
  const int64_t count = step.output().count();
  const FloatSource source(step, 0);
  Kernel kernel{.name = "quantize"};
  kernel.run = [=](const RunArgs& args) {
    const float* in = source.get(args);
    for (int64_t i = 0; i < count; ++i) args.out<uint8_t>()[i] = quantize_u8(in[i], quant);
  };
  return kernel;
}

namespace {

template <class T>
Kernel widen(const StepSpec& step) {
  const int64_t count = step.output().count();
  Kernel kernel{.name = "to-f32"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < count; ++i) args.out<float>()[i] = static_cast<float>(args.in<T>(0)[i]);
  };
  return kernel;
}

}  // namespace

Kernel make_dequantize(const StepSpec& step) {
  const Operand& in = step.input(0);
  if (!in.quant) {
    switch (in.dtype) {
      case ir::DType::kI64:
        return widen<int64_t>(step);
      case ir::DType::kI32:
        return widen<int32_t>(step);
      case ir::DType::kI16:
        return widen<int16_t>(step);
      case ir::DType::kI8:
        return widen<int8_t>(step);
      case ir::DType::kU8:
      case ir::DType::kBool:
        return widen<uint8_t>(step);
      case ir::DType::kF32:
        return widen<float>(step);
      default:
        throw Error(step.name, "values of this dtype cannot be read as f32");
    }
  }
  const ir::ActivationQuant quant = *in.quant;
  const int64_t count = step.output().count();
  Kernel kernel{.name = "dequantize"};
  kernel.run = [=](const RunArgs& args) {
    for (int64_t i = 0; i < count; ++i) {
      args.out<float>()[i] = dequantize_u8(args.in<uint8_t>(0)[i], quant);
    }
  };
  return kernel;
}

}  // namespace pare::runtime::reference
