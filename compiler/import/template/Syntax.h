// A parsed chat template: a tree of statements and expressions.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_SYNTAX_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_SYNTAX_H

#include "compiler/import/template/Lexer.h"
#include "compiler/import/template/Value.h"

#include <deque>
#include <memory>

namespace gemmac::jinja {

struct Expression {
  enum class Kind {
    constant, ///< value
    name,     ///< text
    list,
    tuple, ///< parts
    dict,  ///< parts: keys and values in turn
    logicalNot,
    negative,
    positive,
    logicalAnd,
    logicalOr,
    binary,      ///< parts: left, right; text: + - * / // % ** ~
    comparison,  ///< parts: operands; operators between them: == != < <= > >= in not in
    conditional, ///< parts: condition, value, other value (may be null)
    attribute,   ///< parts: object; text
    subscript,   ///< parts: object, key
    slice,       ///< parts: object, start, stop, step, each of which may be null
    call,        ///< parts: callee, arguments; keywords
    filter,      ///< parts: input (null: the body of a block), arguments; text; keywords
    test         ///< parts: input, arguments; text
  } kind;
  int line = 0;
  llvm::StringRef text = {};
  Value value = {};
  std::vector<const Expression *> parts = {};
  std::vector<std::pair<llvm::StringRef, const Expression *>> keywords = {};
  std::vector<llvm::StringRef> operators = {};
};

/// A name, a namespace's attribute, or several names that take a tuple apart.
struct Target {
  std::vector<llvm::StringRef> names;
  llvm::StringRef attribute; ///< of names[0]; empty: none
};

struct Parameter {
  llvm::StringRef name;
  const Expression *fallback; ///< null: none
};

struct Statement {
  enum class Kind {
    text,
    print,     ///< expression
    condition, ///< branches; an empty `expression` is else
    loop,      ///< target in expression, if condition; body, otherwise
    set,       ///< target = expression; without one: body, through `filters`
    macro,     ///< text(parameters): body
    call,      ///< expression is the call whose caller(parameters) is the body
    filter,    ///< body through expression
    with,      ///< assignments; body
    scope,     ///< body with variables of its own: generation, block
    leave,
    next
  } kind;
  int line = 0;
  llvm::StringRef text = {};
  const Expression *expression = nullptr, *condition = nullptr;
  Target target = {};
  std::vector<Parameter> parameters = {};
  std::vector<std::pair<llvm::StringRef, const Expression *>> assignments = {};
  std::vector<const Statement *> body = {}, otherwise = {};
  std::vector<std::pair<const Expression *, std::vector<const Statement *>>> branches = {};
};

/// Owns everything that its tree points to.
struct Syntax {
  std::string source;
  llvm::BumpPtrAllocator stringMemory;
  llvm::StringSaver strings{stringMemory};
  std::deque<Expression> expressions;
  std::deque<Statement> statements;
  std::vector<const Statement *> body;
};

/// Parses a template. On a fault the result is of no use.
std::unique_ptr<Syntax> parseTemplate(llvm::StringRef text, Fault &fault);

} // namespace gemmac::jinja

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_SYNTAX_H
