#include "base/Text.h"

#include <charconv>
#include <cstdarg>
#include <cstdio>

namespace gemmac::runtime {

std::string format(const char *pattern, ...) {
  va_list arguments, again;
  va_start(arguments, pattern);
  va_copy(again, arguments);
  int length = vsnprintf(nullptr, 0, pattern, arguments);
  va_end(arguments);
  std::string text(length > 0 ? static_cast<size_t>(length) : 0, '\0');
  vsnprintf(text.data(), text.size() + 1, pattern, again);
  va_end(again);
  return text;
}

unsigned decodeUtf8(std::string_view text, uint32_t &codePoint) {
  if (text.empty())
    return 0;
  auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  uint32_t lead = byte(0);
  if (lead < 0x80) {
    codePoint = lead;
    return 1;
  }
  unsigned length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || text.size() < length)
    return 0;
  uint32_t value = lead & (0x7fu >> length);
  for (unsigned i = 1; i < length; ++i) {
    if ((byte(i) & 0xc0) != 0x80)
      return 0;
    value = value << 6 | (byte(i) & 0x3f);
  }
  bool overlong = (length == 3 && value < 0x800) || (length == 4 && value < 0x10000);
  if (overlong || value > 0x10ffff || (value >= 0xd800 && value < 0xe000))
    return 0;
  codePoint = value;
  return length;
}

// The white space of Python's str.strip(), which the templates' `trim` is.
static bool isWhiteSpace(uint32_t c) {
  return (c >= 0x09 && c <= 0x0d) || (c >= 0x1c && c <= 0x20) || c == 0x85 || c == 0xa0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200a) || c == 0x2028 || c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

std::string_view trim(std::string_view text) {
  uint32_t c = 0;
  for (unsigned length; (length = decodeUtf8(text, c)) != 0 && isWhiteSpace(c);)
    text.remove_prefix(length);
  while (!text.empty()) {
    size_t start = text.size() - 1;
    while (start > 0 && text.size() - start < 4 && (text[start] & 0xc0) == 0x80)
      --start;
    if (decodeUtf8(text.substr(start), c) != text.size() - start || !isWhiteSpace(c))
      break;
    text = text.substr(0, start);
  }
  return text;
}

std::string formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return format("%llu bytes", static_cast<unsigned long long>(bytes));
  double value = static_cast<double>(bytes) / 1024;
  unsigned unit = 0;
  for (; value >= 1024 && unit < 3; ++unit)
    value /= 1024;
  return format(value < 10 ? "%.2f %s" : "%.1f %s", value, units[unit]);
}

Status parseTokenIds(std::string_view text, std::string_view source, int64_t vocab, std::vector<int32_t> &ids) {
  constexpr std::string_view separators = " \t\r\n,";
  for (size_t at = text.find_first_not_of(separators); at != text.npos; at = text.find_first_not_of(separators, at)) {
    size_t end = text.find_first_of(separators, at);
    std::string_view word = text.substr(at, end == text.npos ? end : end - at);
    int32_t id = -1;
    auto [rest, error] = std::from_chars(word.data(), word.data() + word.size(), id);
    if (error != std::errc() || rest != word.data() + word.size() || id < 0 || id >= vocab)
      return {ExitCode::usage,
              format("%.*s: token %zu is '%.*s', expected an id from 0 to %lld", static_cast<int>(source.size()),
                     source.data(), ids.size() + 1, static_cast<int>(word.size() < 40 ? word.size() : 40), word.data(),
                     static_cast<long long>(vocab - 1))};
    ids.push_back(id);
    at += word.size();
  }
  return {};
}

} // namespace gemmac::runtime
