// Filters of texts and numbers. Jinja's own, with transformers' tojson; those that make HTML are not known.
#include "compiler/import/template/Renderer.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

using namespace gemmac::jinja;
using llvm::StringRef;

Value Renderer::filter(const Expression &expression, const Value &input, Scope *scope) {
  Arguments given = arguments(expression, scope);
  return failed() ? input : filter(expression.text, input, given);
}

Value Renderer::filter(StringRef name, const Value &input, const Arguments &arguments) {
  Deeper deeper(*this);
  Value result;
  if (failed() || !step(1 + sizeOf(input) / 16))
    return result;
  if (textFilter(name, input, arguments, result) || numberFilter(name, input, arguments, result) ||
      listFilter(name, input, arguments, result) || orderFilter(name, input, arguments, result))
    return result;
  return fail("filter '" + name.take_front(40) + "' is not known here");
}

bool Renderer::textFilter(StringRef name, const Value &input, const Arguments &arguments, Value &result) {
  if (name == "trim")
    result = strip(keep(textOf(input)).text(), arguments.get(0, "chars"), true, true);
  else if (name == "upper" || name == "lower" || name == "title" || name == "capitalize")
    result = changeCase(name, textOf(input));
  else if (name == "string")
    result = input.is(Kind::string) ? input : keep(textOf(input));
  else if (name == "safe" || name == "escape" || name == "e") {
    result = input.is(Kind::string) ? input : keep(textOf(input));
    if (name != "safe" && result.text().find_first_of("<>&'\"") != StringRef::npos)
      fail("filter '" + name + "' makes HTML, which is not known here");
  } else if (name == "replace")
    result = replace(keep(textOf(input)).text(), arguments);
  else if (name == "tojson")
    result = toJson(input, arguments);
  else if (name == "indent")
    result = indent(input, arguments);
  else if (name == "wordcount") {
    int64_t words = 0;
    std::string text = textOf(input);
    for (StringRef rest = stripLeft(text); !rest.empty(); rest = stripLeft(rest), ++words)
      while (!rest.empty() && !isSpace(codePoint(rest)))
        rest = rest.drop_front(characterBytes(rest));
    result = Value::of(words);
  } else if (name == "default" || name == "d") {
    const Value *fallback = arguments.get(0, "default_value"), *falsy = arguments.get(1, "boolean");
    bool useless = input.is(Kind::undefined) || (falsy && isTrue(*falsy) && !isTrue(input));
    result = !useless ? input : fallback ? *fallback : Value::of(StringRef(""));
  } else
    return false;
  return true;
}

Value Renderer::changeCase(StringRef name, StringRef text) {
  if (llvm::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
    return fail("'" + name + "' of letters outside of ASCII is not known here");
  std::string changed;
  for (bool wordStarts = true; char c : text) {
    bool up = name == "upper" || (wordStarts && name != "lower");
    changed += up ? llvm::toUpper(c) : llvm::toLower(c);
    // A title's words: Jinja's filter cuts at white space and brackets, Python's method at all that is no letter.
    bool cuts = name == "title" ? StringRef(" \t\n\r\v\f-([{<").contains(c) : !llvm::isAlpha(c);
    wordStarts = name != "capitalize" && cuts;
  }
  return keep(changed);
}

Value Renderer::toJson(const Value &input, const Arguments &arguments) {
  JsonStyle style;
  if (const Value *ascii = arguments.get(0, "ensure_ascii"))
    style.escapeUnicode = isTrue(*ascii);
  if (const Value *indent = arguments.get(1, "indent"); indent && !indent->is(Kind::none)) {
    if (!indent->is(Kind::integer) || indent->integer < 0 || indent->integer > 16)
      return fail("tojson: indent is " + describe(*indent) + ", expected a number from 0 to 16");
    style.indent = static_cast<int>(indent->integer);
    style.itemSeparator = ",";
  }
  if (const Value *separators = arguments.get(2, "separators"); separators && !separators->is(Kind::none)) {
    if (!separators->isSequence() || separators->count != 2 || !separators->items[0].is(Kind::string) ||
        !separators->items[1].is(Kind::string) || separators->items[0].count + separators->items[1].count > 32)
      return fail("tojson: separators are " + describe(*separators) + ", expected two short strings");
    style.itemSeparator = separators->items[0].text();
    style.keySeparator = separators->items[1].text();
  }
  if (const Value *sorted = arguments.get(3, "sort_keys"))
    style.sortKeys = isTrue(*sorted);
  std::string text;
  if (!appendJson(input, style, text))
    return fail("tojson cannot write " + describe(input) +
                ": too long, too deep, or with something that JSON lacks in it");
  return keep(text);
}

Value Renderer::indent(const Value &input, const Arguments &arguments) {
  const Value *width = arguments.get(0, "width"), *first = arguments.get(1, "first"),
              *blank = arguments.get(2, "blank");
  std::string margin(4, ' ');
  if (width && width->is(Kind::string))
    margin = width->text();
  else if (width && width->is(Kind::integer) && width->integer >= 0 && width->integer <= 1000)
    margin.assign(static_cast<size_t>(width->integer), ' ');
  else if (width)
    return fail("indent: width is " + describe(*width) + ", expected a string or a number from 0 to 1000");
  std::string source = textOf(input), text;
  bool all = blank && isTrue(*blank);
  llvm::SmallVector<StringRef> lines;
  StringRef(source).split(lines, '\n');
  if (first && isTrue(*first))
    append(text, margin);
  for (size_t i = 0; i < lines.size() && !failed(); ++i) {
    if (i > 0)
      append(text, "\n");
    if (i > 0 && (all || !lines[i].empty()))
      append(text, margin);
    append(text, lines[i]);
  }
  return keep(text);
}

/// int() and float() of a text, as Python reads them; `fallback` for what is none.
static std::optional<double> readNumber(StringRef text) {
  std::string digits;
  for (char c : strip(text))
    if (c != '_')
      digits += c;
  StringRef rest = digits;
  bool negative = rest.consume_front("-");
  if (!negative)
    rest.consume_front("+");
  double value = 0;
  auto [end, code] = std::from_chars(rest.begin(), rest.end(), value);
  if (rest.empty() || !(llvm::isDigit(rest.front()) || rest.front() == '.') || code != std::errc() || end != rest.end())
    return std::nullopt;
  return negative ? -value : value;
}

bool Renderer::numberFilter(StringRef name, const Value &input, const Arguments &arguments, Value &result) {
  if (name == "int" || name == "float") {
    const Value *given = arguments.get(0, "default");
    Value fallback = given ? *given : name == "int" ? Value::of(int64_t{0}) : Value::of(0.0);
    std::optional<double> number;
    if (input.isNumber())
      number = input.number();
    else if (input.is(Kind::string))
      number = readNumber(input.text());
    int64_t whole = 0;
    const Value *base = name == "int" ? arguments.get(1, "base") : nullptr;
    if (base && base->is(Kind::integer) && base->integer != 10)
      fail("int: numbers to another base are not known here");
    if (name == "float")
      result = number ? Value::of(*number) : fallback;
    else if (input.is(Kind::integer))
      result = input;
    else if (input.is(Kind::string) && !jinja::strip(input.text()).getAsInteger(10, whole))
      result = Value::of(whole);
    else
      result = number && std::fabs(*number) < 9e18 ? Value::of(static_cast<int64_t>(*number)) : fallback;
  } else if (name == "abs") {
    if (!input.isNumber())
      fail("abs of " + describe(input));
    else
      result = input.is(Kind::real)      ? Value::of(std::fabs(input.real))
               : input.number() < 0      ? integers('-', 0, input.integer)
               : input.is(Kind::boolean) ? Value::of(int64_t{input.truth})
                                         : input;
  } else if (name == "round")
    result = round(input, arguments);
  else
    return false;
  return true;
}

Value Renderer::round(const Value &input, const Arguments &arguments) {
  const Value *precision = arguments.get(0, "precision"), *method = arguments.get(1, "method");
  StringRef how = method && method->is(Kind::string) ? method->text() : "common";
  int64_t places = precision && precision->is(Kind::integer) ? precision->integer : 0;
  if (!input.isNumber() || places < 0 || places > 15 || (how != "common" && how != "ceil" && how != "floor"))
    return fail("round takes a number, 0 to 15 places, and 'common', 'ceil' or 'floor'");
  double factor = std::pow(10.0, static_cast<double>(places)), value = input.number();
  if (how != "common")
    return Value::of((how == "ceil" ? std::ceil(value * factor) : std::floor(value * factor)) / factor);
  if (input.is(Kind::integer))
    return input;
  char digits[400]; // the exact decimal value, rounded half to even, as Python does
  auto end = std::to_chars(digits, digits + sizeof digits, value, std::chars_format::fixed, static_cast<int>(places));
  double rounded = value;
  if (end.ec == std::errc())
    std::from_chars(digits, end.ptr, rounded);
  return Value::of(rounded);
}
