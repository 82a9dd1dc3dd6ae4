// Methods of Python's strings, lists and mappings. Those that change their object are errors, as in transformers.
#include "compiler/import/template/Renderer.h"

#include "llvm/ADT/StringExtras.h"

using namespace gemmac::jinja;
using llvm::StringRef;

static constexpr StringRef stringMethods[] = {
    "split",        "rsplit",       "splitlines", "strip",   "lstrip",  "rstrip",  "startswith", "endswith", "upper",
    "lower",        "title",        "capitalize", "replace", "find",    "rfind",   "index",      "count",    "join",
    "removeprefix", "removesuffix", "isdigit",    "isalpha", "isalnum", "isspace", "isupper",    "islower",  "format"};
static constexpr StringRef dictMethods[] = {"get",    "items", "keys",       "values", "copy",
                                            "update", "pop",   "setdefault", "clear"};
static constexpr StringRef listMethods[] = {"index", "count",  "copy",  "append", "extend", "insert",
                                            "pop",   "remove", "clear", "sort",   "reverse"};
static constexpr StringRef loopMethods[] = {"cycle"};

static llvm::ArrayRef<StringRef> methodsOf(const Value &object) {
  switch (object.kind) {
  case Kind::string:
    return stringMethods;
  case Kind::dict:
    return dictMethods;
  case Kind::list:
    return listMethods;
  case Kind::tuple:
    return llvm::ArrayRef(listMethods).take_front(2);
  case Kind::loop:
    return loopMethods;
  default:
    return {};
  }
}

bool Renderer::hasMethod(const Value &object, StringRef name) const {
  return llvm::is_contained(methodsOf(object), name);
}

Value Renderer::callMethod(const Value &object, StringRef name, const Arguments &arguments) {
  if (!step(1 + sizeOf(object) / 16))
    return object;
  if (object.is(Kind::string))
    return stringMethod(object.text(), name, arguments);
  if (object.is(Kind::dict))
    return dictMethod(object, name, arguments);
  if (object.is(Kind::loop))
    return loopMethod(object, name, arguments);
  return listMethod(object, name, arguments);
}

Value Renderer::dictMethod(const Value &object, StringRef name, const Arguments &arguments) {
  if (name == "get") {
    const Value *key = arguments.get(0, "key"), *fallback = arguments.get(1, "default");
    const Value *found = key ? find(object, *key) : nullptr;
    return !key ? fail("get() needs a key") : found ? *found : fallback ? *fallback : Value::none();
  }
  if (name == "copy")
    return object;
  bool keys = name != "values", values = name != "keys";
  if (name != "keys" && name != "values" && name != "items")
    return fail("'" + name + "' changes a mapping, which chat templates may not");
  std::vector<Value> items;
  for (size_t i = 0; i < object.count && step(); i += 2)
    items.push_back(keys && values ? heap.tuple({object.items[i], object.items[i + 1]})
                                   : object.items[values ? i + 1 : i]);
  return keepList(items);
}

Value Renderer::listMethod(const Value &object, StringRef name, const Arguments &arguments) {
  if (name == "copy")
    return object;
  const Value *wanted = arguments.get(0, "value");
  if ((name != "index" && name != "count") || !wanted)
    return fail("'" + name + "' " +
                (wanted || name == "pop" ? "changes a list, which chat templates may not" : "needs a value"));
  int64_t count = 0;
  for (size_t i = 0; i < object.count && step(); ++i) {
    bool same = equal(object.items[i], *wanted);
    if (same && name == "index")
      return Value::of(static_cast<int64_t>(i));
    count += same;
  }
  return name == "count" ? Value::of(count) : fail("index(): the list lacks the value");
}

Value Renderer::loopMethod(const Value &object, StringRef name, const Arguments &arguments) {
  if (arguments.values.empty())
    return fail("cycle() needs values");
  return arguments.values[object.loop->index % arguments.values.size()];
}

/// Methods that say whether all characters are of a kind. Letters outside of ASCII are not known.
static std::optional<bool> classify(StringRef text, StringRef name) {
  bool (*holds)(char) = name == "isdigit"   ? static_cast<bool (*)(char)>(llvm::isDigit)
                        : name == "isalpha" ? static_cast<bool (*)(char)>(llvm::isAlpha)
                        : name == "isalnum" ? static_cast<bool (*)(char)>(llvm::isAlnum)
                                            : nullptr;
  if (holds)
    return !text.empty() && llvm::all_of(text, holds);
  if (name == "isspace")
    return !text.empty() && strip(text).empty();
  if (name == "isupper" || name == "islower")
    return text.find_if(llvm::isAlpha) != StringRef::npos && (name == "isupper" ? text.upper() : text.lower()) == text;
  return std::nullopt;
}

Value Renderer::stringMethod(StringRef text, StringRef name, const Arguments &arguments) {
  if (name == "split" || name == "rsplit")
    return split(text, arguments, name == "rsplit");
  if (name == "splitlines")
    return splitLines(text, arguments);
  if (name == "strip" || name == "lstrip" || name == "rstrip")
    return strip(text, arguments.get(0, "chars"), name != "rstrip", name != "lstrip");
  if (name == "replace")
    return replace(text, arguments);
  if (name == "startswith" || name == "endswith" || name == "removeprefix" || name == "removesuffix")
    return affix(text, name, arguments);
  if (name == "find" || name == "rfind" || name == "index" || name == "count")
    return position(text, name, arguments);
  if (name == "join")
    return join(arguments.values.empty() ? Value::none() : arguments.values.front(), {{Value::of(text)}, {}});
  if (name == "format")
    return fail("format() is not known here; join texts with '~'");
  if (std::optional<bool> holds = classify(text, name)) {
    if (name != "isspace" && llvm::any_of(text, [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      return fail("'" + name + "' of letters outside of ASCII is not known here");
    return Value::of(*holds);
  }
  if (name == "title") // cut at all that is no letter
    name = "title()";
  return changeCase(name, text);
}

Value Renderer::split(StringRef text, const Arguments &arguments, bool fromRight) {
  const Value *separator = arguments.get(0, "sep"), *limit = arguments.get(1, "maxsplit");
  int64_t most = limit && limit->is(Kind::integer) && limit->integer >= 0 ? limit->integer : INT64_MAX;
  std::vector<Value> parts;
  bool atSpaces = !separator || separator->is(Kind::none);
  if (!atSpaces && (!separator->is(Kind::string) || separator->count == 0))
    return fail("split() got " + describe(*separator) + ", expected a string that is not empty");
  if (atSpaces && fromRight && most != INT64_MAX)
    return fail("rsplit() at white space with a limit is not known here");
  if (atSpaces) {
    for (StringRef rest = stripLeft(text); !rest.empty() && step(); rest = stripLeft(rest)) {
      if (static_cast<int64_t>(parts.size()) == most) {
        parts.push_back(Value::of(stripRight(rest)));
        break;
      }
      StringRef start = rest;
      while (!rest.empty() && !isSpace(codePoint(rest)))
        rest = rest.drop_front(characterBytes(rest));
      parts.push_back(Value::of(start.drop_back(rest.size())));
    }
    return keepList(parts);
  }
  StringRef cut = separator->text();
  for (int64_t count = 0; count < most && step(); ++count) {
    size_t at = fromRight ? text.rfind(cut) : text.find(cut);
    if (at == StringRef::npos)
      break;
    parts.push_back(Value::of(fromRight ? text.substr(at + cut.size()) : text.take_front(at)));
    text = fromRight ? text.take_front(at) : text.substr(at + cut.size());
  }
  parts.push_back(Value::of(text));
  if (fromRight)
    std::reverse(parts.begin(), parts.end());
  return keepList(parts);
}

Value Renderer::splitLines(StringRef text, const Arguments &arguments) {
  const Value *keepEnds = arguments.get(0, "keepends");
  std::vector<Value> lines;
  while (!text.empty() && step()) {
    size_t end = text.find_first_of("\n\r");
    size_t next = end == StringRef::npos ? text.size() : end + 1 + text.substr(end).starts_with("\r\n");
    lines.push_back(Value::of(text.take_front(keepEnds && isTrue(*keepEnds) ? next : end)));
    text = text.drop_front(next);
  }
  return keepList(lines);
}

Value Renderer::replace(StringRef text, const Arguments &arguments) {
  const Value *from = arguments.get(0, "old"), *to = arguments.get(1, "new"), *count = arguments.get(2, "count");
  if (!from || !to)
    return fail("replace needs what to look for and what to put there");
  std::string old = textOf(*from), with = textOf(*to), result;
  int64_t most = count && count->is(Kind::integer) && count->integer >= 0 ? count->integer : INT64_MAX;
  if (old.empty()) { // before every character and at the end
    for (; most > 0 && !failed(); --most) {
      append(result, with);
      if (text.empty())
        return keep(result);
      append(result, text.take_front(characterBytes(text)));
      text = text.drop_front(characterBytes(text));
    }
  }
  for (size_t at; most > 0 && !old.empty() && (at = text.find(old)) != StringRef::npos && !failed(); --most) {
    append(result, text.take_front(at));
    append(result, with);
    text = text.substr(at + old.size());
  }
  append(result, text);
  return keep(result);
}

Value Renderer::strip(StringRef text, const Value *characters, bool left, bool right) {
  if (characters && !characters->is(Kind::none)) {
    if (!characters->is(Kind::string))
      return fail("strip() got " + describe(*characters) + ", expected a string");
    if (llvm::any_of(characters->text(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }))
      return fail("strip() of characters outside of ASCII is not known here");
    text = left ? text.ltrim(characters->text()) : text;
    return Value::of(right ? text.rtrim(characters->text()) : text);
  }
  text = left ? stripLeft(text) : text;
  return Value::of(right ? stripRight(text) : text);
}

Value Renderer::affix(StringRef text, StringRef name, const Arguments &arguments) {
  const Value *given = arguments.get(0, "prefix");
  std::vector<Value> options;
  if (given && given->is(Kind::tuple))
    options = given->elements();
  else if (given)
    options = {*given};
  if (!given || !llvm::all_of(options, [](const Value &option) { return option.is(Kind::string); }))
    return fail("'" + name + "' got " + (given ? describe(*given) : "nothing") + ", expected a string");
  bool front = name == "startswith" || name == "removeprefix", removes = name.starts_with("remove");
  for (const Value &option : options) {
    bool there = front ? text.starts_with(option.text()) : text.ends_with(option.text());
    if (there && removes)
      return Value::of(front ? text.drop_front(option.count) : text.drop_back(option.count));
    if (there)
      return Value::of(true);
  }
  return removes ? Value::of(text) : Value::of(false);
}

Value Renderer::position(StringRef text, StringRef name, const Arguments &arguments) {
  if (arguments.values.size() != 1 || !arguments.values.front().is(Kind::string))
    return fail("'" + name + "' takes one string here");
  StringRef wanted = arguments.values.front().text();
  if (name == "count")
    return Value::of(static_cast<int64_t>(wanted.empty() ? countCharacters(text) + 1 : text.count(wanted)));
  size_t at = name == "rfind" ? text.rfind(wanted) : text.find(wanted);
  if (at == StringRef::npos)
    return name == "index" ? fail("index(): the text lacks it") : Value::of(int64_t{-1});
  return Value::of(static_cast<int64_t>(countCharacters(text.take_front(at))));
}
