// SPDX-License-Identifier: Apache-2.0
// A stack machine. Every opcode adds at most one value, so that a file bounds what it makes us
// allocate; containers are filled from the stack, each element of which took a byte to push.
#include "formats/pytorch/pickle.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <unordered_map>

#include "lib/core/error.hpp"

namespace pare::formats::pytorch {

namespace {

// What torch.save writes for tensors and what training scripts commonly keep beside them. None of
// these is called: reader.cpp interprets the first group, the others are values without a meaning.
constexpr auto kAllowed = std::to_array<std::string_view>({
    "torch._utils._rebuild_tensor",
    "torch._utils._rebuild_tensor_v2",
    "torch._utils._rebuild_tensor_v3",
    "torch._utils._rebuild_parameter",
    "torch._utils._rebuild_parameter_with_state",
    "torch.Size",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.LongStorage",
    "torch.IntStorage",
    "torch.ShortStorage",
    "torch.CharStorage",
    "torch.ByteStorage",
    "torch.BoolStorage",
    "torch.storage.UntypedStorage",
    "torch.float32",
    "torch.float64",
    "torch.float16",
    "torch.bfloat16",
    "torch.int64",
    "torch.int32",
    "torch.int16",
    "torch.int8",
    "torch.uint8",
    "torch.bool",
    "collections.OrderedDict",

    "collections.defaultdict",
    "collections.Counter",
    "builtins.dict",
    "builtins.list",
    "builtins.set",
    "__builtin__.dict",
    "__builtin__.list",
    "__builtin__.set",
    "builtins.int",
    "builtins.float",
    "torch.device",
    "torch.serialization._get_layout",
    "torch.strided",
    "argparse.Namespace",
    "numpy.core.multiarray.scalar",
    "numpy._core.multiarray.scalar",
    "numpy.dtype",
    "_codecs.encode",
});

constexpr uint8_t kStop = '.';

bool is_allowed(std::string_view name) {
  return std::find(kAllowed.begin(), kAllowed.end(), name) != kAllowed.end();
}

}  // namespace

std::string_view callee_of(const Pickle& pickle, const Value& value) {
  return value.kind == Kind::kCall ? std::string_view(pickle.item(value, 0).text)
                                   : std::string_view();
}

class PickleMachine {
 public:
  PickleMachine(std::span<const std::byte> bytes, const std::string& path, Pickle& out)
      : bytes_(bytes), path_(path), out_(out) {}

  void run() {
    if (bytes_.size() > UINT32_MAX) fail("it is larger than 4 GiB");
    for (auto opcode = number<uint8_t>(); opcode != kStop; opcode = number<uint8_t>()) {
      if (!constant(opcode) && !container(opcode) && !bookkeeping(opcode)) refuse(opcode);
    }
    out_.root_ = pop();
    out_.size_ = at_;
  }

 private:
  [[noreturn]] void fail(const std::string& fact) const {
    throw Error(path_, "damaged pickle at byte " + std::to_string(at_) + ": " + fact);
  }

  std::span<const std::byte> take(uint64_t size) {
    if (size > bytes_.size() - at_) fail("it ends early");
    const auto out = bytes_.subspan(at_, size);
    at_ += size;
    return out;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  std::string text(uint64_t size) {
    const auto bytes = take(size);
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
  }

  std::string line() {
    std::string out;
    for (char c = text(1)[0]; c != '\n'; c = text(1)[0]) out += c;
    return out;
  }

  Ref make(Value value) {
    out_.values_.push_back(std::move(value));
    return static_cast<Ref>(out_.values_.size() - 1);
  }
  bool push(Value value) {
    stack_.push_back(make(std::move(value)));
    return true;
  }
  bool push(Kind kind, std::string text = {}) {
    return push({.kind = kind, .text = std::move(text)});
  }
  bool push_integer(int64_t value, Kind kind = Kind::kInt) {
    return push({.kind = kind, .integer = value});
  }

  Ref top() const {
    const size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() <= floor) fail("its stack is empty");
    return stack_.back();
  }
  Ref pop() {
    const Ref ref = top();
    stack_.pop_back();
    return ref;
  }
  std::vector<Ref> pop_to_mark() {
    if (marks_.empty()) fail("a mark is missing");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<Ref> items(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return items;
  }
  std::vector<Ref> pop_items(size_t count) {
    std::vector<Ref> items(count);
    for (size_t i = count; i-- > 0;) items[i] = pop();
    return items;
  }

  // Adds to the container on top of the stack.
  bool extend(Kind kind, const std::vector<Ref>& items) {
    Value& target = out_.values_[top()];
    if (kind == Kind::kDict && items.size() % 2 != 0) fail("a key has no value");
    // What a subclass of a container holds is not looked at.
    if (target.kind == Kind::kCall) return true;
    if (target.kind != kind) fail("items are added to what is no container");
    target.items.insert(target.items.end(), items.begin(), items.end());
    return true;
  }

  bool push_container(Kind kind, std::vector<Ref> items) {
    if (kind == Kind::kDict && items.size() % 2 != 0) fail("a key has no value");
    return push({.kind = kind, .items = std::move(items)});
  }

  bool push_global(const std::string& module, const std::string& name) {
    const std::string full = module + "." + name;
    if (!is_allowed(full)) {
      throw Error(path_, "refuses to load " + escaped(full) +
                             ": only tensors, containers, numbers and text are read; save "
                             "model.state_dict() or export to ONNX");
    }
    return push(Kind::kGlobal, full);
  }

  bool call() {
    const Ref arguments = pop();
    const Ref callee = pop();
    const Value& function = out_.values_[callee];
    if (function.kind != Kind::kGlobal || out_.values_[arguments].kind != Kind::kTuple) {
      fail("what is called is no function");
    }
    if (function.text == "collections.OrderedDict") return push_ordered_dict(arguments);
    return push({.kind = Kind::kCall, .items = {callee, arguments}});
  }

  // Called with nothing, or (Python 2) with a list of pairs.
  bool push_ordered_dict(Ref arguments) {
    std::vector<Ref> items;
    for (const Ref list : out_.values_[arguments].items) {
      for (const Ref pair : out_.values_[list].items) {
        const std::vector<Ref>& key_and_value = out_.values_[pair].items;
        if (key_and_value.size() != 2) fail("an OrderedDict is not made of pairs");
        items.insert(items.end(), key_and_value.begin(), key_and_value.end());
        if (items.size() > bytes_.size()) fail("an OrderedDict is larger than the file");
      }
    }
    // A list may be named again and again, so these are not bounded by what was pushed.
    copied_ += items.size();
    if (copied_ > bytes_.size()) fail("its OrderedDicts are larger than the file");
    return push_container(Kind::kDict, std::move(items));
  }

  bool push_long(uint64_t size) {
    const std::string bytes = text(size);
    if (size > 8) return push(Kind::kBigInt, bytes);
    uint64_t value = !bytes.empty() && (bytes.back() & 0x80) != 0 ? ~uint64_t{0} : 0;
    std::memcpy(&value, bytes.data(), bytes.size());
    return push_integer(static_cast<int64_t>(value));
  }

  bool remember(uint64_t key) {
    memo_[key] = top();
    return true;
  }
  bool recall(uint64_t key) {
    const auto it = memo_.find(key);
    if (it == memo_.end()) fail("refers to value " + std::to_string(key) + ", which is not there");
    stack_.push_back(it->second);
    return true;
  }

  [[noreturn]] void refuse(uint8_t opcode) const {
    std::array<char, 8> hex{};
    std::snprintf(hex.data(), hex.size(), "0x%02x", opcode);
    fail("opcode " + std::string(hex.data()) + " is not one that PyTorch writes");
  }

  // Each returns whether the opcode is one of its own.
  bool constant(uint8_t opcode);
  bool container(uint8_t opcode);
  bool bookkeeping(uint8_t opcode);

  std::span<const std::byte> bytes_;
  const std::string& path_;
  Pickle& out_;
  size_t at_ = 0;
  size_t copied_ = 0;
  std::vector<Ref> stack_;
  std::vector<size_t> marks_;  // heights of the stack
  std::unordered_map<uint64_t, Ref> memo_;
};

bool PickleMachine::constant(uint8_t opcode) {
  switch (opcode) {
    case 'N':
      return push(Kind::kNone);
    case 0x88:
      return push_integer(1, Kind::kBool);
    case 0x89:
      return push_integer(0, Kind::kBool);
    case 'J':
      return push_integer(number<int32_t>());
    case 'K':
      return push_integer(number<uint8_t>());
    case 'M':
      return push_integer(number<uint16_t>());
    case 0x8a:
      return push_long(number<uint8_t>());
    case 0x8b:
      return push_long(number<uint32_t>());
    case 'G': {  // big-endian
      Value value{.kind = Kind::kFloat};
      value.number = std::bit_cast<double>(__builtin_bswap64(number<uint64_t>()));
      return push(std::move(value));
    }
    case 0x8c:
      return push(Kind::kText, text(number<uint8_t>()));
    case 'X':
      return push(Kind::kText, text(number<uint32_t>()));
    case 0x8d:
      return push(Kind::kText, text(number<uint64_t>()));
    case 'U':  // text of Python 2
      return push(Kind::kText, text(number<uint8_t>()));
    case 'T':
      return push(Kind::kText, text(number<uint32_t>()));
    case 'C':
      return push(Kind::kBytes, text(number<uint8_t>()));
    case 'B':
      return push(Kind::kBytes, text(number<uint32_t>()));
    case 0x8e:
      return push(Kind::kBytes, text(number<uint64_t>()));
    default:
      return false;
  }
}

bool PickleMachine::container(uint8_t opcode) {
  switch (opcode) {
    case ')':
      return push(Kind::kTuple);
    case 0x85:
      return push_container(Kind::kTuple, pop_items(1));
    case 0x86:
      return push_container(Kind::kTuple, pop_items(2));
    case 0x87:
      return push_container(Kind::kTuple, pop_items(3));
    case 't':
      return push_container(Kind::kTuple, pop_to_mark());
    case ']':
    case 0x8f:  // a set
      return push(Kind::kList);
    case 'l':
    case 0x91:
      return push_container(Kind::kList, pop_to_mark());
    case 'a':
      return extend(Kind::kList, pop_items(1));
    case 'e':
    case 0x90:
      return extend(Kind::kList, pop_to_mark());
    case '}':
      return push(Kind::kDict);
    case 'd':
      return push_container(Kind::kDict, pop_to_mark());
    case 's':
      return extend(Kind::kDict, pop_items(2));
    case 'u':
      return extend(Kind::kDict, pop_to_mark());
    default:
      return false;
  }
}

bool PickleMachine::bookkeeping(uint8_t opcode) {
  switch (opcode) {
    case 0x80:  // PROTO
      if (const auto version = number<uint8_t>(); version < 2 || version > 5) {
        fail("its protocol is " + std::to_string(version) + ", 2 to 5 are expected");
      }
      return true;
    case 0x95:  // FRAME
      take(8);
      return true;
    case '(':
      marks_.push_back(stack_.size());
      return true;
    case '0':
      pop();
      return true;
    case '1':
      pop_to_mark();
      return true;
    case '2':
      stack_.push_back(top());
      return true;
    case 'q':
      return remember(number<uint8_t>());
    case 'r':
      return remember(number<uint32_t>());
    case 0x94:
      return remember(memo_.size());
    case 'h':
      return recall(number<uint8_t>());
    case 'j':
      return recall(number<uint32_t>());
    case 'c': {  // GLOBAL
      const std::string module = line();
      return push_global(module, line());
    }
    case 'i': {  // INST: a call of Python 2, here only to name what is refused
      const std::string module = line();
      push_global(module, line());
      refuse(opcode);
    }
    case 0x93: {  // STACK_GLOBAL
      const std::vector<Ref> names = pop_items(2);
      return push_global(out_.values_[names[0]].text, out_.values_[names[1]].text);
    }
    case 'R':
    case 0x81:  // NEWOBJ
      return call();
    case 'b':  // BUILD: attributes of an object, of which none matters
      pop();
      top();
      return true;
    case 'Q':
      return push({.kind = Kind::kPersistent, .items = {pop()}});
    default:
      return false;
  }
}

Pickle::Pickle(std::span<const std::byte> bytes, const std::string& path) {
  PickleMachine(bytes, path, *this).run();
}

}  // namespace pare::formats::pytorch
