// SPDX-License-Identifier: Apache-2.0
// Operators that repeat or divide a tensor, whatever its dtype: Expand, Tile, Split, DepthToSpace,
// SpaceToDepth.
#include <cstring>

#include "lib/runtime/kernels/reference/reference.hpp"
#include "lib/runtime/kernels/reference/strided_copy.hpp"

namespace pare::runtime::reference {

Kernel make_expand(const StepSpec& step) {
  const ir::Dims& dims = step.output().dims;
  return strided_kernel(step,
                        {.dims = dims, .strides = broadcast_strides(step.input(0).dims, dims)});
}

// Each axis is walked as [repeats, length], the repeats with a stride of 0.
Kernel make_tile(const StepSpec& step) {
  const ir::Dims& in = step.input(0).dims;
  const std::vector<int64_t> own = row_major_strides(in);
  StridedCopy copy;
  for (size_t d = 0; d < in.size(); ++d) {
    copy.dims.push_back(in[d] == 0 ? 0 : step.output().dims[d] / in[d]);
    copy.strides.push_back(0);
    copy.dims.push_back(in[d]);
    copy.strides.push_back(own[d]);
  }
  return strided_kernel(step, copy);
}

Kernel make_split(const StepSpec& step) {
  const ir::Dims& dims = step.input(0).dims;
  const size_t axis = normal_axis(ir::attr_int(step.node, "axis", 0), dims.size());
  const AxisView view(dims, axis);
  const int64_t row = view.inner * element_bytes(step.input(0));
  std::vector<int64_t> bytes;
  for (const Operand& part : step.outputs) bytes.push_back(part.dims[axis] * row);
  const ByteSource source(step, 0);
  Kernel kernel{.name = "copy-Split"};
  kernel.run = [=](const RunArgs& args) {
    const std::byte* in = source.get(args);
    for (int64_t o = 0; o < view.outer; ++o) {
      for (size_t part = 0; part < bytes.size(); ++part) {
        const auto size = static_cast<size_t>(bytes[part]);
        if (size > 0) std::memcpy(args.outputs[part] + o * bytes[part], in, size);
        in += bytes[part];
      }
    }
  };
  return kernel;
}

// The channels are [block, block, depth] (DCR) or [depth, block, block] (CRD).
Kernel make_depth_to_space(const StepSpec& step) {
  const ir::Dims& in = step.input(0).dims;
  const ir::Dims& out = step.output().dims;
  const int64_t block = ir::attr_int(step.node, "blocksize", 1);
  const bool depth_first = ir::attr_string(step.node, "mode", "DCR") == "CRD";
  const int64_t plane = in[2] * in[3];
  const int64_t depth_stride = depth_first ? block * block * plane : plane;
  const int64_t block_stride = depth_first ? plane : out[1] * plane;
  return strided_kernel(step, {.dims = {in[0], out[1], in[2], block, in[3], block},
                               .strides = {in[1] * plane, depth_stride, in[3], block * block_stride,
                                           1, block_stride}});
}

Kernel make_space_to_depth(const StepSpec& step) {
  const ir::Dims& in = step.input(0).dims;
  const ir::Dims& out = step.output().dims;
  const int64_t block = ir::attr_int(step.node, "blocksize", 1);
  const int64_t plane = in[2] * in[3];
  return strided_kernel(step, {.dims = {in[0], block, block, in[1], out[2], out[3]},
                               .strides = {in[1] * plane, in[3], 1, plane, block * in[3], block}});
}

}  // namespace pare::runtime::reference
