// From token bytes to what may be shown: whole characters only, and nothing that could become a stop string.
#ifndef GEMMAC_RUNTIME_TEXTSTREAM_H
#define GEMMAC_RUNTIME_TEXTSTREAM_H

#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Joins bytes into UTF-8. Each maximal part that cannot become a character turns into U+FFFD, as Unicode recommends.
class Utf8Stream {
public:
  /// Appends the characters that `bytes` completes to `out`; keeps at most three bytes back.
  void push(std::string_view bytes, std::string &out);
  /// Gives up an unfinished character.
  void finish(std::string &out);

private:
  void pushByte(unsigned char byte, std::string &out);

  char held[4] = {};
  unsigned count = 0, needed = 0; // bytes held, and of the character that they begin
};

/// Watches text for stop strings and cuts it before the one that is complete first.
class StopMatcher {
public:
  /// Empty stop strings are ignored.
  explicit StopMatcher(std::vector<std::string> stops);

  /// Appends to `out` what of the text so far can no longer be part of a stop string.
  /// \returns true when one was found; everything before it has been appended then.
  bool push(std::string_view text, std::string &out);
  /// Appends what was held back; for an end that is no stop string.
  void finish(std::string &out);
  /// Forgets what was held back.
  void reset() { held.clear(); }

private:
  std::vector<std::string> stops;
  std::string held;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TEXTSTREAM_H
