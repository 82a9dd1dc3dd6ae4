// The values of a chat template while it is rendered. They are immutable, but for namespaces, and live in a heap that
// is freed as a whole after the rendering.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_VALUE_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_VALUE_H

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Allocator.h"

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <vector>

namespace gemmac::jinja {

struct Function;
struct Loop;
struct Namespace;

enum class Kind : uint8_t {
  undefined,
  none,
  boolean,
  integer,
  real,
  string,
  list,
  tuple,
  dict,
  nameSpace,
  loop,
  function
};

/// A Python value as templates see it. What has a pointer points into a Heap, or into the template.
struct Value {
  Kind kind = Kind::undefined;
  union {
    bool truth;
    int64_t integer;
    double real;
    uint64_t count = 0; ///< bytes of a string, elements of a list or tuple; keys and values of a dict together
  };
  union {
    const char *bytes = nullptr; ///< string; of an undefined value: its name, for messages
    const Value *items;          ///< list, tuple; dict: key, value, key, value, ...
    Namespace *nameSpace;
    Loop *loop;
    const Function *function;
  };

  static Value undefined(llvm::StringRef name = {});
  static Value none() { return ofKind(Kind::none); }
  static Value of(bool truth);
  static Value of(int64_t integer);
  static Value of(double real);
  static Value of(Namespace *nameSpace);
  static Value of(Loop *loop);
  static Value of(const Function *function);
  /// The text must live as long as the value.
  static Value of(llvm::StringRef text);

  bool is(Kind wanted) const { return kind == wanted; }
  bool isNumber() const { return kind == Kind::integer || kind == Kind::real || kind == Kind::boolean; }
  bool isSequence() const { return kind == Kind::list || kind == Kind::tuple; }
  llvm::StringRef text() const { return {bytes, static_cast<size_t>(count)}; }
  llvm::ArrayRef<Value> elements() const { return {items, static_cast<size_t>(count)}; }
  double number() const; ///< of a number

private:
  static Value ofKind(Kind kind);
};

struct Scope;
struct Statement;

/// Something that can be called.
struct Function {
  enum class What { global, method, macro } what;
  llvm::StringRef name;             ///< of a global or a method
  Value self;                       ///< of a method
  const Statement *macro = nullptr; ///< also the body of a call block
  Scope *scope = nullptr;           ///< where the macro was defined
};

/// `loop` inside a for.
struct Loop {
  llvm::ArrayRef<Value> items;
  size_t index = 0;
};

/// What namespace() yields: the only thing that changes.
struct Namespace {
  std::vector<std::pair<llvm::StringRef, Value>> attributes;
  Value get(llvm::StringRef name) const;
  void set(llvm::StringRef name, Value value);
};

/// Variables of the template, a macro's call or a round of a loop.
struct Scope {
  Scope *parent = nullptr;
  Namespace variables;
};

/// Owns what values point to. Has a limit, behind which nothing is kept and exhausted() tells.
class Heap {
public:
  explicit Heap(size_t limit) : left(limit) {}

  bool exhausted() const { return empty; }
  Value string(llvm::StringRef text);
  Value list(llvm::ArrayRef<Value> items) { return sequence(Kind::list, items); }
  Value tuple(llvm::ArrayRef<Value> items) { return sequence(Kind::tuple, items); }
  /// \param items  keys and values in turn, each key once
  Value dict(llvm::ArrayRef<Value> items) { return sequence(Kind::dict, items); }
  Value function(Function function);
  Namespace *nameSpace();
  Loop *loop(llvm::ArrayRef<Value> items);
  Scope *scope(Scope *parent);

private:
  Value sequence(Kind kind, llvm::ArrayRef<Value> items);
  bool take(size_t bytes);

  llvm::BumpPtrAllocator memory;
  std::deque<Namespace> namespaces;
  std::deque<Scope> scopes;
  size_t left;
  bool empty = false;
};

/// How deep lists and dicts may lie inside each other when they are compared or printed.
constexpr int mostNested = 64;

/// "a string", "none", "the undefined 'x'": for messages.
std::string describe(const Value &value);

bool isTrue(const Value &value);
/// Python's ==. False for what is nested deeper than mostNested or has more than a million parts.
bool equal(const Value &a, const Value &b);
/// Below 0, 0, above 0 for two numbers, strings or lists; nothing for what has no order.
std::optional<int> compare(const Value &a, const Value &b, int depth = 0);
/// Something with what it is ordered by.
struct Keyed {
  Value key, value;
};
/// Puts `one` behind all in `sorted` that are not above it. \returns false when its key has no order among theirs.
bool insertSorted(std::vector<Keyed> &sorted, Keyed one, bool reverse = false);
/// Bytes or elements; 0 for what has none.
size_t sizeOf(const Value &value);
/// The value of a key; nullptr when a dict lacks it.
const Value *find(const Value &dict, const Value &key);
const Value *find(const Value &dict, llvm::StringRef key);

/// Longest text that a value may become.
constexpr size_t mostText = 1 << 20;

/// Appends what Python's str() gives. An undefined value is empty. \returns false beyond mostNested and mostText.
bool appendText(const Value &value, std::string &out);

struct JsonStyle {
  std::optional<int> indent;
  bool escapeUnicode = false, sortKeys = false;
  std::string itemSeparator = ", ", keySeparator = ": ";
};
/// Appends what Python's json.dumps() gives. \returns false for what JSON has no form for, and beyond the same bounds.
bool appendJson(const Value &value, const JsonStyle &style, std::string &out, int depth = 0);

/// Bytes of the character at the start of `text`; 1 for what is no UTF-8. `text` is not empty.
size_t characterBytes(llvm::StringRef text);
size_t countCharacters(llvm::StringRef text);
/// The code point at the start of `text`; U+FFFD for what is no UTF-8.
uint32_t codePoint(llvm::StringRef text);
/// What Python's str.strip() takes for white space.
bool isSpace(uint32_t codePoint);
llvm::StringRef stripLeft(llvm::StringRef text);
llvm::StringRef stripRight(llvm::StringRef text);
inline llvm::StringRef strip(llvm::StringRef text) { return stripLeft(stripRight(text)); }
void appendUtf8(uint32_t codePoint, std::string &out);

} // namespace gemmac::jinja

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_VALUE_H
