#include "text/TextStream.h"

#include <algorithm>

namespace gemmac::runtime {

static constexpr std::string_view replacement = "\xef\xbf\xbd"; // U+FFFD

// Bytes of the character that `lead` begins; 0 when no character begins so.
static unsigned lengthFromLead(unsigned char lead) {
  return lead < 0x80 ? 1 : lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0;
}

// The second byte's range is narrower after some leads: overlong forms, surrogates, beyond U+10FFFF.
static bool continues(unsigned char lead, unsigned at, unsigned char byte) {
  unsigned char low = 0x80, high = 0xbf;
  if (at == 1 && lead == 0xe0)
    low = 0xa0;
  if (at == 1 && lead == 0xed)
    high = 0x9f;
  if (at == 1 && lead == 0xf0)
    low = 0x90;
  if (at == 1 && lead == 0xf4)
    high = 0x8f;
  return byte >= low && byte <= high;
}

void Utf8Stream::pushByte(unsigned char byte, std::string &out) {
  if (count > 0 && !continues(static_cast<unsigned char>(held[0]), count, byte))
    finish(out);
  if (count == 0) {
    needed = lengthFromLead(byte);
    if (needed == 0) {
      out += replacement;
      return;
    }
  }
  held[count++] = static_cast<char>(byte);
  if (count == needed) {
    out.append(held, count);
    count = 0;
  }
}

void Utf8Stream::push(std::string_view bytes, std::string &out) {
  for (char byte : bytes)
    pushByte(static_cast<unsigned char>(byte), out);
}

void Utf8Stream::finish(std::string &out) {
  if (count > 0)
    out += replacement;
  count = 0;
}

StopMatcher::StopMatcher(std::vector<std::string> strings) : stops(std::move(strings)) {
  std::erase(stops, std::string());
  held.reserve(4096);
}

bool StopMatcher::push(std::string_view text, std::string &out) {
  held += text;
  // The stop string that is complete first counts, so that it does not matter how the text is cut into tokens.
  size_t first = held.npos, end = held.npos;
  for (const std::string &stop : stops) {
    const size_t at = held.find(stop);
    if (at != held.npos && (at + stop.size() < end || (at + stop.size() == end && at < first))) {
      first = at;
      end = at + stop.size();
    }
  }
  if (first != held.npos) {
    out.append(held, 0, first);
    held.clear();
    return true;
  }
  size_t keep = 0; // the longest end of `held` that begins a stop string
  for (const std::string &stop : stops)
    for (size_t length = std::min(stop.size() - 1, held.size()); length > keep; --length)
      if (std::string_view(held).substr(held.size() - length) == std::string_view(stop).substr(0, length))
        keep = length;
  out.append(held, 0, held.size() - keep);
  held.erase(0, held.size() - keep);
  return false;
}

void StopMatcher::finish(std::string &out) {
  out += held;
  held.clear();
}

} // namespace gemmac::runtime
