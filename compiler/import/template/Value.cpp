#include "compiler/import/template/Value.h"

#include <cmath>
#include <cstring>

using namespace gemmac::jinja;
using llvm::ArrayRef;
using llvm::StringRef;

Value Value::ofKind(Kind kind) {
  Value value;
  value.kind = kind;
  return value;
}

Value Value::undefined(StringRef name) {
  Value value;
  value.bytes = name.data();
  value.count = name.size();
  return value;
}

Value Value::of(bool truth) {
  Value value = ofKind(Kind::boolean);
  value.truth = truth;
  return value;
}

Value Value::of(int64_t integer) {
  Value value = ofKind(Kind::integer);
  value.integer = integer;
  return value;
}

Value Value::of(double real) {
  Value value = ofKind(Kind::real);
  value.real = real;
  return value;
}

Value Value::of(StringRef text) {
  Value value = ofKind(Kind::string);
  value.bytes = text.data();
  value.count = text.size();
  return value;
}

Value Value::of(Namespace *nameSpace) {
  Value value = ofKind(Kind::nameSpace);
  value.nameSpace = nameSpace;
  return value;
}

Value Value::of(Loop *loop) {
  Value value = ofKind(Kind::loop);
  value.loop = loop;
  return value;
}

Value Value::of(const Function *function) {
  Value value = ofKind(Kind::function);
  value.function = function;
  return value;
}

double Value::number() const {
  return kind == Kind::real ? real : kind == Kind::boolean ? double(truth) : static_cast<double>(integer);
}

Value Namespace::get(StringRef name) const {
  for (const auto &[known, value] : attributes)
    if (known == name)
      return value;
  return Value::undefined(name);
}

void Namespace::set(StringRef name, Value value) {
  for (auto &[known, old] : attributes) {
    if (known == name) {
      old = value;
      return;
    }
  }
  attributes.emplace_back(name, value);
}

bool Heap::take(size_t bytes) {
  if (bytes > left)
    empty = true;
  else
    left -= bytes;
  return !empty;
}

Value Heap::string(StringRef text) {
  if (!take(text.size() + 16))
    return Value::of(StringRef());
  char *bytes = memory.Allocate<char>(std::max<size_t>(1, text.size()));
  if (!text.empty())
    memcpy(bytes, text.data(), text.size());
  return Value::of(StringRef(bytes, text.size()));
}

Value Heap::sequence(Kind kind, ArrayRef<Value> items) {
  Value value = Value::none();
  value.kind = kind;
  value.items = nullptr;
  value.count = 0;
  if (items.empty() || !take(items.size() * sizeof(Value)))
    return value;
  Value *kept = memory.Allocate<Value>(items.size());
  std::uninitialized_copy(items.begin(), items.end(), kept);
  value.items = kept;
  value.count = items.size();
  return value;
}

Value Heap::function(Function function) {
  if (!take(sizeof(Function)))
    return Value::undefined();
  return Value::of(static_cast<const Function *>(new (memory.Allocate<Function>()) Function(function)));
}

// Behind the limit there are no more objects, as rendering stops at the next step; but one is always there to return.

Namespace *Heap::nameSpace() {
  if (take(256) || namespaces.empty())
    namespaces.emplace_back();
  return &namespaces.back();
}

Loop *Heap::loop(ArrayRef<Value> items) {
  take(sizeof(Loop));
  return new (memory.Allocate<Loop>()) Loop{items};
}

Scope *Heap::scope(Scope *parent) {
  if (take(256) || scopes.empty())
    scopes.emplace_back();
  scopes.back().parent = parent == &scopes.back() ? nullptr : parent;
  return &scopes.back();
}

std::string gemmac::jinja::describe(const Value &value) {
  switch (value.kind) {
  case Kind::undefined:
    return value.count ? "'" + value.text().take_front(80).str() + "', which is not defined" : "something not defined";
  case Kind::none:
    return "none";
  case Kind::boolean:
    return "a truth value";
  case Kind::integer:
  case Kind::real:
    return "a number";
  case Kind::string:
    return "a string";
  case Kind::list:
    return "a list";
  case Kind::tuple:
    return "a tuple";
  case Kind::dict:
    return "a mapping";
  case Kind::nameSpace:
    return "a namespace";
  case Kind::loop:
    return "a loop";
  case Kind::function:
    return "a function";
  }
  return "nothing";
}

bool gemmac::jinja::isTrue(const Value &value) {
  switch (value.kind) {
  case Kind::undefined:
  case Kind::none:
    return false;
  case Kind::boolean:
    return value.truth;
  case Kind::integer:
    return value.integer != 0;
  case Kind::real:
    return value.real != 0;
  case Kind::string:
  case Kind::list:
  case Kind::tuple:
  case Kind::dict:
    return value.count != 0;
  default:
    return true;
  }
}

size_t gemmac::jinja::sizeOf(const Value &value) {
  return value.is(Kind::string) || value.isSequence() || value.is(Kind::dict) ? value.count : 0;
}

static bool equalParts(const Value &a, const Value &b, int depth, size_t &left);

static bool equalDicts(const Value &a, const Value &b, int depth, size_t &left) {
  if (a.count != b.count)
    return false;
  for (size_t i = 0; i < a.count; i += 2) {
    const Value *other = find(b, a.items[i]);
    if (!other || !equalParts(a.items[i + 1], *other, depth + 1, left))
      return false;
  }
  return true;
}

/// \param left  parts that may still be looked at: a small value can refer to itself's parts very often
static bool equalParts(const Value &a, const Value &b, int depth, size_t &left) {
  if (depth > mostNested || left == 0)
    return false;
  --left;
  if (a.isNumber() && b.isNumber()) {
    if (a.kind == Kind::integer && b.kind == Kind::integer)
      return a.integer == b.integer;
    return a.number() == b.number();
  }
  if (a.kind != b.kind)
    return false;
  switch (a.kind) {
  case Kind::string:
    return a.text() == b.text();
  case Kind::list:
  case Kind::tuple:
    if (a.items == b.items)
      return a.count == b.count;
    return std::equal(a.elements().begin(), a.elements().end(), b.elements().begin(), b.elements().end(),
                      [&](const Value &x, const Value &y) { return equalParts(x, y, depth + 1, left); });
  case Kind::dict:
    return equalDicts(a, b, depth, left);
  case Kind::nameSpace:
  case Kind::loop:
  case Kind::function:
    return a.bytes == b.bytes;
  default:
    return true; // none, undefined
  }
}

bool gemmac::jinja::equal(const Value &a, const Value &b) {
  size_t left = 1'000'000;
  return equalParts(a, b, 0, left);
}

std::optional<int> gemmac::jinja::compare(const Value &a, const Value &b, int depth) {
  if (a.isNumber() && b.isNumber()) {
    if (a.kind == Kind::integer && b.kind == Kind::integer)
      return a.integer < b.integer ? -1 : a.integer > b.integer;
    double x = a.number(), y = b.number();
    return x < y ? -1 : x > y;
  }
  if (a.is(Kind::string) && b.is(Kind::string))
    return a.text().compare(b.text());
  if (a.kind != b.kind || !a.isSequence() || depth > mostNested)
    return std::nullopt;
  for (size_t i = 0; i < a.count && i < b.count; ++i)
    if (!equal(a.items[i], b.items[i]))
      return compare(a.items[i], b.items[i], depth + 1);
  return a.count < b.count ? -1 : a.count > b.count;
}

// The library's sorts may run out of bounds when an order contradicts itself, which a template's values can make it do.
bool gemmac::jinja::insertSorted(std::vector<Keyed> &sorted, Keyed one, bool reverse) {
  bool ordered = true;
  auto place = std::upper_bound(sorted.begin(), sorted.end(), one, [&](const Keyed &a, const Keyed &b) {
    std::optional<int> order = compare(a.key, b.key);
    ordered &= order.has_value();
    return reverse ? order.value_or(0) > 0 : order.value_or(0) < 0;
  });
  sorted.insert(place, one);
  return ordered;
}

const Value *gemmac::jinja::find(const Value &dict, const Value &key) {
  for (size_t i = 0; i < dict.count; i += 2)
    if (equal(dict.items[i], key))
      return &dict.items[i + 1];
  return nullptr;
}

const Value *gemmac::jinja::find(const Value &dict, StringRef key) { return find(dict, Value::of(key)); }

size_t gemmac::jinja::characterBytes(StringRef text) {
  auto byte = [&](size_t at) { return static_cast<unsigned char>(text[at]); };
  size_t length = byte(0) < 0x80   ? 1
                  : byte(0) < 0xc2 ? 1
                  : byte(0) < 0xe0 ? 2
                  : byte(0) < 0xf0 ? 3
                  : byte(0) < 0xf5 ? 4
                                   : 1;
  if (length > text.size())
    return 1;
  for (size_t at = 1; at < length; ++at)
    if ((byte(at) & 0xc0) != 0x80)
      return 1;
  return length;
}

uint32_t gemmac::jinja::codePoint(StringRef text) {
  size_t length = characterBytes(text);
  auto first = static_cast<unsigned char>(text[0]);
  if (length == 1)
    return first < 0x80 ? first : 0xfffd;
  uint32_t code = first & (0x7f >> length);
  for (char c : text.slice(1, length))
    code = code << 6 | (static_cast<unsigned char>(c) & 0x3f);
  return code;
}

size_t gemmac::jinja::countCharacters(StringRef text) {
  size_t count = 0;
  for (; !text.empty(); text = text.drop_front(characterBytes(text)))
    ++count;
  return count;
}

bool gemmac::jinja::isSpace(uint32_t code) {
  return (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x20) || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 || code == 0x202f ||
         code == 0x205f || code == 0x3000;
}

StringRef gemmac::jinja::stripLeft(StringRef text) {
  while (!text.empty() && isSpace(codePoint(text)))
    text = text.drop_front(characterBytes(text));
  return text;
}

StringRef gemmac::jinja::stripRight(StringRef text) {
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (static_cast<unsigned char>(text[start]) & 0xc0) == 0x80)
      --start;
    StringRef last = text.substr(start);
    if (characterBytes(last) != last.size() || !isSpace(codePoint(last)))
      break;
    text = text.take_front(start);
  }
  return text;
}

void gemmac::jinja::appendUtf8(uint32_t code, std::string &out) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  int more = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  static constexpr unsigned char heads[] = {0, 0xc0, 0xe0, 0xf0};
  out += static_cast<char>(heads[more] | code >> (6 * more));
  while (more-- > 0)
    out += static_cast<char>(0x80 | (code >> (6 * more) & 0x3f));
}
