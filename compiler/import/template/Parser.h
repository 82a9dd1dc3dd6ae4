// Tokens -> syntax tree, by recursive descent with Jinja's precedences.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_PARSER_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_PARSER_H

#include "compiler/import/template/Syntax.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/Twine.h"

namespace gemmac::jinja {

/// After a fault every function returns soon, with results that are never null but of no use.
class Parser {
public:
  Parser(Syntax &syntax, std::vector<Token> tokens, Fault &fault)
      : syntax(syntax), tokens(std::move(tokens)), fault(fault) {}

  /// Statements up to a tag whose name is in `ends`, which is left with its name taken; none: up to the end of the
  /// text.
  std::vector<const Statement *> statements(llvm::ArrayRef<llvm::StringLiteral> ends, llvm::StringRef &end);

private:
  // Parser.cpp: tokens
  const Token &token() const { return tokens[at]; }
  void advance() { at += at + 1 < tokens.size(); }
  bool isSymbol(llvm::StringRef text) const { return token().kind == Token::Kind::symbol && token().text == text; }
  bool isName(llvm::StringRef text) const { return token().kind == Token::Kind::name && token().text == text; }
  bool takeSymbol(llvm::StringRef text);
  bool takeName(llvm::StringRef text);
  void expectSymbol(llvm::StringRef text);
  void expectName(llvm::StringRef text);
  void expectKind(Token::Kind kind);
  llvm::StringRef identifier();
  void fail(const llvm::Twine &message);
  std::string found() const;

  // Parser.cpp: statements
  Statement *make(Statement::Kind kind);
  const Statement *statement();
  const Statement *condition();
  const Statement *loop();
  const Statement *set();
  const Statement *macro();
  const Statement *callBlock();
  const Statement *filterBlock();
  const Statement *with();
  const Statement *scope(llvm::StringLiteral end, bool named);
  const Statement *leave(Statement::Kind kind);
  std::vector<Parameter> parameters();
  std::vector<const Statement *> body(llvm::StringLiteral end);
  void endTag() { expectKind(Token::Kind::blockClose); }

  // Expressions.cpp
  Expression *make(Expression::Kind kind, std::vector<const Expression *> parts = {});
  const Expression *expression(bool conditional = true);
  /// An expression, or a tuple without parentheses.
  const Expression *expressions(bool conditional = true);
  const Expression *logicalOr();
  const Expression *logicalAnd();
  const Expression *logicalNot();
  const Expression *comparison();
  const Expression *sum();
  const Expression *concatenation();
  const Expression *product();
  const Expression *power();
  const Expression *unary(bool filtered = true);
  const Expression *primary();
  const Expression *parenthesized();
  const Expression *list();
  const Expression *dict();
  const Expression *postfix(const Expression *object);
  const Expression *subscript(const Expression *object);
  const Expression *filtered(const Expression *input);
  const Expression *filter(const Expression *input);
  const Expression *test(const Expression *input);
  void arguments(Expression &call);

  /// Counts nesting while it lives; beyond a bound it fails.
  struct Deeper {
    explicit Deeper(Parser &parser);
    ~Deeper() { --parser.depth; }
    Parser &parser;
  };

  Syntax &syntax;
  std::vector<Token> tokens;
  Fault &fault;
  size_t at = 0;
  int depth = 0;
};

} // namespace gemmac::jinja

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_PARSER_H
