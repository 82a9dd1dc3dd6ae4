#include "base/Visible.h"

#include "base/Text.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>

namespace gemmac::runtime {

static bool commandsTerminal(uint32_t c) {
  const bool control = (c < 0x20 && c != '\t' && c != '\n') || (c >= 0x7f && c < 0xa0);
  const bool reorders = (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
  return control || reorders;
}

size_t visiblePrefix(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte >= 0x20 && byte < 0x7f) {
      ++at;
      continue;
    }
    uint32_t c = 0;
    const unsigned length = decodeUtf8(text.substr(at), c);
    if (length == 0 || commandsTerminal(c))
      break;
    at += length;
  }
  return at;
}

std::string_view showCharacter(std::string_view text, size_t &taken, char *shown) {
  uint32_t c = 0;
  taken = decodeUtf8(text, c);
  if (taken == 0) {
    taken = 1;
    return "\xef\xbf\xbd";
  }
  if (text.starts_with("\r\n"))
    return {};
  if (c < 0x80) {
    shown[0] = '^';
    shown[1] = static_cast<char>(c ^ 0x40);
    return {shown, 2};
  }
  const int length = snprintf(shown, visibleBytes, "<U+%04X>", c);
  return {shown, static_cast<size_t>(length)};
}

std::string visibleLine(std::string_view text) {
  std::string line;
  while (!text.empty()) {
    const size_t plain = std::min({visiblePrefix(text), text.find_first_of("\t\n"), text.size()});
    line += text.substr(0, plain);
    text.remove_prefix(plain);
    if (text.empty())
      break;
    char shown[visibleBytes];
    size_t taken = 0;
    line += showCharacter(text, taken, shown);
    text.remove_prefix(taken);
  }
  return line;
}

} // namespace gemmac::runtime
