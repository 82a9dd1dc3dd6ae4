#include "compiler/import/template/Parser.h"

#include "llvm/ADT/STLExtras.h"

using namespace gemmac::jinja;
using llvm::StringLiteral;
using llvm::StringRef;

static constexpr int deepest = 80;

Parser::Deeper::Deeper(Parser &parser) : parser(parser) {
  if (++parser.depth > deepest)
    parser.fail("nested deeper than " + llvm::Twine(deepest) + " levels");
}

void Parser::fail(const llvm::Twine &message) {
  if (!fault.any())
    fault = {token().line, message.str()};
  at = tokens.size() - 1; // nothing more to read
}

/// The current token, for messages.
std::string Parser::found() const {
  switch (token().kind) {
  case Token::Kind::end:
    return "the end of the template";
  case Token::Kind::text:
    return "text";
  case Token::Kind::blockClose:
  case Token::Kind::printClose:
    return "the end of the tag";
  case Token::Kind::blockOpen:
  case Token::Kind::printOpen:
    return "a tag";
  default:
    return "'" + token().text.take_front(40).str() + "'";
  }
}

bool Parser::takeSymbol(StringRef text) {
  bool there = isSymbol(text);
  if (there)
    advance();
  return there;
}

bool Parser::takeName(StringRef text) {
  bool there = isName(text);
  if (there)
    advance();
  return there;
}

void Parser::expectSymbol(StringRef text) {
  if (!takeSymbol(text))
    fail("got " + found() + ", expected '" + text + "'");
}

void Parser::expectName(StringRef text) {
  if (!takeName(text))
    fail("got " + found() + ", expected '" + text + "'");
}

void Parser::expectKind(Token::Kind kind) {
  if (token().kind == kind)
    return advance();
  fail("got " + found() + ", expected " + (kind == Token::Kind::name ? "a name" : "the end of the tag"));
}

StringRef Parser::identifier() {
  StringRef text = token().text;
  expectKind(Token::Kind::name);
  return text;
}

Statement *Parser::make(Statement::Kind kind) {
  syntax.statements.push_back({kind, token().line});
  return &syntax.statements.back();
}

std::vector<const Statement *> Parser::statements(llvm::ArrayRef<StringLiteral> ends, StringRef &end) {
  Deeper deeper(*this);
  std::vector<const Statement *> result;
  while (!fault.any() && token().kind != Token::Kind::end) {
    if (token().kind == Token::Kind::text) {
      Statement *text = make(Statement::Kind::text);
      text->text = token().text;
      result.push_back(text);
      advance();
    } else if (token().kind == Token::Kind::printOpen) {
      Statement *print = make(Statement::Kind::print);
      advance();
      print->expression = expressions();
      expectKind(Token::Kind::printClose);
      result.push_back(print);
    } else {
      advance(); // the lexer yields nothing else outside of tags
      if (token().kind == Token::Kind::name && llvm::is_contained(ends, token().text)) {
        end = token().text;
        advance();
        return result;
      }
      result.push_back(statement());
    }
  }
  if (!ends.empty())
    fail("got " + found() + ", expected {% " + ends.back() + " %}");
  return result;
}

const Statement *Parser::statement() {
  struct Known {
    StringLiteral name;
    const Statement *(Parser::*parse)();
  };
  static constexpr Known known[] = {
      {"if", &Parser::condition},   {"for", &Parser::loop},           {"set", &Parser::set},  {"macro", &Parser::macro},
      {"call", &Parser::callBlock}, {"filter", &Parser::filterBlock}, {"with", &Parser::with}};
  StringRef name = token().text;
  for (const Known &one : known)
    if (takeName(one.name))
      return (this->*one.parse)();
  if (takeName("generation"))
    return scope("endgeneration", false);
  if (takeName("block"))
    return scope("endblock", true);
  if (takeName("break"))
    return leave(Statement::Kind::leave);
  if (takeName("continue"))
    return leave(Statement::Kind::next);
  if (token().kind == Token::Kind::name)
    fail("tag '" + name.take_front(40) + "' is not known here");
  else
    fail("got " + found() + ", expected the name of a tag");
  return make(Statement::Kind::text);
}

std::vector<const Statement *> Parser::body(StringLiteral end) {
  endTag();
  StringRef found;
  auto result = statements({end}, found);
  endTag();
  return result;
}

const Statement *Parser::condition() {
  static constexpr StringLiteral ends[] = {"elif", "else", "endif"}, lastEnds[] = {"endif"};
  Statement *result = make(Statement::Kind::condition);
  StringRef end = "elif";
  while (end != "endif" && !fault.any()) {
    const Expression *test = end == "else" ? nullptr : expressions(false);
    if (test && isName("if"))
      test = nullptr, fail("got 'if', expected the end of the tag");
    endTag();
    bool last = end == "else";
    auto body = last ? statements(lastEnds, end) : statements(ends, end);
    result->branches.emplace_back(test, std::move(body));
  }
  endTag();
  return result;
}

const Statement *Parser::loop() {
  static constexpr StringLiteral ends[] = {"else", "endfor"}, lastEnds[] = {"endfor"};
  Statement *result = make(Statement::Kind::loop);
  bool enclosed = takeSymbol("(");
  do
    result->target.names.push_back(identifier());
  while (takeSymbol(",") && !isName("in") && !isSymbol(")"));
  if (enclosed)
    expectSymbol(")");
  expectName("in");
  result->expression = expressions(false);
  if (takeName("if"))
    result->condition = expression();
  if (isName("recursive"))
    fail("recursive loops are not known here");
  endTag();
  StringRef end;
  result->body = statements(ends, end);
  if (end == "else") {
    endTag();
    result->otherwise = statements(lastEnds, end);
  }
  endTag();
  return result;
}

const Statement *Parser::set() {
  Statement *result = make(Statement::Kind::set);
  bool enclosed = takeSymbol("(");
  do
    result->target.names.push_back(identifier());
  while (takeSymbol(",") && token().kind == Token::Kind::name);
  if (enclosed)
    expectSymbol(")");
  if (result->target.names.size() == 1 && takeSymbol("."))
    result->target.attribute = identifier();
  if (takeSymbol("=")) {
    result->expression = expressions();
    endTag();
    return result;
  }
  if (result->target.names.size() != 1)
    fail("got " + found() + ", expected '='");
  result->condition = isSymbol("|") ? filtered(nullptr) : nullptr;
  result->body = body("endset");
  return result;
}

std::vector<Parameter> Parser::parameters() {
  std::vector<Parameter> result;
  expectSymbol("(");
  while (!fault.any() && !isSymbol(")")) {
    StringRef name = identifier();
    result.push_back({name, takeSymbol("=") ? expression() : nullptr});
    if (!isSymbol(")"))
      expectSymbol(",");
  }
  expectSymbol(")");
  return result;
}

const Statement *Parser::macro() {
  Statement *result = make(Statement::Kind::macro);
  result->text = identifier();
  result->parameters = parameters();
  result->body = body("endmacro");
  return result;
}

const Statement *Parser::callBlock() {
  Statement *result = make(Statement::Kind::call);
  if (isSymbol("("))
    result->parameters = parameters();
  result->expression = expression();
  if (result->expression->kind != Expression::Kind::call)
    fail("{% call %} needs the call of a macro");
  result->body = body("endcall");
  return result;
}

const Statement *Parser::filterBlock() {
  Statement *result = make(Statement::Kind::filter);
  result->expression = filtered(filter(nullptr));
  result->body = body("endfilter");
  return result;
}

const Statement *Parser::with() {
  Statement *result = make(Statement::Kind::with);
  while (!fault.any() && token().kind == Token::Kind::name) {
    StringRef name = identifier();
    expectSymbol("=");
    result->assignments.emplace_back(name, expression());
    if (!takeSymbol(","))
      break;
  }
  result->body = body("endwith");
  return result;
}

const Statement *Parser::scope(StringLiteral end, bool named) {
  Statement *result = make(Statement::Kind::scope);
  if (named)
    identifier();
  result->body = body(end);
  return result;
}

const Statement *Parser::leave(Statement::Kind kind) {
  Statement *result = make(kind);
  endTag();
  return result;
}

std::unique_ptr<Syntax> gemmac::jinja::parseTemplate(StringRef text, Fault &fault) {
  auto syntax = std::make_unique<Syntax>();
  syntax->source = normalizeLines(text);
  std::vector<Token> tokens = tokenize(syntax->source, syntax->strings, fault);
  if (fault.any())
    return syntax;
  Parser parser(*syntax, std::move(tokens), fault);
  StringRef end;
  syntax->body = parser.statements({}, end);
  return syntax;
}
