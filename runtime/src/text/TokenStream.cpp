#include "text/TokenStream.h"

#include "base/Text.h"
#include "base/Visible.h"

#include <algorithm>
#include <charconv>

namespace gemmac::runtime {

// Shorter texts are encoded at once.
static constexpr size_t streamed = size_t(1) << 14;

static uint8_t byteAt(std::string_view text, size_t at) { return static_cast<uint8_t>(text[at]); }

static bool isContinuation(uint8_t byte) { return (byte & 0xc0) == 0x80; }

// A byte token's name, "<0x0A>", among other text: merges reach across byte tokens, then.
static bool namesByteInside(std::string_view token) {
  auto isHex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'F') || (c >= 'a' && c <= 'f'); };
  constexpr size_t nameBytes = 6;
  for (size_t at = token.find("<0x"); at != token.npos; at = token.find("<0x", at + 1))
    if (token.size() > nameBytes && token.size() >= at + nameBytes && isHex(token[at + 3]) && isHex(token[at + 4]) &&
        token[at + 5] == '>')
      return true;
  return false;
}

CutPlaces::CutPlaces(const Tokenizer &tokenizer)
    : space(tokenizer.spaceCharacter()), loneBytes(tokenizer.fallsBackToBytes()) {
  for (int32_t id = 0; id < tokenizer.vocab(); ++id) {
    const std::string_view token = tokenizer.text(id);
    if (tokenizer.kind(id) == GEMMAC_TOKEN_BYTE)
      continue;
    if (token.size() == 1 && byteAt(token, 0) < 0x80 && tokenizer.kind(id) == GEMMAC_TOKEN_TEXT)
      known.set(byteAt(token, 0));
    addToken(token);
    loneBytes = loneBytes && !namesByteInside(token);
  }
  // They may be spelled otherwise in a text than they are printed.
  for (uint32_t i = 0; i < tokenizer.addedTokens().size(); ++i)
    addToken(tokenizer.addedTokens().spelling(i));
}

void CutPlaces::addToken(std::string_view token) {
  longest = std::max(longest, token.size());
  for (size_t i = 1; i < token.size(); ++i)
    joined.set(static_cast<size_t>(byteAt(token, i - 1)) << 8 | byteAt(token, i));
}

bool CutPlaces::allow(std::string_view text, size_t at) const {
  const uint8_t left = byteAt(text, at - 1), right = byteAt(text, at);
  if (isContinuation(right)) // of a character, unless it is too far from what could begin one
    return loneBytes && at >= 3 && isContinuation(left) && isContinuation(byteAt(text, at - 2)) &&
           isContinuation(byteAt(text, at - 3));
  if (joined[static_cast<size_t>(left) << 8 | right] || !(loneBytes || (known[left] && known[right])))
    return false;
  // The tokens' texts have ' ' where the vocabulary has this character, which may also be written out.
  return space == " " || !(text.substr(at).starts_with(space) || text.substr(0, at).ends_with(space));
}

size_t TokenStream::leastPending() const { return places ? pending.size() / places->longestToken() : 0; }

Status TokenStream::check(std::string_view source) const {
  constexpr size_t most = size_t(4) << 20;
  if (pending.size() <= most)
    return {};
  return {ExitCode::inputOutput,
          format("%.*s: a stretch of more than %s, such as one character over and over, can only be tokenized at once, "
                 "which would take too much memory; split it",
                 static_cast<int>(source.size()), source.data(), formatBytes(most).c_str())};
}

void TokenStream::push(const Segment &part, std::vector<int32_t> &ids) {
  for (std::string_view text = part.text; !text.empty();) {
    const std::string_view piece = text.substr(0, streamed);
    text.remove_prefix(piece.size());
    pending += piece;
    if (!runs.empty() && runs.back().controlAllowed == part.controlAllowed)
      runs.back().end = pending.size();
    else
      runs.push_back({pending.size(), part.controlAllowed});
    if (pending.size() < streamed)
      continue;
    if (!places)
      places = std::make_unique<CutPlaces>(tokenizer);
    if (const size_t cut = findCut())
      encode(cut, ids);
  }
}

// The last place; 0: none.
size_t TokenStream::findCut() {
  constexpr size_t lookahead = 3;
  for (size_t at = pending.size() - lookahead; at > searched; --at)
    if (places->allow(pending, at))
      return at;
  searched = pending.size() - lookahead;
  return 0;
}

void TokenStream::encode(size_t bytes, std::vector<int32_t> &ids) {
  std::vector<Segment> segments;
  size_t begin = 0;
  for (const Run &run : runs) {
    const size_t end = std::min(run.end, bytes);
    if (end > begin)
      segments.push_back({std::string_view(pending).substr(begin, end - begin), run.controlAllowed});
    begin = std::max(begin, end);
  }
  tokenizer.encode(segments, ids);
  pending.erase(0, bytes);
  std::erase_if(runs, [bytes](const Run &run) { return run.end <= bytes; });
  for (Run &run : runs)
    run.end -= bytes;
  searched = 0;
}

void TokenStream::finish(std::vector<int32_t> &ids) { encode(pending.size(), ids); }

Status IdReader::open(const std::string &path) {
  source = path == "-" ? "standard input" : path;
  return input.open(path);
}

Status IdReader::finishWord(std::vector<int32_t> &ids) {
  if (word.empty())
    return {};
  int32_t id = -1;
  const char *end = word.data() + word.size();
  auto [rest, error] = std::from_chars(word.data(), end, id);
  if (error != std::errc() || rest != end || id < 0 || id >= vocab)
    return {ExitCode::usage, format("%s: token %zu is '%s', expected an id from 0 to %lld", source.c_str(), before + 1,
                                    visibleLine(word.substr(0, 40)).c_str(), static_cast<long long>(vocab - 1))};
  word.clear();
  ids.push_back(id);
  ++before;
  return {};
}

Status IdReader::read(std::vector<int32_t> &ids, size_t most, bool line) {
  constexpr size_t longestWord = 64; // leading zeros are fine, to a point
  for (;;) {
    if (at == buffer.size()) {
      if (input.ended())
        return finishWord(ids);
      buffer.clear();
      at = 0;
      if (Status status = input.read(buffer); !status.ok())
        return status;
      continue;
    }
    const char c = buffer[at];
    const bool separates = c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == ',';
    if (!separates)
      word += c;
    ++at;
    if (!separates && word.size() < longestWord)
      continue;
    if (Status status = finishWord(ids); !status.ok())
      return status;
    if (ids.size() >= most || (line && c == '\n'))
      return {};
  }
}

} // namespace gemmac::runtime
