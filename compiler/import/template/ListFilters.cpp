// Filters of lists and mappings.
#include "compiler/import/template/Renderer.h"

#include "llvm/ADT/StringExtras.h"

using namespace gemmac::jinja;
using llvm::StringRef;

bool Renderer::listFilter(StringRef name, const Value &input, const Arguments &arguments, Value &result) {
  if (name == "length" || name == "count") {
    if (!isIterable(input))
      fail("length of " + describe(input));
    size_t size = input.is(Kind::string) ? countCharacters(input.text())
                  : input.is(Kind::dict) ? input.count / 2
                                         : sizeOf(input);
    result = Value::of(static_cast<int64_t>(size));
  } else if (name == "list") {
    result = keepList(iterate(input));
  } else if (name == "first" || name == "last") {
    std::vector<Value> items = iterate(input);
    result = items.empty() ? Value::undefined() : name == "first" ? items.front() : items.back();
  } else if (name == "join") {
    result = join(input, arguments);
  } else if (name == "map") {
    result = map(input, arguments);
  } else if (name == "select" || name == "reject") {
    result = select(input, arguments, name == "select", false);
  } else if (name == "selectattr" || name == "rejectattr") {
    result = select(input, arguments, name == "selectattr", true);
  } else if (name == "items") {
    if (!input.is(Kind::dict) && !input.is(Kind::undefined))
      fail("items of " + describe(input));
    result = input.is(Kind::dict) ? dictMethod(input, "items", {}) : heap.list({});
  } else if (name == "attr") {
    const Value *attributeName = arguments.get(0, "name");
    if (!attributeName || !attributeName->is(Kind::string))
      fail("attr needs the name of an attribute");
    else if (input.is(Kind::dict)) // never an item
      result = hasMethod(input, attributeName->text()) ? attribute(input, attributeName->text()) : Value::undefined();
    else
      result = attribute(input, attributeName->text());
  } else if (name == "reverse") {
    std::vector<Value> items = iterate(input);
    std::string text;
    std::reverse(items.begin(), items.end());
    if (input.is(Kind::string))
      for (const Value &character : items)
        text += character.text();
    result = input.is(Kind::string) ? keep(text) : keepList(items);
  } else if (name == "batch" || name == "slice") {
    result = name == "batch" ? batch(input, arguments) : fail("filter 'slice' is not known here");
  } else {
    return false;
  }
  return true;
}

bool Renderer::orderFilter(StringRef name, const Value &input, const Arguments &arguments, Value &result) {
  if (name == "sort")
    result = sort(input, arguments);
  else if (name == "dictsort")
    result = dictSort(input, arguments);
  else if (name == "unique")
    result = unique(input, arguments);
  else if (name == "min" || name == "max")
    result = extreme(input, arguments, name == "min" ? -1 : 1);
  else if (name == "groupby")
    result = groupBy(input, arguments);
  else if (name == "sum") {
    const Value *path = arguments.get(0, "attribute"), *start = arguments.get(1, "start");
    result = start ? *start : Value::of(int64_t{0});
    for (const Value &item : iterate(input))
      result = failed() ? result : binary("+", result, path ? attributePath(item, *path) : item);
  } else
    return false;
  return true;
}

/// As Jinja's make_attrgetter: parts between points are items or attributes, whole numbers are indices.
Value Renderer::attributePath(Value value, const Value &path) {
  if (!path.is(Kind::string))
    return failed() ? value : subscript(value, path);
  llvm::SmallVector<StringRef> parts;
  path.text().split(parts, '.');
  for (StringRef part : parts) {
    int64_t index = 0;
    bool isIndex = !part.empty() && llvm::all_of(part, llvm::isDigit) && !part.getAsInteger(10, index);
    if (failed() || !step())
      break;
    value = subscript(value, isIndex ? Value::of(index) : Value::of(part));
  }
  return value;
}

Value Renderer::join(const Value &input, const Arguments &arguments) {
  const Value *separator = arguments.get(0, "d"), *path = arguments.get(1, "attribute");
  std::string text, between = separator ? textOf(*separator) : "";
  bool first = true;
  for (const Value &item : iterate(input)) {
    if (failed())
      break;
    if (!first)
      append(text, between);
    first = false;
    append(text, textOf(path ? attributePath(item, *path) : item));
  }
  return keep(text);
}

Value Renderer::map(const Value &input, const Arguments &arguments) {
  std::vector<Value> items = iterate(input), result;
  const Value *path = arguments.values.empty() ? arguments.get(0, "attribute") : nullptr;
  const Value *fallback = arguments.values.empty() ? arguments.get(1, "default") : nullptr;
  if (!path && (arguments.values.empty() || !arguments.values.front().is(Kind::string)))
    return failed() ? input : fail("map needs the name of a filter, or attribute=");
  Arguments rest;
  if (!path) {
    rest.values.assign(arguments.values.begin() + 1, arguments.values.end());
    rest.keywords = arguments.keywords;
  }
  for (const Value &item : items) {
    if (failed())
      break;
    Value value = path ? attributePath(item, *path) : filter(arguments.values.front().text(), item, rest);
    result.push_back(value.is(Kind::undefined) && fallback ? *fallback : value);
  }
  return keepList(result);
}

Value Renderer::select(const Value &input, const Arguments &arguments, bool wanted, bool byAttribute) {
  std::vector<Value> result;
  size_t nameAt = byAttribute ? 1 : 0;
  if (byAttribute && arguments.values.empty())
    return fail("selectattr and rejectattr need the name of an attribute");
  bool named = arguments.values.size() > nameAt;
  if (named && !arguments.values[nameAt].is(Kind::string))
    return fail("the name of a test is " + describe(arguments.values[nameAt]));
  llvm::ArrayRef<Value> rest(arguments.values);
  rest = rest.drop_front(std::min(rest.size(), nameAt + 1));
  for (const Value &item : iterate(input)) {
    if (failed() || !step())
      break;
    Value value = byAttribute ? attributePath(item, arguments.values.front()) : item;
    bool holds = failed() ? false : named ? test(arguments.values[nameAt].text(), value, rest) : isTrue(value);
    if (holds == wanted)
      result.push_back(item);
  }
  return keepList(result);
}

/// Texts are compared without case, as far as that is ASCII's.
static Value lowered(Heap &heap, const Value &key) {
  return key.is(Kind::string) ? heap.string(key.text().lower()) : key;
}

Value Renderer::sort(const Value &input, const Arguments &arguments) {
  const Value *reverse = arguments.get(0, "reverse"), *cased = arguments.get(1, "case_sensitive"),
              *path = arguments.get(2, "attribute");
  std::vector<Keyed> items;
  for (const Value &item : iterate(input)) {
    Value key = path ? attributePath(item, *path) : item;
    if (!step(items.size()))
      break;
    if (!insertSorted(items, {cased && isTrue(*cased) ? key : lowered(heap, key), item}, reverse && isTrue(*reverse)))
      return fail("sorts values that have no order");
  }
  std::vector<Value> result;
  for (const Keyed &one : items)
    result.push_back(one.value);
  return keepList(result);
}

Value Renderer::dictSort(const Value &input, const Arguments &arguments) {
  const Value *cased = arguments.get(0, "case_sensitive"), *by = arguments.get(1, "by"),
              *reverse = arguments.get(2, "reverse");
  bool byValue = by && by->is(Kind::string) && by->text() == "value";
  if (!input.is(Kind::dict))
    return fail("dictsort of " + describe(input));
  std::vector<Keyed> items;
  for (size_t i = 0; i < input.count && step(items.size()); i += 2) {
    Value key = input.items[byValue ? i + 1 : i], pair = heap.tuple({input.items[i], input.items[i + 1]});
    if (!insertSorted(items, {cased && isTrue(*cased) ? key : lowered(heap, key), pair}, reverse && isTrue(*reverse)))
      return fail("sorts values that have no order");
  }
  std::vector<Value> result;
  for (const Keyed &one : items)
    result.push_back(one.value);
  return keepList(result);
}

Value Renderer::unique(const Value &input, const Arguments &arguments) {
  const Value *cased = arguments.get(0, "case_sensitive"), *path = arguments.get(1, "attribute");
  std::vector<Value> seen, result;
  for (const Value &item : iterate(input)) {
    if (failed() || !step(seen.size()))
      break;
    Value key = path ? attributePath(item, *path) : item;
    key = cased && isTrue(*cased) ? key : lowered(heap, key);
    if (llvm::any_of(seen, [&](const Value &one) { return equal(one, key); }))
      continue;
    seen.push_back(key);
    result.push_back(item);
  }
  return keepList(result);
}

Value Renderer::extreme(const Value &input, const Arguments &arguments, int sign) {
  const Value *cased = arguments.get(0, "case_sensitive"), *path = arguments.get(1, "attribute");
  std::optional<Keyed> best;
  for (const Value &item : iterate(input)) {
    Value key = path ? attributePath(item, *path) : item;
    key = cased && isTrue(*cased) ? key : lowered(heap, key);
    std::optional<int> order = best ? compare(key, best->key) : sign;
    if (!order || failed())
      return fail("compares values that have no order");
    if (*order * sign > 0)
      best = Keyed{key, item};
  }
  return best ? best->value : Value::undefined();
}

Value Renderer::groupBy(const Value &input, const Arguments &arguments) {
  const Value *path = arguments.get(0, "attribute"), *fallback = arguments.get(1, "default");
  if (!path)
    return fail("groupby needs an attribute");
  std::vector<Keyed> items;
  for (const Value &item : iterate(input)) {
    Value key = attributePath(item, *path);
    if (!step(items.size()))
      break;
    if (!insertSorted(items, {lowered(heap, key.is(Kind::undefined) && fallback ? *fallback : key), item}))
      return fail("sorts values that have no order");
  }
  std::vector<Value> result;
  for (size_t begin = 0; begin < items.size();) {
    std::vector<Value> group;
    size_t end = begin;
    for (; end < items.size() && equal(items[end].key, items[begin].key); ++end)
      group.push_back(items[end].value);
    Value key = attributePath(items[begin].value, *path); // as it is spelled
    result.push_back(heap.tuple({key.is(Kind::undefined) && fallback ? *fallback : key, heap.list(group)}));
    begin = end;
  }
  return keepList(result);
}

Value Renderer::batch(const Value &input, const Arguments &arguments) {
  const Value *size = arguments.get(0, "linecount"), *fill = arguments.get(1, "fill_with");
  if (!size || !size->is(Kind::integer) || size->integer < 1 || size->integer > 100'000)
    return fail("batch needs a number from 1 to 100000");
  std::vector<Value> items = iterate(input), rows;
  auto width = static_cast<size_t>(size->integer);
  for (size_t at = 0; at < items.size(); at += width) {
    std::vector<Value> row(items.begin() + static_cast<int64_t>(at),
                           items.begin() + static_cast<int64_t>(std::min(items.size(), at + width)));
    while (fill && !fill->is(Kind::none) && row.size() < width)
      row.push_back(*fill);
    rows.push_back(keepList(row));
  }
  return keepList(rows);
}
