// Runs a parsed template. Renderer.cpp has the statements, Evaluate.cpp the expressions, Calls.cpp macros and global
// functions, Filters.cpp, Tests.cpp and Methods.cpp what they are named after.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_RENDERER_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_RENDERER_H

#include "compiler/import/template/Syntax.h"

#include "llvm/ADT/Twine.h"

namespace gemmac::jinja {

/// The arguments of a call, a filter or a test. take() and friends say which were asked for; the rest is a mistake.
struct Arguments {
  std::vector<Value> values;
  std::vector<std::pair<llvm::StringRef, Value>> keywords;

  /// The argument at `index` or of this name; nullptr: not given.
  const Value *get(size_t index, llvm::StringRef name) const;
};

class Renderer {
public:
  /// \param heap  keeps all values; its limit is the limit of memory
  Renderer(Heap &heap, Fault &fault) : heap(heap), fault(fault), globals(heap.scope(nullptr)) {}

  void define(llvm::StringRef name, Value value) { globals->variables.set(name, value); }
  void run(const Syntax &syntax, std::string &out);
  bool usedDate() const { return date; }

private:
  using Body = llvm::ArrayRef<const Statement *>;

  /// Counts nesting while it lives.
  struct Deeper {
    explicit Deeper(Renderer &renderer);
    ~Deeper() { --renderer.depth; }
    Renderer &renderer;
  };

  // All of these do nothing of use once something failed, and return soon.
  Value fail(const llvm::Twine &message);
  bool failed() const { return fault.any(); }
  /// Counts work; beyond a bound it fails.
  bool step(size_t amount = 1);
  /// Appends to a text that is being made, within bounds.
  void append(std::string &out, llvm::StringRef text);
  std::string textOf(const Value &value);
  Value keep(llvm::StringRef text) { return step(text.size() / 16) ? heap.string(text) : Value::none(); }
  Value keepList(llvm::ArrayRef<Value> items) { return step(items.size()) ? heap.list(items) : Value::none(); }

  // Renderer.cpp
  void execute(Body body, Scope *scope, std::string &out);
  void execute(const Statement &statement, Scope *scope, std::string &out);
  void executeCondition(const Statement &statement, Scope *scope, std::string &out);
  void executeLoop(const Statement &statement, Scope *scope, std::string &out);
  void executeSet(const Statement &statement, Scope *scope);
  void executeCallBlock(const Statement &statement, Scope *scope, std::string &out);
  void bind(const Target &target, Value value, Scope *scope);
  std::vector<Value> loopItems(const Statement &statement, Scope *scope);

  // Evaluate.cpp
  Value evaluate(const Expression *expression, Scope *scope);
  Value evaluateParts(const Expression &expression, Scope *scope);
  Value name(llvm::StringRef name, Scope *scope);
  Value dict(const Expression &expression, Scope *scope);
  Value binary(llvm::StringRef symbol, const Value &left, const Value &right);
  Value arithmetic(llvm::StringRef symbol, const Value &left, const Value &right);
  Value integers(char symbol, int64_t left, int64_t right);
  Value repeated(const Value &sequence, int64_t times);
  Value comparison(const Expression &expression, Scope *scope);
  bool compares(llvm::StringRef symbol, const Value &left, const Value &right);
  bool contains(const Value &container, const Value &item);
  Value attribute(const Value &object, llvm::StringRef name);
  Value subscript(const Value &object, const Value &key);
  Value slice(const Expression &expression, Scope *scope);
  Value loopAttribute(const Loop &loop, llvm::StringRef name);
  /// What iterating yields: a dict's keys, a string's characters.
  std::vector<Value> iterate(const Value &value);
  bool isIterable(const Value &value) const;

  // Calls.cpp
  Arguments arguments(const Expression &call, Scope *scope);
  Value call(const Value &callee, Arguments arguments, const Function *caller = nullptr);
  Value callMacro(const Function &macro, const Arguments &arguments, const Function *caller);
  Value callGlobal(llvm::StringRef name, const Arguments &arguments);
  Value range(const Arguments &arguments);
  Value makeDict(const Arguments &arguments);

  // Filters.cpp, ListFilters.cpp
  Value filter(const Expression &expression, const Value &input, Scope *scope);
  Value filter(llvm::StringRef name, const Value &input, const Arguments &arguments);
  bool textFilter(llvm::StringRef name, const Value &input, const Arguments &arguments, Value &result);
  bool numberFilter(llvm::StringRef name, const Value &input, const Arguments &arguments, Value &result);
  bool listFilter(llvm::StringRef name, const Value &input, const Arguments &arguments, Value &result);
  bool orderFilter(llvm::StringRef name, const Value &input, const Arguments &arguments, Value &result);
  Value toJson(const Value &input, const Arguments &arguments);
  Value indent(const Value &input, const Arguments &arguments);
  Value join(const Value &input, const Arguments &arguments);
  Value map(const Value &input, const Arguments &arguments);
  Value select(const Value &input, const Arguments &arguments, bool wanted, bool byAttribute);
  Value sort(const Value &input, const Arguments &arguments);
  Value dictSort(const Value &input, const Arguments &arguments);
  Value unique(const Value &input, const Arguments &arguments);
  Value extreme(const Value &input, const Arguments &arguments, int sign);
  Value groupBy(const Value &input, const Arguments &arguments);
  Value batch(const Value &input, const Arguments &arguments);
  Value round(const Value &input, const Arguments &arguments);
  /// The value behind "a.b.0".
  Value attributePath(Value value, const Value &path);
  /// Upper, lower, title and capitalize know ASCII alone.
  Value changeCase(llvm::StringRef name, llvm::StringRef text);

  // Tests.cpp
  bool test(llvm::StringRef name, const Value &input, llvm::ArrayRef<Value> arguments);

  // Methods.cpp
  bool hasMethod(const Value &object, llvm::StringRef name) const;
  Value callMethod(const Value &object, llvm::StringRef name, const Arguments &arguments);
  Value dictMethod(const Value &object, llvm::StringRef name, const Arguments &arguments);
  Value listMethod(const Value &object, llvm::StringRef name, const Arguments &arguments);
  Value loopMethod(const Value &object, llvm::StringRef name, const Arguments &arguments);
  Value stringMethod(llvm::StringRef text, llvm::StringRef name, const Arguments &arguments);
  Value split(llvm::StringRef text, const Arguments &arguments, bool fromRight);
  Value splitLines(llvm::StringRef text, const Arguments &arguments);
  Value replace(llvm::StringRef text, const Arguments &arguments);
  Value strip(llvm::StringRef text, const Value *characters, bool left, bool right);
  Value affix(llvm::StringRef text, llvm::StringRef name, const Arguments &arguments);
  Value position(llvm::StringRef text, llvm::StringRef name, const Arguments &arguments);

  enum class Flow { on, leave, next };

  Heap &heap;
  Fault &fault;
  Scope *globals;
  int line = 1; ///< of what is being done
  int depth = 0;
  size_t steps = 0;
  Flow flow = Flow::on;
  int64_t loopDepth = 0; ///< loops around, inside the macro
  bool date = false;
};

} // namespace gemmac::jinja

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_RENDERER_H
