#include "compiler/import/template/Lexer.h"

#include "compiler/import/template/Value.h"

#include "llvm/ADT/StringExtras.h"

#include <charconv>

using namespace gemmac::jinja;
using llvm::StringRef;

std::string gemmac::jinja::normalizeLines(StringRef text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '\r') {
      result += text[at];
      continue;
    }
    result += '\n';
    if (at + 1 < text.size() && text[at + 1] == '\n')
      ++at;
  }
  if (StringRef(result).ends_with("\n"))
    result.pop_back();
  return result;
}

namespace {

class Lexer {
public:
  Lexer(StringRef source, llvm::StringSaver &strings, Fault &fault) : source(source), strings(strings), fault(fault) {}

  std::vector<Token> run() {
    while (at < source.size() && !fault.any())
      text();
    push(Token::Kind::end, {});
    return std::move(tokens);
  }

private:
  void fail(int where, const llvm::Twine &message) {
    if (!fault.any())
      fault = {where, message.str()};
  }
  void push(Token::Kind kind, StringRef text) { tokens.push_back({kind, text, line}); }
  StringRef rest() const { return source.substr(at); }
  /// Moves behind `bytes` and counts lines.
  StringRef take(size_t bytes) {
    StringRef taken = source.substr(at, bytes);
    line += static_cast<int>(taken.count('\n'));
    at += taken.size();
    return taken;
  }

  void text();
  void comment();
  bool raw();
  void tag(char kind);
  bool closing(bool block, StringRef &close) const;
  void afterTag(bool minus, bool trims);
  void token();
  void name();
  void number();
  void string();
  void symbol();
  void escape(StringRef body, size_t &index, std::string &value);

  StringRef source;
  llvm::StringSaver &strings;
  Fault &fault;
  std::vector<Token> tokens;
  std::string brackets; ///< that are open inside a tag
  size_t at = 0;
  int line = 1;
  bool lineStarts = true; ///< what comes next is at the start of a line
};

} // namespace

static bool isTagStart(StringRef text) { return text.size() >= 2 && StringRef("{%#").contains(text[1]); }

/// Literal text up to the next tag, and the tag.
void Lexer::text() {
  size_t open = source.find('{', at);
  while (open != StringRef::npos && !isTagStart(source.substr(open)))
    open = source.find('{', open + 1);
  StringRef literal = source.slice(at, open);
  int startLine = line;
  take(literal.size());
  char kind = open == StringRef::npos ? 0 : source[open + 1];
  char sign = kind && open + 2 < source.size() ? source[open + 2] : 0;
  if (kind && sign == '-') {
    literal = stripRight(literal);
  } else if (kind && sign != '+' && kind != '{') {
    size_t lineStart = literal.rfind('\n') + 1; // npos + 1 is 0
    if ((lineStart > 0 || lineStarts) && stripLeft(literal.substr(lineStart)).empty())
      literal = literal.take_front(lineStart);
  }
  if (!literal.empty())
    tokens.push_back({Token::Kind::text, literal, startLine});
  if (!kind)
    return;
  take(2 + (sign == '-' || sign == '+'));
  lineStarts = false;
  if (kind == '#')
    comment();
  else if (kind == '{' || !raw())
    tag(kind);
}

/// What a closing tag takes along: all white space behind -, else one line break behind blocks and comments.
void Lexer::afterTag(bool minus, bool trims) {
  size_t before = at;
  if (minus)
    take(rest().size() - stripLeft(rest()).size());
  else if (trims && rest().starts_with("\n"))
    take(1);
  lineStarts = at > before && source[at - 1] == '\n';
}

void Lexer::comment() {
  int start = line;
  size_t close = source.find("#}", at);
  if (close == StringRef::npos)
    return fail(start, "a comment has no end, expected #}");
  StringRef inside = take(close - at);
  take(2);
  afterTag(inside.ends_with("-"), !inside.ends_with("+"));
}

/// {% raw %} to {% endraw %}, behind the opening {%. \returns false when it is another tag.
bool Lexer::raw() {
  auto consumeTag = [](StringRef &text, StringRef word, bool &minus) {
    text = stripLeft(text);
    if (!text.consume_front(word))
      return false;
    text = stripLeft(text);
    minus = text.consume_front("-");
    return text.consume_front("%}");
  };
  StringRef text = rest();
  bool minus = false;
  if (!consumeTag(text, "raw", minus))
    return false;
  int start = line;
  take(rest().size() - text.size());
  if (minus)
    take(rest().size() - stripLeft(rest()).size());
  for (size_t open = source.find("{%", at); open != StringRef::npos; open = source.find("{%", open + 1)) {
    StringRef tail = source.substr(open + 2);
    bool stripped = tail.consume_front("-");
    if (!stripped)
      tail.consume_front("+");
    bool endMinus = false;
    if (!consumeTag(tail, "endraw", endMinus))
      continue;
    StringRef literal = source.slice(at, open);
    size_t lineStart = literal.rfind('\n') + 1;
    if (stripped)
      literal = stripRight(literal);
    else if (source[open + 2] != '+' && lineStart > 0 && stripLeft(literal.substr(lineStart)).empty())
      literal = literal.take_front(lineStart);
    if (!literal.empty())
      push(Token::Kind::text, literal);
    take(rest().size() - tail.size());
    afterTag(endMinus, true);
    return true;
  }
  fail(start, "a raw block has no end, expected {% endraw %}");
  return true;
}

bool Lexer::closing(bool block, StringRef &close) const {
  for (StringRef text : {block ? "-%}" : "-}}", block ? "+%}" : "}}", block ? "%}" : "}}"}) {
    close = text;
    if (rest().starts_with(text))
      return true;
  }
  return false;
}

void Lexer::tag(char kind) {
  bool block = kind == '%';
  int start = line;
  push(block ? Token::Kind::blockOpen : Token::Kind::printOpen, {});
  brackets.clear();
  while (!fault.any()) {
    take(rest().size() - stripLeft(rest()).size());
    if (rest().empty())
      return fail(start, llvm::Twine("a tag has no end, expected ") + (block ? "%}" : "}}"));
    StringRef close;
    if (brackets.empty() && closing(block, close)) {
      push(block ? Token::Kind::blockClose : Token::Kind::printClose, {});
      take(close.size());
      return afterTag(close.front() == '-', block && close.front() != '+');
    }
    token();
  }
}

void Lexer::token() {
  char c = rest().front();
  if (llvm::isDigit(c))
    number();
  else if (llvm::isAlpha(c) || c == '_')
    name();
  else if (c == '\'' || c == '"')
    string();
  else
    symbol();
}

void Lexer::name() {
  StringRef word = rest().take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  push(Token::Kind::name, word);
  take(word.size());
}

void Lexer::number() {
  StringRef word = rest().take_while([](char c) { return llvm::isAlnum(c) || c == '_'; });
  StringRef tail = rest().substr(word.size());
  bool based = word.size() > 1 && word[0] == '0' && llvm::isAlpha(word[1]);
  auto fraction = tail.size() > 1 && tail[0] == '.' && llvm::isDigit(tail[1]) ? tail.drop_front() : StringRef();
  size_t length = word.size();
  if (!based && !fraction.empty())
    length += 1 + fraction.take_while([](char c) { return llvm::isAlnum(c) || c == '_'; }).size();
  if (!based && llvm::toLower(source[at + length - 1]) == 'e' && at + length + 1 < source.size() &&
      (source[at + length] == '-' || source[at + length] == '+') && llvm::isDigit(source[at + length + 1]))
    length += 1 + source.substr(at + length + 1).take_while(llvm::isDigit).size();
  StringRef spelled = source.substr(at, length);
  std::string digits;
  llvm::copy_if(spelled, std::back_inserter(digits), [](char c) { return c != '_'; });
  Token token{Token::Kind::integer, spelled, line};
  bool isReal = !based && StringRef(digits).find_first_of(".eE") != StringRef::npos;
  if (isReal) {
    token.kind = Token::Kind::real;
    auto [end, code] = std::from_chars(digits.data(), digits.data() + digits.size(), token.real);
    if (code != std::errc() || end != digits.data() + digits.size())
      return fail(line, "'" + spelled.take_front(40) + "' is not a number");
  } else if (StringRef(digits).getAsInteger(based ? 0 : 10, token.integer)) {
    return fail(line, "'" + spelled.take_front(40) + "' is not a number of at most 63 bits");
  }
  tokens.push_back(token);
  take(length);
}

/// One escape of a Python string; `index` stands behind the backslash and moves behind the escape.
void Lexer::escape(StringRef body, size_t &index, std::string &value) {
  char c = body[index++];
  static constexpr StringRef letters = "ntrabfv0\\'\"", meanings = StringRef("\n\t\r\a\b\f\v\0\\'\"", 11);
  if (c == '\n')
    return;
  bool octal = c >= '0' && c <= '7';
  size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  if (octal) {
    StringRef number = body.substr(index - 1, 3).take_while([](char d) { return d >= '0' && d <= '7'; });
    uint32_t code = 0;
    number.getAsInteger(8, code);
    index += number.size() - 1;
    return appendUtf8(code, value);
  }
  if (digits) {
    uint32_t code = 0;
    StringRef number = body.substr(index, digits);
    if (number.size() != digits || number.getAsInteger(16, code) || code > 0x10ffff ||
        (code >= 0xd800 && code < 0xe000))
      return fail(line, llvm::Twine("'\\") + llvm::Twine(c) + "' in a string needs " + llvm::Twine(digits) +
                            " hexadecimal digits of a character");
    index += digits;
    return appendUtf8(code, value);
  }
  if (c == 'N')
    return fail(line, "'\\N' in a string: characters by name are not known here");
  size_t known = letters.find(c);
  if (known == StringRef::npos)
    (value += '\\') += c;
  else
    value += meanings[known];
}

void Lexer::string() {
  char quote = rest().front();
  size_t end = at + 1;
  bool escaped = false;
  while (end < source.size() && source[end] != quote) {
    escaped |= source[end] == '\\';
    end += source[end] == '\\' ? 2 : 1;
  }
  if (end >= source.size())
    return fail(line, llvm::Twine("a string has no end, expected ") + llvm::Twine(quote));
  StringRef body = source.slice(at + 1, end);
  if (!escaped) {
    push(Token::Kind::string, body);
  } else {
    std::string value;
    for (size_t index = 0; index < body.size();) {
      if (body[index] != '\\')
        value += body[index++];
      else
        escape(body, ++index, value);
    }
    push(Token::Kind::string, strings.save(value));
  }
  take(end + 1 - at);
}

void Lexer::symbol() {
  static constexpr StringRef known[] = {"==", "!=", "<=", ">=", "//", "**", "+", "-", "*", "/", "%", "~", "(",
                                        ")",  "[",  "]",  "{",  "}",  "<",  ">", "=", ".", ":", "|", ",", ";"};
  for (StringRef text : known) {
    if (!rest().starts_with(text))
      continue;
    static constexpr StringRef opening = "([{", closing = ")]}";
    if (opening.contains(text.front()))
      brackets += closing[opening.find(text.front())];
    if (closing.contains(text.front())) {
      if (brackets.empty() || brackets.back() != text.front())
        return fail(line,
                    "unexpected '" + text + "'" +
                        (brackets.empty() ? "" : llvm::Twine(", expected '") + llvm::Twine(brackets.back()) + "'"));
      brackets.pop_back();
    }
    push(Token::Kind::symbol, rest().take_front(text.size()));
    take(text.size());
    return;
  }
  fail(line, "unexpected character '" + rest().take_front(characterBytes(rest())) + "' in a tag");
}

std::vector<Token> gemmac::jinja::tokenize(StringRef source, llvm::StringSaver &strings, Fault &fault) {
  return Lexer(source, strings, fault).run();
}
