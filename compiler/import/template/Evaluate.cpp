// Expressions, as Python and Jinja mean them.
#include "compiler/import/template/Renderer.h"

#include <cmath>

using namespace gemmac::jinja;
using llvm::StringRef;

Value Renderer::evaluate(const Expression *expression, Scope *scope) {
  Deeper deeper(*this);
  if (!step())
    return Value::undefined();
  int before = line;
  line = expression->line;
  Value result = evaluateParts(*expression, scope);
  if (!failed())
    line = before;
  return result;
}

Value Renderer::evaluateParts(const Expression &expression, Scope *scope) {
  auto part = [&](size_t index) { return evaluate(expression.parts[index], scope); };
  switch (expression.kind) {
  case Expression::Kind::constant:
    return expression.value;
  case Expression::Kind::name:
    return name(expression.text, scope);
  case Expression::Kind::list:
  case Expression::Kind::tuple: {
    std::vector<Value> items;
    for (size_t i = 0; i < expression.parts.size() && !failed(); ++i)
      items.push_back(part(i));
    return expression.kind == Expression::Kind::list ? keepList(items) : heap.tuple(items);
  }
  case Expression::Kind::dict:
    return dict(expression, scope);
  case Expression::Kind::logicalNot:
    return Value::of(!isTrue(part(0)));
  case Expression::Kind::negative:
  case Expression::Kind::positive: {
    Value value = part(0);
    if (!value.isNumber() && !failed())
      return fail("a sign stands before " + describe(value) + ", expected a number");
    if (value.is(Kind::real))
      return Value::of(expression.kind == Expression::Kind::negative ? -value.real : value.real);
    int64_t number = value.is(Kind::boolean) ? value.truth : value.integer;
    return expression.kind == Expression::Kind::negative ? integers('-', 0, number) : Value::of(number);
  }
  case Expression::Kind::logicalAnd: {
    Value left = part(0);
    return isTrue(left) ? part(1) : left;
  }
  case Expression::Kind::logicalOr: {
    Value left = part(0);
    return isTrue(left) ? left : part(1);
  }
  case Expression::Kind::binary: {
    Value left = part(0), right = part(1);
    return failed() ? left : binary(expression.text, left, right);
  }
  case Expression::Kind::comparison:
    return comparison(expression, scope);
  case Expression::Kind::conditional:
    if (isTrue(part(0)))
      return part(1);
    return expression.parts[2] ? part(2) : Value::undefined();
  case Expression::Kind::attribute:
    return attribute(part(0), expression.text);
  case Expression::Kind::subscript: {
    Value object = part(0), key = part(1);
    return failed() ? object : subscript(object, key);
  }
  case Expression::Kind::slice:
    return slice(expression, scope);
  case Expression::Kind::call: {
    Value callee = part(0);
    Arguments given = arguments(expression, scope);
    return failed() ? callee : call(callee, std::move(given));
  }
  case Expression::Kind::filter:
    return filter(expression, expression.parts[0] ? part(0) : name("", scope), scope);
  case Expression::Kind::test: {
    Value input = part(0);
    std::vector<Value> arguments;
    for (size_t i = 1; i < expression.parts.size() && !failed(); ++i)
      arguments.push_back(part(i));
    if (!expression.keywords.empty())
      return fail("tests take no arguments with names here");
    return failed() ? input : Value::of(test(expression.text, input, arguments));
  }
  }
  return Value::undefined();
}

/// Global functions are found behind all variables.
Value Renderer::name(StringRef name, Scope *scope) {
  for (; scope; scope = scope->parent)
    for (const auto &[known, value] : scope->variables.attributes)
      if (known == name)
        return value;
  static constexpr StringRef functions[] = {"range", "dict", "namespace", "raise_exception", "strftime_now"};
  if (llvm::is_contained(functions, name))
    return heap.function({Function::What::global, name, Value::none()});
  return Value::undefined(name);
}

Value Renderer::dict(const Expression &expression, Scope *scope) {
  std::vector<Value> items;
  for (size_t i = 0; i < expression.parts.size() && step(items.size()); i += 2) {
    Value key = evaluate(expression.parts[i], scope), value = evaluate(expression.parts[i + 1], scope);
    if (key.isSequence() || key.is(Kind::dict) || key.is(Kind::undefined))
      return fail("a key is " + describe(key) + ", expected a string, a number or a truth value");
    size_t at = 0;
    while (at < items.size() && !equal(items[at], key))
      at += 2;
    if (at < items.size())
      items[at + 1] = value;
    else
      items.insert(items.end(), {key, value});
  }
  return heap.dict(items);
}

Value Renderer::binary(StringRef symbol, const Value &left, const Value &right) {
  if (symbol == "~") {
    std::string text;
    append(text, textOf(left));
    append(text, textOf(right));
    return keep(text);
  }
  if (left.isNumber() && right.isNumber())
    return arithmetic(symbol, left, right);
  if (symbol == "+" && left.is(Kind::string) && right.is(Kind::string)) {
    std::string text;
    append(text, left.text());
    append(text, right.text());
    return keep(text);
  }
  if (symbol == "+" && left.isSequence() && left.kind == right.kind) {
    std::vector<Value> items(left.elements());
    if (!step(left.count + right.count))
      return left;
    items.insert(items.end(), right.elements().begin(), right.elements().end());
    return left.is(Kind::list) ? heap.list(items) : heap.tuple(items);
  }
  auto isTimes = [](const Value &value) { return value.is(Kind::integer) || value.is(Kind::boolean); };
  if (symbol == "*" && isTimes(right) && (left.is(Kind::string) || left.isSequence()))
    return repeated(left, static_cast<int64_t>(right.number()));
  if (symbol == "*" && isTimes(left) && (right.is(Kind::string) || right.isSequence()))
    return repeated(right, static_cast<int64_t>(left.number()));
  return fail("'" + symbol + "' stands between " + describe(left) + " and " + describe(right));
}

Value Renderer::repeated(const Value &value, int64_t times) {
  times = std::max<int64_t>(0, value.count == 0 ? 0 : times);
  if (times > 1'000'000 || !step(value.count * static_cast<size_t>(times)))
    return fail("repeats something too often");
  if (value.is(Kind::string)) {
    std::string text;
    for (int64_t i = 0; i < times; ++i)
      append(text, value.text());
    return keep(text);
  }
  std::vector<Value> items;
  for (int64_t i = 0; i < times; ++i)
    items.insert(items.end(), value.elements().begin(), value.elements().end());
  return value.is(Kind::list) ? heap.list(items) : heap.tuple(items);
}

Value Renderer::integers(char symbol, int64_t left, int64_t right) {
  int64_t result = 0;
  bool overflow = symbol == '+'   ? __builtin_add_overflow(left, right, &result)
                  : symbol == '-' ? __builtin_sub_overflow(left, right, &result)
                                  : __builtin_mul_overflow(left, right, &result);
  return overflow ? fail("a number has more than 63 bits") : Value::of(result);
}

Value Renderer::arithmetic(StringRef symbol, const Value &left, const Value &right) {
  bool real = left.is(Kind::real) || right.is(Kind::real) || symbol == "/";
  double x = left.number(), y = right.number();
  if ((symbol == "/" || symbol == "//" || symbol == "%") && y == 0)
    return fail("divides by zero");
  if (real) {
    double quotient = std::floor(x / y);
    return Value::of(symbol == "+"    ? x + y
                     : symbol == "-"  ? x - y
                     : symbol == "*"  ? x * y
                     : symbol == "/"  ? x / y
                     : symbol == "//" ? quotient
                     : symbol == "%"  ? x - quotient * y
                                      : std::pow(x, y));
  }
  int64_t a = left.is(Kind::boolean) ? left.truth : left.integer,
          b = right.is(Kind::boolean) ? right.truth : right.integer;
  if (symbol == "//" || symbol == "%") {
    if (b == -1)
      return symbol == "%" ? Value::of(int64_t{0}) : integers('-', 0, a);
    int64_t quotient = a / b, rest = a % b;
    if (rest != 0 && (rest < 0) != (b < 0)) {
      --quotient;
      rest += b;
    }
    return Value::of(symbol == "//" ? quotient : rest);
  }
  if (symbol != "**")
    return integers(symbol.front(), a, b);
  if (b < 0)
    return Value::of(std::pow(x, y));
  Value power = Value::of(int64_t{1});
  for (int64_t i = 0; i < b && step() && power.integer != 0 && a != 1; ++i)
    power = integers('*', power.integer, a);
  return power;
}

Value Renderer::comparison(const Expression &expression, Scope *scope) {
  Value left = evaluate(expression.parts.front(), scope);
  for (size_t i = 0; i < expression.operators.size() && !failed(); ++i) {
    Value right = evaluate(expression.parts[i + 1], scope);
    if (failed() || !compares(expression.operators[i], left, right))
      return Value::of(false);
    left = right;
  }
  return Value::of(true);
}

bool Renderer::compares(StringRef symbol, const Value &left, const Value &right) {
  step((sizeOf(left) + sizeOf(right)) / 64);
  if (symbol == "==" || symbol == "!=")
    return equal(left, right) == (symbol == "==");
  if (symbol == "in" || symbol == "not in")
    return contains(right, left) == (symbol == "in");
  std::optional<int> order = jinja::compare(left, right);
  if (!order) {
    fail("'" + symbol + "' stands between " + describe(left) + " and " + describe(right));
    return false;
  }
  return symbol == "<" ? *order < 0 : symbol == "<=" ? *order <= 0 : symbol == ">" ? *order > 0 : *order >= 0;
}

bool Renderer::contains(const Value &container, const Value &item) {
  if (container.is(Kind::undefined))
    return false;
  if (container.is(Kind::string) && item.is(Kind::string)) {
    step(container.count / 16);
    return container.text().contains(item.text());
  }
  if (container.is(Kind::dict)) {
    step(container.count);
    return find(container, item) != nullptr;
  }
  if (!container.isSequence()) {
    fail("looks for " + describe(item) + " in " + describe(container));
    return false;
  }
  step(container.count);
  return llvm::any_of(container.elements(), [&](const Value &element) { return equal(element, item); });
}

Value Renderer::loopAttribute(const Loop &loop, StringRef name) {
  auto index = static_cast<int64_t>(loop.index), length = static_cast<int64_t>(loop.items.size());
  if (name == "index0" || name == "index")
    return Value::of(index + (name == "index"));
  if (name == "revindex0" || name == "revindex")
    return Value::of(length - index - (name == "revindex0"));
  if (name == "first")
    return Value::of(index == 0);
  if (name == "last")
    return Value::of(index + 1 == length);
  if (name == "length")
    return Value::of(length);
  if (name == "depth0" || name == "depth")
    return Value::of(int64_t{name == "depth"}); // there are no recursive loops
  if (name == "previtem")
    return index > 0 ? loop.items[loop.index - 1] : Value::undefined("previtem");
  if (name == "nextitem")
    return index + 1 < length ? loop.items[loop.index + 1] : Value::undefined("nextitem");
  return Value::undefined(name);
}

/// object.name: a method before an item of that name.
Value Renderer::attribute(const Value &object, StringRef name) {
  if (failed())
    return object;
  if (object.is(Kind::undefined))
    return fail("takes '" + name + "' of " + describe(object));
  if (hasMethod(object, name))
    return heap.function({Function::What::method, name, object});
  if (object.is(Kind::nameSpace))
    return object.nameSpace->get(name);
  if (object.is(Kind::loop))
    return loopAttribute(*object.loop, name);
  if (object.is(Kind::dict)) {
    step(object.count / 2);
    if (const Value *found = find(object, name))
      return *found;
  }
  return Value::undefined(name);
}

/// object[key]: an item before a method of that name.
Value Renderer::subscript(const Value &object, const Value &key) {
  if (object.is(Kind::undefined))
    return fail("takes an item of " + describe(object));
  if (object.is(Kind::dict)) {
    step(object.count / 2);
    if (const Value *found = find(object, key))
      return *found;
  }
  if (key.is(Kind::string))
    return attribute(object, key.text());
  bool isIndex = key.is(Kind::integer) || key.is(Kind::boolean);
  if (!isIndex || !(object.isSequence() || object.is(Kind::string)))
    return Value::undefined();
  auto at = static_cast<int64_t>(key.number());
  auto length = static_cast<int64_t>(object.is(Kind::string) ? countCharacters(object.text()) : object.count);
  if (at < 0)
    at += length;
  if (at < 0 || at >= length)
    return Value::undefined();
  return object.is(Kind::string) ? iterate(object)[static_cast<size_t>(at)] : object.items[at];
}

Value Renderer::slice(const Expression &expression, Scope *scope) {
  Value object = evaluate(expression.parts[0], scope);
  Value bounds[3];
  for (size_t i = 0; i < 3; ++i) {
    bounds[i] = expression.parts[i + 1] ? evaluate(expression.parts[i + 1], scope) : Value::none();
    if (!bounds[i].is(Kind::none) && !bounds[i].is(Kind::integer))
      return failed() ? object : fail("a slice's bound is " + describe(bounds[i]) + ", expected a whole number");
  }
  if (object.is(Kind::undefined))
    return fail("takes a part of " + describe(object));
  if (!object.isSequence() && !object.is(Kind::string))
    return Value::undefined();
  std::vector<Value> items = iterate(object);
  auto length = static_cast<int64_t>(items.size());
  int64_t stride = bounds[2].is(Kind::none) ? 1 : bounds[2].integer;
  if (stride == 0 || stride == INT64_MIN)
    return fail("a slice's step is " + llvm::Twine(stride));
  int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? length : length - 1;
  auto clamp = [&](const Value &bound, int64_t fallback) {
    if (bound.is(Kind::none))
      return fallback;
    return std::clamp(bound.integer < 0 ? std::max(bound.integer, -length - 1) + length : bound.integer, low, high);
  };
  int64_t from = clamp(bounds[0], stride > 0 ? low : high), to = clamp(bounds[1], stride > 0 ? high : low);
  std::vector<Value> taken;
  for (; stride > 0 ? from < to : from > to; from += std::clamp(stride, -length - 1, length + 1))
    taken.push_back(items[static_cast<size_t>(from)]);
  if (!object.is(Kind::string))
    return object.is(Kind::list) ? heap.list(taken) : heap.tuple(taken);
  std::string text;
  for (const Value &character : taken)
    text += character.text();
  return keep(text);
}

bool Renderer::isIterable(const Value &value) const {
  return value.isSequence() || value.is(Kind::string) || value.is(Kind::dict) || value.is(Kind::undefined);
}

std::vector<Value> Renderer::iterate(const Value &value) {
  std::vector<Value> items;
  if (failed() || !step(1 + sizeOf(value)))
    return items;
  if (value.isSequence()) {
    items = value.elements();
  } else if (value.is(Kind::dict)) {
    for (size_t i = 0; i < value.count; i += 2)
      items.push_back(value.items[i]);
  } else if (value.is(Kind::string)) {
    for (StringRef rest = value.text(); !rest.empty(); rest = rest.drop_front(characterBytes(rest)))
      items.push_back(Value::of(rest.take_front(characterBytes(rest))));
  } else if (!value.is(Kind::undefined)) {
    fail("goes through " + describe(value) + ", expected a list, a mapping or a string");
  }
  return items;
}
