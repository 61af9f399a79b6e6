// SPDX-License-Identifier: Apache-2.0
// Reads the subset of Python's pickle format (protocols 2 to 5, as specified by the opcode table of
// the module pickletools) that tensors and plain containers need. Nothing is ever executed: a
// callable is a name, looked up in a fixed list, and a call is kept as a value that the caller
// interprets. Whatever is not in the list is refused by name.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pare::formats::pytorch {

enum class Kind : uint8_t {
  kNone,
  kBool,        // integer: 0 or 1
  kInt,         // integer
  kBigInt,      // text: two's complement bytes, little-endian
  kFloat,       // number
  kText,        // text
  kBytes,       // text
  kTuple,       // items
  kList,        // items; sets too
  kDict,        // items: key, value, key, value; OrderedDict too
  kGlobal,      // text: "module.name"
  kCall,        // items: the callee (kGlobal), its arguments (kTuple)
  kPersistent,  // items: the id, as the persistent_id of torch.save made it
};

// Values refer to one another by index, since a pickle may share them and tie them into circles.
using Ref = uint32_t;

struct Value {
  Kind kind = Kind::kNone;
  union {
    int64_t integer = 0;
    double number;
  };
  std::string text;
  std::vector<Ref> items;
};

class Pickle {
 public:
  // Reads one pickle at the start of `bytes`. Throws Error(path) on damage, on an opcode that
  // PyTorch does not write, and on a global outside the list.
  Pickle(std::span<const std::byte> bytes, const std::string& path);

  const Value& root() const { return values_[root_]; }
  const Value& at(Ref ref) const { return values_[ref]; }
  const Value& item(const Value& value, size_t i) const { return values_[value.items.at(i)]; }
  const std::vector<Value>& values() const { return values_; }
  // Bytes of the pickle itself, its STOP included.
  size_t size() const { return size_; }

 private:
  friend class PickleMachine;
  std::vector<Value> values_;
  Ref root_ = 0;
  size_t size_ = 0;
};

// The callee's name of a kCall, "" for every other value.
std::string_view callee_of(const Pickle& pickle, const Value& value);

}  // namespace pare::formats::pytorch
