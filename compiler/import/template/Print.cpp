// Values as text: Python's str() and repr(), and JSON as json.dumps() writes it.
#include "compiler/import/template/Value.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>
#include <cmath>

using namespace gemmac::jinja;
using llvm::StringRef;

/// A float as Python prints it: the shortest digits that read back the same, an exponent outside 1e-4 to 1e16.
static std::string realText(double value) {
  if (std::isnan(value))
    return "nan";
  if (std::isinf(value))
    return value < 0 ? "-inf" : "inf";
  double size = std::fabs(value);
  bool fixed = size == 0 || (size >= 1e-4 && size < 1e16);
  char digits[64];
  auto end = std::to_chars(digits, digits + sizeof digits, value,
                           fixed ? std::chars_format::fixed : std::chars_format::scientific);
  std::string text(digits, end.ptr);
  if (fixed && text.find('.') == text.npos)
    text += ".0";
  return text;
}

static void appendEscaped(uint32_t code, std::string &out) {
  char hex[16];
  int digits = code < 0x100 ? 2 : code < 0x10000 ? 4 : 8;
  snprintf(hex, sizeof hex, "\\%c%0*x", digits == 2 ? 'x' : digits == 4 ? 'u' : 'U', digits, code);
  out += hex;
}

static void appendQuoted(StringRef text, std::string &out) {
  char quote = text.contains('\'') && !text.contains('"') ? '"' : '\'';
  out += quote;
  for (; !text.empty(); text = text.drop_front(characterBytes(text))) {
    uint32_t code = codePoint(text);
    if (code == '\n' || code == '\t' || code == '\r')
      (out += '\\') += code == '\n' ? 'n' : code == '\t' ? 't' : 'r';
    else if (code == '\\' || code == static_cast<uint32_t>(quote))
      (out += '\\') += static_cast<char>(code);
    else if (code < 0x20 || (code >= 0x7f && code <= 0xa0) || code == 0xad || (code > 0xff && isSpace(code)))
      appendEscaped(code, out);
    else
      out += text.take_front(characterBytes(text));
  }
  out += quote;
}

static bool appendRepr(const Value &value, std::string &out, int depth);

static bool appendItems(const Value &value, std::string &out, int depth) {
  bool isDict = value.is(Kind::dict);
  for (size_t i = 0; i < value.count; ++i) {
    if (i > 0)
      out += isDict && i % 2 == 1 ? ": " : ", ";
    if (!appendRepr(value.items[i], out, depth + 1))
      return false;
  }
  return true;
}

static bool appendRepr(const Value &value, std::string &out, int depth) {
  if (depth > mostNested || out.size() > mostText)
    return false;
  switch (value.kind) {
  case Kind::undefined:
    out += "Undefined";
    return true;
  case Kind::none:
    out += "None";
    return true;
  case Kind::boolean:
    out += value.truth ? "True" : "False";
    return true;
  case Kind::integer:
    out += std::to_string(value.integer);
    return true;
  case Kind::real:
    out += realText(value.real);
    return true;
  case Kind::string:
    appendQuoted(value.text(), out);
    return true;
  case Kind::list:
  case Kind::tuple:
  case Kind::dict: {
    const char *brackets = value.is(Kind::list) ? "[]" : value.is(Kind::dict) ? "{}" : "()";
    out += brackets[0];
    if (!appendItems(value, out, depth))
      return false;
    if (value.is(Kind::tuple) && value.count == 1)
      out += ',';
    out += brackets[1];
    return true;
  }
  default:
    out += "<" + describe(value) + ">";
    return true;
  }
}

bool gemmac::jinja::appendText(const Value &value, std::string &out) {
  if (value.is(Kind::undefined))
    return true;
  if (!value.is(Kind::string))
    return appendRepr(value, out, 0);
  out += value.text();
  return true;
}

static void appendJsonString(StringRef text, bool escapeUnicode, std::string &out) {
  out += '"';
  for (; !text.empty(); text = text.drop_front(characterBytes(text))) {
    uint32_t code = codePoint(text);
    static constexpr StringRef plain = "\"\\\n\r\t\b\f", letters = "\"\\nrtbf";
    size_t known = code < 0x80 ? plain.find(static_cast<char>(code)) : StringRef::npos;
    char hex[16];
    if (known != StringRef::npos) {
      (out += '\\') += letters[known];
    } else if (code < 0x20 || (escapeUnicode && code >= 0x7f && code < 0x10000)) {
      snprintf(hex, sizeof hex, "\\u%04x", code);
      out += code == 0x7f ? "\x7f" : hex;
    } else if (escapeUnicode && code >= 0x10000) {
      snprintf(hex, sizeof hex, "\\u%04x\\u%04x", 0xd7c0 + (code >> 10), 0xdc00 + (code & 0x3ff));
      out += hex;
    } else {
      out += text.take_front(characterBytes(text));
    }
  }
  out += '"';
}

static void breakLine(const JsonStyle &style, int depth, std::string &out) {
  if (style.indent)
    out.append(1, '\n').append(static_cast<size_t>(*style.indent) * static_cast<size_t>(depth), ' ');
}

/// The keys of a JSON object are strings; numbers, truth values and none become some.
static bool appendJsonKey(const Value &key, const JsonStyle &style, std::string &out) {
  if (key.is(Kind::string)) {
    appendJsonString(key.text(), style.escapeUnicode, out);
    return true;
  }
  if (!key.isNumber() && !key.is(Kind::none))
    return false;
  out += '"';
  appendJson(key, style, out);
  out += '"';
  return true;
}

static bool appendJsonObject(const Value &value, const JsonStyle &style, std::string &out, int depth) {
  std::vector<Keyed> pairs;
  for (size_t i = 0; i < value.count; i += 2) {
    Keyed pair = {value.items[i], value.items[i + 1]};
    if (!style.sortKeys)
      pairs.push_back(pair);
    else if (!insertSorted(pairs, pair))
      return false;
  }
  bool first = true;
  for (const Keyed &pair : pairs) {
    if (!first)
      out += style.itemSeparator;
    first = false;
    breakLine(style, depth + 1, out);
    if (!appendJsonKey(pair.key, style, out))
      return false;
    out += style.keySeparator;
    if (!appendJson(pair.value, style, out, depth + 1))
      return false;
  }
  return true;
}

static bool appendJsonArray(const Value &value, const JsonStyle &style, std::string &out, int depth) {
  for (size_t i = 0; i < value.count; ++i) {
    if (i > 0)
      out += style.itemSeparator;
    breakLine(style, depth + 1, out);
    if (!appendJson(value.items[i], style, out, depth + 1))
      return false;
  }
  return true;
}

bool gemmac::jinja::appendJson(const Value &value, const JsonStyle &style, std::string &out, int depth) {
  if (depth > mostNested || out.size() > mostText)
    return false;
  switch (value.kind) {
  case Kind::none:
    out += "null";
    return true;
  case Kind::boolean:
    out += value.truth ? "true" : "false";
    return true;
  case Kind::integer:
    out += std::to_string(value.integer);
    return true;
  case Kind::real:
    out += std::isnan(value.real)   ? "NaN"
           : std::isinf(value.real) ? (value.real < 0 ? "-Infinity" : "Infinity")
                                    : realText(value.real);
    return true;
  case Kind::string:
    appendJsonString(value.text(), style.escapeUnicode, out);
    return true;
  case Kind::list:
  case Kind::tuple:
  case Kind::dict: {
    bool isDict = value.is(Kind::dict);
    out += isDict ? '{' : '[';
    if (!(isDict ? appendJsonObject : appendJsonArray)(value, style, out, depth))
      return false;
    if (value.count > 0)
      breakLine(style, depth, out);
    out += isDict ? '}' : ']';
    return true;
  }
  default:
    return false;
  }
}
