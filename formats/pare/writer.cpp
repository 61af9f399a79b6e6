// SPDX-License-Identifier: Apache-2.0
// Large parts first, each evaluated, hashed, written and dropped, the next ones being evaluated and
// hashed meanwhile; then what is small; the index last, because it holds the hashes.
#include <set>

#include "formats/pare/file_index.hpp"
#include "formats/pare/pare_format.hpp"
#include "lib/core/error.hpp"
#include "lib/core/ordered_work.hpp"
#include "lib/hdf5/hdf5_writer.hpp"
#include "lib/ir/serialize.hpp"

namespace pare::formats {

namespace {

constexpr size_t kLongestName = 80;
// Of evaluated parts that are hashed or wait to be written, beside the one that is largest.
constexpr int64_t kEvaluatedBytes = int64_t{64} << 20;

// How a part's elements look to h5dump and h5py. Packed and 16-bit brain floats have no HDF5 type
// and appear as their bytes and bits.
hdf5::Element element_of(ir::DType dtype) {
  switch (dtype) {
    case ir::DType::kF32:
      return hdf5::Element::kF32;
    case ir::DType::kF16:
      return hdf5::Element::kF16;
    case ir::DType::kBF16:
      return hdf5::Element::kU16;
    case ir::DType::kI64:
      return hdf5::Element::kI64;
    case ir::DType::kI32:
      return hdf5::Element::kI32;
    case ir::DType::kI16:
      return hdf5::Element::kI16;
    case ir::DType::kI8:
      return hdf5::Element::kI8;
    case ir::DType::kU8:
    case ir::DType::kBool:
    case ir::DType::kI4:
    case ir::DType::kU4:
      return hdf5::Element::kU8;
  }
  throw Bug("every dtype has an HDF5 element");
}

// A readable HDF5 name for a part, "tensors/conv1.weight.codes": link names may hold neither
// slashes nor lone dots, and need not be the tensor's exact name, which the index keeps.
std::string array_name(const std::string& tensor, const PartLocation& part,
                       std::set<std::string>& taken) {
  std::string name;
  for (const char c : tensor.substr(0, kLongestName)) {
    const bool plain = c > ' ' && c < 0x7F && c != '/';
    name += plain ? c : c == '/' ? '.' : '_';
  }
  if (name.find_first_not_of('.') == std::string::npos) name += "_";
  if (part.part) name += "." + std::string(ir::name_of(*part.part));
  std::string candidate = name;
  for (int i = 2; !taken.insert(candidate).second; ++i) candidate = name + "~" + std::to_string(i);
  return "tensors/" + candidate;
}

class ModelWriter {
 public:
  ModelWriter(const ir::Model& model, const std::string& path, int threads)
      : model_(model), writer_(path, expected_bytes(model)), threads_(threads) {}

  void write(const std::function<void(ir::Metadata&)>& complete) {
    writer_.set_attribute(std::string(kVersionAttribute), kPareFormatVersion);
    add_tensors();
    const ir::Dims small_dims{static_cast<int64_t>(small_.size())};
    writer_.add(std::string(kSmallArray), hdf5::Element::kU8, small_dims, small_);
    for (const auto& [name, bytes] : model_.assets) add_asset(name, bytes);
    Json graphs = Json::array();
    for (const ir::Graph& graph : model_.graphs) graphs.push_back(ir::to_json(graph));
    index_.graphs_hash = add_text(std::string(kGraphsArray), to_text(graphs));
    ir::Metadata metadata = model_.metadata;
    if (complete) complete(metadata);
    index_.metadata_hash = add_text(std::string(kMetadataArray), to_text(ir::to_json(metadata)));
    add_text(std::string(kIndexArray), to_text(to_json(index_)));
    writer_.commit();
  }

 private:
  // What the tensors and assets take at least; the container's few kilobytes find room or not.
  static int64_t expected_bytes(const ir::Model& model) {
    int64_t total = 0;
    for (const auto& entry : model.parameters.entries()) total += entry.tensor.stored_bytes();
    return total;
  }

  // A part on its way into the file.
  struct Part {
    size_t entry = 0;  // in the index
    std::optional<ir::Part> which;
    const ir::Tensor* tensor = nullptr;
  };
  struct Prepared {
    ir::BufferView view;
    std::string hash;
  };

  // An entry without its parts for every tensor, and all parts in order.
  std::vector<Part> add_entries() {
    std::vector<Part> parts;
    for (const auto& [name, tensor] : model_.parameters.entries()) {
      const size_t at = index_.tensors.size();
      TensorEntry& entry = index_.tensors.emplace_back(
          TensorEntry{.name = name, .dims = tensor.dims(), .layout = tensor.layout()});
      if (const ir::QuantScheme* scheme = tensor.scheme()) entry.scheme = *scheme;
      if (tensor.is_plain()) parts.push_back({at, std::nullopt, &tensor});
      for (int i = 0; i < ir::kPartCount; ++i) {
        const auto which = static_cast<ir::Part>(i);
        if (const ir::Tensor* part = tensor.part(which)) parts.push_back({at, which, part});
      }
    }
    return parts;
  }

  void add_tensors() {
    const std::vector<Part> parts = add_entries();
    const auto part_at = [&](int64_t i) -> const Part& { return parts[static_cast<size_t>(i)]; };
    const auto cost = [&](int64_t i) {
      const ir::Tensor& tensor = *part_at(i).tensor;
      return tensor.buffer().is_deferred() ? tensor.stored_bytes() : 0;
    };
    OrderedWork work(static_cast<int64_t>(parts.size()), kEvaluatedBytes);
    work.run(
        threads_, cost,
        [&](int64_t i) {
          ir::BufferView view = part_at(i).tensor->view();
          std::string hash = hash_text(view.bytes());
          return Prepared{std::move(view), std::move(hash)};
        },
        [&](int64_t i, const Prepared& prepared) { add_part(part_at(i), prepared); });
  }

  void add_part(const Part& part, const Prepared& prepared) {
    TensorEntry& entry = index_.tensors[part.entry];
    const ir::Tensor& tensor = *part.tensor;
    PartLocation out{.part = part.which, .dtype = tensor.dtype(), .dims = tensor.dims()};
    const std::span<const std::byte> bytes = prepared.view.bytes();
    out.hash = prepared.hash;
    if (static_cast<int64_t>(bytes.size()) < kSmallPart) {
      const size_t aligned = (small_.size() + kSmallAlignment - 1) / kSmallAlignment;
      small_.resize(aligned * kSmallAlignment);
      out.offset = static_cast<int64_t>(small_.size());
      small_.insert(small_.end(), bytes.begin(), bytes.end());
    } else {
      out.array = array_name(entry.name, out, taken_);
      const bool packed = ir::info(out.dtype).bits < 8;
      const ir::Dims dims = packed ? ir::Dims{static_cast<int64_t>(bytes.size())} : out.dims;
      writer_.add(out.array, element_of(out.dtype), dims, bytes);
    }
    entry.parts.push_back(std::move(out));
  }

  void add_asset(const std::string& name, std::span<const std::byte> bytes) {
    const std::string array = "assets/" + std::to_string(index_.assets.size());
    index_.assets.push_back({name, array, add_bytes(array, bytes)});
  }

  std::string add_text(const std::string& array, std::string_view text) {
    return add_bytes(array, std::as_bytes(std::span(text)));
  }

  std::string add_bytes(const std::string& array, std::span<const std::byte> bytes) {
    const ir::Dims dims{static_cast<int64_t>(bytes.size())};
    writer_.add_deflated(array, hdf5::Element::kU8, dims, bytes);
    return hash_text(bytes);
  }

  const ir::Model& model_;
  hdf5::Writer writer_;
  int threads_;
  FileIndex index_;
  std::vector<std::byte> small_;
  std::set<std::string> taken_;
};

}  // namespace

void write_pare(const ir::Model& model, const std::string& path, int threads,
                const std::function<void(ir::Metadata&)>& complete) {
  ModelWriter(model, path, threads).write(complete);
}

}  // namespace pare::formats
