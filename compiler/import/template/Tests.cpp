// What stands behind `is`.
#include "compiler/import/template/Renderer.h"

#include "llvm/ADT/StringExtras.h"

using namespace gemmac::jinja;
using llvm::StringRef;

bool Renderer::test(StringRef name, const Value &input, llvm::ArrayRef<Value> arguments) {
  static constexpr std::pair<StringRef, Kind> kinds[] = {{"none", Kind::none},       {"string", Kind::string},
                                                         {"mapping", Kind::dict},    {"boolean", Kind::boolean},
                                                         {"integer", Kind::integer}, {"float", Kind::real}};
  for (auto [known, kind] : kinds)
    if (name == known)
      return input.is(kind);
  if (name == "defined" || name == "undefined")
    return input.is(Kind::undefined) == (name == "undefined");
  if (name == "number")
    return input.isNumber();
  if (name == "iterable")
    return isIterable(input);
  if (name == "sequence") // has a length and items
    return isIterable(input);
  if (name == "callable")
    return input.is(Kind::function);
  if (name == "true" || name == "false")
    return input.is(Kind::boolean) && input.truth == (name == "true");
  if (name == "lower" || name == "upper")
    return input.is(Kind::string) && input.text().find_if(llvm::isAlpha) != StringRef::npos &&
           (name == "lower" ? input.text().lower() : input.text().upper()) == input.text();
  static constexpr std::pair<StringRef, StringRef> comparisons[] = {
      {"equalto", "=="}, {"eq", "=="}, {"==", "=="}, {"ne", "!="}, {"!=", "!="}, {"lt", "<"},
      {"lessthan", "<"}, {"<", "<"},   {"le", "<="}, {"<=", "<="}, {"gt", ">"},  {"greaterthan", ">"},
      {">", ">"},        {"ge", ">="}, {">=", ">="}, {"in", "in"}};
  for (auto [known, symbol] : comparisons) {
    if (name != known)
      continue;
    if (arguments.size() == 1)
      return compares(symbol, input, arguments.front());
    fail("test '" + name + "' takes one argument");
    return false;
  }
  if (name == "sameas" && arguments.size() == 1)
    return input.kind == arguments.front().kind && equal(input, arguments.front());
  bool divides = name == "divisibleby" && arguments.size() == 1;
  if (divides || name == "even" || name == "odd") {
    Value rest = arithmetic("%", input.isNumber() ? input : fail("test '" + name + "' of " + describe(input)),
                            divides ? arguments.front() : Value::of(int64_t{2}));
    return !failed() && equal(rest, Value::of(int64_t{name == "odd"}));
  }
  fail("test '" + name.take_front(40) + "' is not known here");
  return false;
}
