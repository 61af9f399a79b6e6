// SPDX-License-Identifier: Apache-2.0
#include "formats/torchscript/operators.hpp"

#include <algorithm>
#include <filesystem>
#include <map>

#include "lib/core/error.hpp"

namespace pare::formats::torchscript {

namespace {

const std::map<std::string_view, const OperatorRow*>& table() {
  static const auto kTable = [] {
    std::map<std::string_view, const OperatorRow*> out;
    for (const auto rows :
         {pointwise_operators(), binary_operators(), weight_operators(), window_operators(),
          layout_operators(), index_operators(), reduce_operators(), recurrent_operators()}) {
      for (const OperatorRow& row : rows) {
        require(out.emplace(row.name, &row).second, "an operator has one row");
      }
    }
    return out;
  }();
  return kTable;
}

}  // namespace

const OperatorRow* find_operator(std::string_view name) {
  const auto it = table().find(name);
  return it == table().end() ? nullptr : it->second;
}

std::vector<std::string_view> operator_names() {
  std::vector<std::string_view> out;
  for (const auto& [name, row] : table()) out.push_back(name);
  return out;
}

std::string first_line(const std::string& text) {
  const size_t begin = text.find_first_not_of(" \n");
  if (begin == std::string::npos) return "it gives no reason";
  return escaped(std::string_view(text).substr(begin, text.find('\n', begin) - begin), 160);
}

std::string described(const torch::jit::Node& node) {
  std::string out = escaped(node.kind().toQualString());
  torch::jit::SourceRange range = node.sourceRange();
  // Loaded code points into itself; the file also says which lines it was made from.
  if (const auto original = range.findSourceRangeThatGenerated();
      original && original->file_line_col() && !std::get<0>(*original->file_line_col()).empty()) {
    range = *original;
  }
  if (const auto place = range.file_line_col()) {
    const std::string file = std::filesystem::path(std::get<0>(*place)).filename().string();
    out += " (" + escaped(file, 60) + ", line " + std::to_string(std::get<1>(*place)) + ")";
  }
  return out;
}

Call::Call(Emitter& emitter, const torch::jit::Node& node, std::span<const Value> arguments)
    : emit(emitter), node_(node), arguments_(arguments) {}

void Call::refuse(const std::string& fact) const { throw Error(described(node_), fact); }

std::optional<size_t> Call::index_of(std::string_view name) const {
  const auto& declared = node_.schema().arguments();
  for (size_t i = 0; i < declared.size() && i < arguments_.size(); ++i) {
    if (declared[i].name() == name) return i;
  }
  return {};
}

bool Call::has(std::string_view name) const {
  const auto index = index_of(name);
  return index && !arguments_[*index].is_none();
}

const Value& Call::value(std::string_view name) const {
  const auto index = index_of(name);
  if (!index) refuse("in this form it is not supported");
  return arguments_[*index];
}

ir::ValueId Call::as_tensor(const Value& value, std::string_view role) const {
  if (const auto* tensor = value.graph_tensor()) return (*tensor)->id;
  const c10::IValue* known = value.plain();
  if (known && known->isTensor()) return emit.parameter(known->toTensor(), std::string(role));
  refuse(std::string(role) + " is no tensor");
}

ir::ValueId Call::tensor(std::string_view name) const { return as_tensor(value(name), name); }

ir::ValueId Call::optional_tensor(std::string_view name) const {
  return has(name) ? tensor(name) : ir::ValueId{};
}

at::Tensor Call::known_tensor(std::string_view name) const {
  const c10::IValue* known = value(name).plain();
  return known && known->isTensor() ? known->toTensor() : at::Tensor();
}

const c10::IValue& Call::plain(std::string_view name, const char* what) const {
  const c10::IValue* known = value(name).plain();
  if (!known || known->isNone() || known->isTensor()) {
    refuse(std::string(name) + " is no known " + what);
  }
  return *known;
}

int64_t Call::integer(std::string_view name, int64_t fallback) const {
  if (!has(name)) return fallback;
  const c10::IValue& known = plain(name, "number");
  if (known.isBool()) return known.toBool() ? 1 : 0;
  if (!known.isInt()) refuse(std::string(name) + " is no integer");
  return known.toInt();
}

double Call::number(std::string_view name, double fallback) const {
  if (!has(name)) return fallback;
  const c10::IValue& known = plain(name, "number");
  if (known.isDouble()) return known.toDouble();
  return static_cast<double>(integer(name));
}

bool Call::flag(std::string_view name) const { return integer(name) != 0; }

std::string Call::text(std::string_view name) const {
  const c10::IValue& known = plain(name, "text");
  if (!known.isString()) refuse(std::string(name) + " is no text");
  return known.toStringRef();
}

std::vector<int64_t> Call::integers(std::string_view name) const {
  if (!has(name)) return {};
  const Value& given = value(name);
  if (const c10::IValue* known = given.plain(); known && known->isInt()) return {known->toInt()};
  const auto* list = given.sequence();
  if (!list) refuse(std::string(name) + " is no list of integers");
  std::vector<int64_t> out;
  for (const Value& item : (*list)->items) {
    const c10::IValue* known = item.plain();
    if (!known || !known->isInt()) {
      refuse(std::string(name) + " holds something other than known integers");
    }
    out.push_back(known->toInt());
  }
  return out;
}

std::vector<int64_t> Call::integers(std::string_view name, size_t count) const {
  std::vector<int64_t> out = integers(name);
  if (out.size() == 1) out.resize(count, out.front());
  if (out.size() != count) {
    refuse(std::string(name) + " holds " + std::to_string(out.size()) + " numbers, expected " +
           std::to_string(count));
  }
  return out;
}

std::vector<double> Call::numbers(std::string_view name) const {
  const auto* list = value(name).sequence();
  if (!list) refuse(std::string(name) + " is no list of numbers");
  std::vector<double> out;
  for (const Value& item : (*list)->items) {
    const c10::IValue* known = item.plain();
    if (!known || !known->isScalar()) refuse(std::string(name) + " is no list of numbers");
    out.push_back(known->toScalar().toDouble());
  }
  return out;
}

ir::Shape Call::sizes(std::string_view name) const {
  const auto* list = value(name).sequence();
  if (!list) refuse(std::string(name) + " is no list of sizes");
  ir::Shape out;
  for (const Value& item : (*list)->items) {
    const c10::IValue* known = item.plain();
    if (const SizeSymbol* symbol = item.symbol()) {
      out.emplace_back(symbol->name);
    } else if (known && known->isInt()) {
      out.emplace_back(known->toInt());
    } else {
      refuse(std::string(name) + " holds something other than sizes");
    }
  }
  return out;
}

std::vector<ir::ValueId> Call::tensors(std::string_view name) const {
  const auto* list = value(name).sequence();
  if (!list) refuse(std::string(name) + " is no list of tensors");
  std::vector<ir::ValueId> out;
  for (const Value& item : (*list)->items) out.push_back(as_tensor(item, name));
  return out;
}

int64_t Call::axis(std::string_view name, int rank) const {
  const int64_t given = integer(name);
  const int64_t least = std::max(rank, 1);
  if (given < -least || given >= least) {
    refuse("dimension " + std::to_string(given) + " of a tensor of " + std::to_string(rank));
  }
  return given < 0 ? given + least : given;
}

std::vector<int64_t> Call::axes(std::string_view name, int rank) const {
  std::vector<int64_t> out = integers(name);
  for (int64_t& given : out) {
    if (given < -rank || given >= rank) {
      refuse("dimension " + std::to_string(given) + " of a tensor of " + std::to_string(rank));
    }
    if (given < 0) given += rank;
  }
  return out;
}

ir::ValueId Call::operand(const Value& value, ir::DType dtype) const {
  if (value.symbol()) {
    refuse("computes with the size \"" + value.symbol()->name +
           "\"; give it as a number (--input-shape)");
  }
  const c10::IValue* known = value.plain();
  if (known && known->isScalar()) return emit.scalar(known->toScalar().toDouble(), dtype);
  // A tensor of one number is a number.
  if (known && known->isTensor() && known->toTensor().dim() == 0) {
    return emit.scalar(known->toTensor().item().toDouble(), dtype);
  }
  return emit.cast(as_tensor(value, "operand"), dtype);
}

// PyTorch's promotion among the types that matter here: tensors decide before numbers, floats
// before integers, integers before booleans.
ir::DType Call::common_type(const Value& a, const Value& b) const {
  const auto rank_of = [&](const Value& value) -> std::pair<int, ir::DType> {
    if (const auto* tensor = value.graph_tensor()) {
      const ir::DType dtype = emit.dtype((*tensor)->id);
      return {ir::info(dtype).is_float ? 2 : dtype == ir::DType::kBool ? 0 : 1, dtype};
    }
    const c10::IValue* known = value.plain();
    if (!known || !(known->isTensor() || known->isScalar())) refuse("takes no such operand");
    const at::ScalarType type =
        known->isTensor() ? known->toTensor().scalar_type() : known->toScalar().type();
    if (at::isFloatingType(type)) return {2, ir::DType::kF32};
    if (type == at::kBool) return {0, ir::DType::kBool};
    return {1, type == at::kInt ? ir::DType::kI32 : ir::DType::kI64};
  };
  const auto is_number = [](const Value& value) {
    return value.plain() && (value.plain()->isScalar() ||
                             (value.plain()->isTensor() && value.plain()->toTensor().dim() == 0));
  };
  const auto [left_rank, left] = rank_of(a);
  const auto [right_rank, right] = rank_of(b);
  if (left_rank != right_rank) return left_rank > right_rank ? left : right;
  if (left == right || is_number(b)) return left;
  return is_number(a) ? right : ir::DType::kI64;
}

ir::ValueId Call::floating(std::string_view name) const {
  return emit.cast(tensor(name), ir::DType::kF32);
}

}  // namespace pare::formats::torchscript
