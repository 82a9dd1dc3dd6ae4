// The parser's half for expressions.
#include "compiler/import/template/Parser.h"

#include "llvm/ADT/STLExtras.h"

using namespace gemmac::jinja;
using llvm::StringRef;

using Node = Expression::Kind;

Expression *Parser::make(Node kind, std::vector<const Expression *> parts) {
  syntax.expressions.push_back({kind, token().line});
  syntax.expressions.back().parts = std::move(parts);
  return &syntax.expressions.back();
}

const Expression *Parser::expressions(bool conditional) {
  const Expression *first = expression(conditional);
  if (!isSymbol(","))
    return first;
  Expression *tuple = make(Node::tuple, {first});
  while (takeSymbol(",") && token().kind != Token::Kind::blockClose && token().kind != Token::Kind::printClose &&
         !isSymbol(")"))
    tuple->parts.push_back(expression(conditional));
  return tuple;
}

const Expression *Parser::expression(bool conditional) {
  Deeper deeper(*this);
  const Expression *value = logicalOr();
  while (conditional && takeName("if")) {
    const Expression *condition = logicalOr();
    const Expression *other = takeName("else") ? expression() : nullptr;
    value = make(Node::conditional, {condition, value, other});
  }
  return value;
}

const Expression *Parser::logicalOr() {
  const Expression *left = logicalAnd();
  while (takeName("or"))
    left = make(Node::logicalOr, {left, logicalAnd()});
  return left;
}

const Expression *Parser::logicalAnd() {
  const Expression *left = logicalNot();
  while (takeName("and"))
    left = make(Node::logicalAnd, {left, logicalNot()});
  return left;
}

const Expression *Parser::logicalNot() {
  Deeper deeper(*this);
  if (takeName("not"))
    return make(Node::logicalNot, {logicalNot()});
  return comparison();
}

const Expression *Parser::comparison() {
  static constexpr StringRef symbols[] = {"==", "!=", "<", "<=", ">", ">="};
  const Expression *first = sum();
  Expression *result = nullptr;
  while (!fault.any()) {
    StringRef found;
    if (token().kind == Token::Kind::symbol && llvm::is_contained(symbols, token().text))
      found = token().text;
    else if (isName("in"))
      found = "in";
    else if (isName("not") && tokens[at + 1].kind == Token::Kind::name && tokens[at + 1].text == "in")
      found = "not in";
    if (found.empty())
      break;
    advance();
    if (found == "not in")
      advance();
    if (!result)
      result = make(Node::comparison, {first});
    result->operators.push_back(found);
    const Expression *operand = sum();
    result->parts.push_back(operand);
  }
  return result ? result : first;
}

const Expression *Parser::sum() {
  const Expression *left = concatenation();
  while (isSymbol("+") || isSymbol("-")) {
    StringRef text = token().text;
    advance();
    const Expression *right = concatenation();
    Expression *result = make(Node::binary, {left, right});
    result->text = text;
    left = result;
  }
  return left;
}

const Expression *Parser::concatenation() {
  const Expression *left = product();
  while (takeSymbol("~")) {
    const Expression *right = product();
    Expression *result = make(Node::binary, {left, right});
    result->text = "~";
    left = result;
  }
  return left;
}

const Expression *Parser::product() {
  const Expression *left = power();
  while (isSymbol("*") || isSymbol("/") || isSymbol("//") || isSymbol("%")) {
    StringRef text = token().text;
    advance();
    const Expression *right = power();
    Expression *result = make(Node::binary, {left, right});
    result->text = text;
    left = result;
  }
  return left;
}

const Expression *Parser::power() {
  const Expression *left = unary();
  while (takeSymbol("**")) {
    const Expression *right = unary();
    Expression *result = make(Node::binary, {left, right});
    result->text = "**";
    left = result;
  }
  return left;
}

const Expression *Parser::unary(bool withFilters) {
  Deeper deeper(*this);
  const Expression *value;
  if (takeSymbol("-"))
    value = make(Node::negative, {unary(false)});
  else if (takeSymbol("+"))
    value = make(Node::positive, {unary(false)});
  else
    value = primary();
  value = postfix(value);
  return withFilters ? filtered(value) : value;
}

/// Names that mean a value, in both spellings.
static std::optional<Value> constantNamed(StringRef name) {
  if (name == "true" || name == "True")
    return Value::of(true);
  if (name == "false" || name == "False")
    return Value::of(false);
  if (name == "none" || name == "None")
    return Value::none();
  return std::nullopt;
}

const Expression *Parser::primary() {
  Token here = token();
  if (isSymbol("("))
    return parenthesized();
  if (isSymbol("["))
    return list();
  if (isSymbol("{"))
    return dict();
  Expression *result = make(Node::constant);
  switch (here.kind) {
  case Token::Kind::name:
    if (std::optional<Value> constant = constantNamed(here.text)) {
      result->value = *constant;
    } else {
      result->kind = Node::name;
      result->text = here.text;
    }
    break;
  case Token::Kind::string: {
    std::string joined = here.text.str();
    while (at + 1 < tokens.size() && tokens[at + 1].kind == Token::Kind::string) {
      advance();
      joined += token().text;
      here.text = StringRef();
    }
    result->value = Value::of(here.text.data() ? here.text : syntax.strings.save(joined));
    break;
  }
  case Token::Kind::integer:
    result->value = Value::of(here.integer);
    break;
  case Token::Kind::real:
    result->value = Value::of(here.real);
    break;
  default:
    fail("got " + found() + ", expected a value");
    return result;
  }
  advance();
  return result;
}

const Expression *Parser::parenthesized() {
  advance();
  if (takeSymbol(")"))
    return make(Node::tuple);
  const Expression *inside = expressions();
  expectSymbol(")");
  return inside;
}

const Expression *Parser::list() {
  Expression *result = make(Node::list);
  advance();
  while (!fault.any() && !isSymbol("]")) {
    result->parts.push_back(expression());
    if (!isSymbol("]"))
      expectSymbol(",");
  }
  expectSymbol("]");
  return result;
}

const Expression *Parser::dict() {
  Expression *result = make(Node::dict);
  advance();
  while (!fault.any() && !isSymbol("}")) {
    const Expression *key = expression();
    expectSymbol(":");
    result->parts.insert(result->parts.end(), {key, expression()});
    if (!isSymbol("}"))
      expectSymbol(",");
  }
  expectSymbol("}");
  return result;
}

void Parser::arguments(Expression &call) {
  expectSymbol("(");
  while (!fault.any() && !isSymbol(")")) {
    bool keyword =
        token().kind == Token::Kind::name && tokens[at + 1].kind == Token::Kind::symbol && tokens[at + 1].text == "=";
    if (isSymbol("*") || isSymbol("**"))
      fail("arguments with '" + token().text + "' are not known here");
    if (keyword) {
      StringRef name = identifier();
      advance();
      const Expression *value = expression();
      call.keywords.emplace_back(name, value);
    } else {
      if (!call.keywords.empty())
        fail("an argument without a name stands behind one with a name");
      call.parts.push_back(expression());
    }
    if (!isSymbol(")"))
      expectSymbol(",");
  }
  expectSymbol(")");
}

const Expression *Parser::postfix(const Expression *object) {
  while (!fault.any()) {
    if (takeSymbol(".")) {
      if (token().kind == Token::Kind::integer) {
        Expression *key = make(Node::constant);
        key->value = Value::of(token().integer);
        advance();
        object = make(Node::subscript, {object, key});
      } else {
        Expression *attribute = make(Node::attribute, {object});
        attribute->text = identifier();
        object = attribute;
      }
    } else if (isSymbol("[")) {
      object = subscript(object);
    } else if (isSymbol("(")) {
      Expression *call = make(Node::call, {object});
      arguments(*call);
      object = call;
    } else {
      break;
    }
  }
  return object;
}

const Expression *Parser::subscript(const Expression *object) {
  advance();
  auto part = [&]() -> const Expression * { return isSymbol(":") || isSymbol("]") ? nullptr : expression(); };
  const Expression *start = part();
  const Expression *result;
  if (isSymbol(":")) {
    advance();
    const Expression *stop = part();
    const Expression *step = takeSymbol(":") ? part() : nullptr;
    result = make(Node::slice, {object, start, stop, step});
  } else {
    if (!start)
      fail("got ']', expected a subscript");
    result = make(Node::subscript, {object, start});
  }
  expectSymbol("]");
  return result;
}

/// What follows a value: filters, tests and calls of what they yield. `input` null: filters of a block alone.
const Expression *Parser::filtered(const Expression *input) {
  while (!fault.any()) {
    if (takeSymbol("|"))
      input = filter(input);
    else if (input && takeName("is"))
      input = test(input);
    else if (input && isSymbol("(")) {
      Expression *call = make(Node::call, {input});
      arguments(*call);
      input = call;
    } else
      break;
  }
  return input;
}

const Expression *Parser::filter(const Expression *input) {
  Expression *result = make(Node::filter, {input});
  result->text = identifier();
  if (isSymbol("."))
    fail("filter '" + result->text + ".' is not known here");
  if (isSymbol("("))
    arguments(*result);
  return result;
}

const Expression *Parser::test(const Expression *input) {
  bool negated = takeName("not");
  Expression *result = make(Node::test, {input});
  result->text = identifier();
  static constexpr StringRef following[] = {"else", "or", "and", "if", "is", "in", "not"};
  bool argument = token().kind == Token::Kind::string || token().kind == Token::Kind::integer ||
                  token().kind == Token::Kind::real || isSymbol("[") || isSymbol("{") ||
                  (token().kind == Token::Kind::name && !llvm::is_contained(following, token().text));
  if (isSymbol("("))
    arguments(*result);
  else if (isName("is"))
    fail("tests cannot follow each other with 'is'; join them with 'and'");
  else if (argument)
    result->parts.push_back(postfix(primary()));
  return negated ? make(Node::logicalNot, {result}) : result;
}
