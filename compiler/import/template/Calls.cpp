// Calls of macros, methods and global functions.
#include "compiler/import/template/Renderer.h"

using namespace gemmac::jinja;
using llvm::StringRef;

const Value *Arguments::get(size_t index, StringRef name) const {
  if (index < values.size())
    return &values[index];
  for (const auto &[known, value] : keywords)
    if (known == name)
      return &value;
  return nullptr;
}

Arguments Renderer::arguments(const Expression &call, Scope *scope) {
  Arguments result;
  for (size_t i = 1; i < call.parts.size() && !failed(); ++i)
    result.values.push_back(evaluate(call.parts[i], scope));
  for (const auto &[name, expression] : call.keywords)
    result.keywords.emplace_back(name, evaluate(expression, scope));
  return result;
}

Value Renderer::call(const Value &callee, Arguments arguments, const Function *caller) {
  Deeper deeper(*this);
  if (failed() || !step())
    return Value::undefined();
  if (callee.is(Kind::undefined))
    return fail("calls " + describe(callee));
  if (!callee.is(Kind::function))
    return fail("calls " + describe(callee) + ", expected a macro or a function");
  const Function &function = *callee.function;
  switch (function.what) {
  case Function::What::macro:
    return callMacro(function, arguments, caller);
  case Function::What::method:
    return callMethod(function.self, function.name, arguments);
  case Function::What::global:
    return callGlobal(function.name, arguments);
  }
  return Value::undefined();
}

Value Renderer::callMacro(const Function &function, const Arguments &arguments, const Function *caller) {
  const Statement &macro = *function.macro;
  Scope *inner = heap.scope(function.scope);
  size_t count = macro.parameters.size();
  for (size_t i = 0; i < count && !failed(); ++i) {
    const Parameter &parameter = macro.parameters[i];
    const Value *given = arguments.get(i, parameter.name);
    inner->variables.set(parameter.name, given                ? *given
                                         : parameter.fallback ? evaluate(parameter.fallback, inner)
                                                              : Value::undefined(parameter.name));
  }
  std::vector<Value> more(arguments.values.begin() + static_cast<int64_t>(std::min(count, arguments.values.size())),
                          arguments.values.end());
  inner->variables.set("varargs", heap.tuple(more));
  std::vector<Value> named;
  for (const auto &[name, value] : arguments.keywords)
    if (llvm::none_of(macro.parameters, [&](const Parameter &parameter) { return parameter.name == name; }))
      named.insert(named.end(), {Value::of(name), value});
  inner->variables.set("kwargs", heap.dict(named));
  if (caller)
    inner->variables.set("caller", Value::of(caller));
  Flow before = std::exchange(flow, Flow::on);
  int64_t loopsBefore = std::exchange(loopDepth, 0);
  std::string text;
  execute(macro.body, inner, text);
  flow = before;
  loopDepth = loopsBefore;
  return keep(text);
}

Value Renderer::callGlobal(StringRef name, const Arguments &arguments) {
  if (name == "range")
    return range(arguments);
  if (name == "dict")
    return makeDict(arguments);
  if (name == "raise_exception") {
    const Value *message = arguments.get(0, "message");
    return fail("the template says: " + (message ? StringRef(textOf(*message)).take_front(400) : "nothing").str());
  }
  if (name == "strftime_now") {
    date = true;
    const Value *format = arguments.get(0, "format");
    if (!format || !format->is(Kind::string))
      return fail("strftime_now() needs a format");
    struct tm fixed = {};
    fixed.tm_year = 126, fixed.tm_mday = 1, fixed.tm_wday = 4; // Thursday, 1 January 2026
    char text[256];
    size_t length = format->count < 100 ? strftime(text, sizeof text, format->text().str().c_str(), &fixed) : 0;
    return length ? keep({text, length}) : fail("strftime_now() cannot follow its format");
  }
  Namespace *made = heap.nameSpace(); // namespace()
  if (!arguments.values.empty() && arguments.values.front().is(Kind::dict))
    for (size_t i = 0; i < arguments.values.front().count; i += 2)
      if (const Value *pair = &arguments.values.front().items[i]; pair->is(Kind::string))
        made->set(pair->text(), pair[1]);
  for (const auto &[key, value] : arguments.keywords)
    made->set(key, value);
  return Value::of(made);
}

Value Renderer::range(const Arguments &arguments) {
  int64_t bounds[3] = {0, 0, 1};
  size_t count = arguments.values.size();
  if (count < 1 || count > 3 || !arguments.keywords.empty())
    return fail("range() takes one to three numbers");
  for (size_t i = 0; i < count; ++i) {
    if (!arguments.values[i].is(Kind::integer))
      return fail("range() got " + describe(arguments.values[i]) + ", expected whole numbers");
    bounds[count == 1 ? 1 : i] = arguments.values[i].integer;
  }
  if (bounds[2] == 0)
    return fail("range() with a step of 0");
  std::vector<Value> items;
  for (int64_t at = bounds[0]; bounds[2] > 0 ? at < bounds[1] : at > bounds[1];) {
    items.push_back(Value::of(at));
    if (items.size() > 100'000 || __builtin_add_overflow(at, bounds[2], &at))
      return fail("range() of more than 100000 numbers");
  }
  return keepList(items);
}

Value Renderer::makeDict(const Arguments &arguments) {
  std::vector<Value> items;
  if (!arguments.values.empty()) {
    if (!arguments.values.front().is(Kind::dict))
      return fail("dict() got " + describe(arguments.values.front()) + ", expected a mapping or named values");
    items = arguments.values.front().elements();
  }
  for (const auto &[key, value] : arguments.keywords) {
    size_t at = 0;
    while (at < items.size() && !equal(items[at], Value::of(key)))
      at += 2;
    if (at < items.size())
      items[at + 1] = value;
    else
      items.insert(items.end(), {Value::of(key), value});
  }
  return heap.dict(items);
}
