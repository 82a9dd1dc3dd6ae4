#include "compiler/import/template/Renderer.h"

using namespace gemmac::jinja;
using llvm::StringRef;

static constexpr int deepest = 200;
static constexpr size_t mostSteps = 1'000'000;

Renderer::Deeper::Deeper(Renderer &renderer) : renderer(renderer) {
  if (++renderer.depth > deepest)
    renderer.fail("nested deeper than " + llvm::Twine(deepest) + " levels; does a macro call itself without end?");
}

Value Renderer::fail(const llvm::Twine &message) {
  if (!fault.any())
    fault = {line, message.str()};
  return Value::undefined();
}

bool Renderer::step(size_t amount) {
  steps += amount;
  if (steps > mostSteps)
    fail("takes more than " + llvm::Twine(mostSteps) + " steps");
  else if (heap.exhausted())
    fail("needs too much memory");
  return !failed();
}

void Renderer::append(std::string &out, StringRef text) {
  if (text.size() > mostText || out.size() > mostText - text.size())
    fail("writes more than " + llvm::Twine(mostText) + " bytes");
  else if (step(1 + text.size() / 16))
    out += text;
}

std::string Renderer::textOf(const Value &value) {
  std::string text;
  if (!appendText(value, text))
    fail("prints something too long, or nested deeper than " + llvm::Twine(mostNested) + " levels");
  step(text.size() / 16);
  return text;
}

void Renderer::run(const Syntax &syntax, std::string &out) { execute(syntax.body, heap.scope(globals), out); }

void Renderer::execute(Body body, Scope *scope, std::string &out) {
  Deeper deeper(*this);
  for (const Statement *statement : body) {
    if (!step() || flow != Flow::on)
      return;
    line = statement->line;
    execute(*statement, scope, out);
  }
}

void Renderer::execute(const Statement &statement, Scope *scope, std::string &out) {
  switch (statement.kind) {
  case Statement::Kind::text:
    return append(out, statement.text);
  case Statement::Kind::print: {
    Value value = evaluate(statement.expression, scope);
    return append(out, value.is(Kind::string) ? value.text() : StringRef(textOf(value)));
  }
  case Statement::Kind::condition:
    return executeCondition(statement, scope, out);
  case Statement::Kind::loop:
    return executeLoop(statement, scope, out);
  case Statement::Kind::set:
    return executeSet(statement, scope);
  case Statement::Kind::macro:
    return scope->variables.set(
        statement.text, heap.function({Function::What::macro, statement.text, Value::none(), &statement, scope}));
  case Statement::Kind::call:
    return executeCallBlock(statement, scope, out);
  case Statement::Kind::filter: {
    std::string body;
    execute(statement.body, heap.scope(scope), body);
    scope = heap.scope(scope);
    scope->variables.set("", keep(body)); // what a filter without an input reads
    return append(out, textOf(evaluate(statement.expression, scope)));
  }
  case Statement::Kind::with: {
    Scope *inner = heap.scope(scope);
    for (auto &[name, expression] : statement.assignments)
      inner->variables.set(name, evaluate(expression, scope));
    return execute(statement.body, inner, out);
  }
  case Statement::Kind::scope:
    return execute(statement.body, heap.scope(scope), out);
  case Statement::Kind::leave:
  case Statement::Kind::next:
    if (loopDepth == 0)
      fail("break and continue stand outside of a loop");
    flow = statement.kind == Statement::Kind::leave ? Flow::leave : Flow::next;
  }
}

void Renderer::executeCondition(const Statement &statement, Scope *scope, std::string &out) {
  for (auto &[test, body] : statement.branches)
    if (!test || isTrue(evaluate(test, scope)))
      return failed() ? void() : execute(body, scope, out);
}

void Renderer::bind(const Target &target, Value value, Scope *scope) {
  if (target.names.size() == 1)
    return scope->variables.set(target.names.front(), value);
  std::vector<Value> parts = iterate(value);
  if (!failed() && parts.size() != target.names.size()) {
    fail("got " + llvm::Twine(parts.size()) + " values for " + llvm::Twine(target.names.size()) + " names");
    return;
  }
  for (size_t i = 0; i < parts.size() && !failed(); ++i)
    scope->variables.set(target.names[i], parts[i]);
}

/// The items of a loop that its condition lets through.
std::vector<Value> Renderer::loopItems(const Statement &statement, Scope *scope) {
  std::vector<Value> items = iterate(evaluate(statement.expression, scope));
  if (!statement.condition)
    return items;
  std::vector<Value> kept;
  for (const Value &item : items) {
    Scope *inner = heap.scope(scope);
    bind(statement.target, item, inner);
    if (!step() || failed())
      break;
    if (isTrue(evaluate(statement.condition, inner)))
      kept.push_back(item);
  }
  return kept;
}

void Renderer::executeLoop(const Statement &statement, Scope *scope, std::string &out) {
  std::vector<Value> items = loopItems(statement, scope);
  if (failed())
    return;
  if (items.empty())
    return execute(statement.otherwise, heap.scope(scope), out);
  Loop *loop = heap.loop(heap.list(items).elements());
  ++loopDepth;
  for (; loop->index < loop->items.size() && step(); ++loop->index) {
    Scope *inner = heap.scope(scope);
    inner->variables.set("loop", Value::of(loop));
    bind(statement.target, loop->items[loop->index], inner);
    execute(statement.body, inner, out);
    bool leaves = flow == Flow::leave;
    flow = Flow::on;
    if (leaves)
      break;
  }
  --loopDepth;
}

void Renderer::executeSet(const Statement &statement, Scope *scope) {
  Value value;
  if (statement.expression) {
    value = evaluate(statement.expression, scope);
  } else {
    std::string body;
    Scope *inner = heap.scope(scope);
    execute(statement.body, inner, body);
    value = keep(body);
    if (statement.condition) { // filters
      inner->variables.set("", value);
      value = evaluate(statement.condition, inner);
    }
  }
  if (failed())
    return;
  if (statement.target.attribute.empty())
    return bind(statement.target, value, scope);
  Value object = name(statement.target.names.front(), scope);
  line = statement.line;
  if (!object.is(Kind::nameSpace))
    fail("sets an attribute of " + describe(object) + ", which only a namespace allows");
  else
    object.nameSpace->set(statement.target.attribute, value);
}

void Renderer::executeCallBlock(const Statement &statement, Scope *scope, std::string &out) {
  Value caller = heap.function({Function::What::macro, "caller", Value::none(), &statement, scope});
  const Expression &expression = *statement.expression;
  Value callee = evaluate(expression.parts.front(), scope);
  Arguments given = arguments(expression, scope);
  if (!failed() && caller.is(Kind::function))
    append(out, textOf(call(callee, std::move(given), caller.function)));
}
