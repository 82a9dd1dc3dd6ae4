// Tokens of a text that comes in parts, in memory that does not grow with it; token ids read from a file.
#ifndef GEMMAC_RUNTIME_TOKENSTREAM_H
#define GEMMAC_RUNTIME_TOKENSTREAM_H

#include "base/Files.h"
#include "text/Tokenizer.h"

#include <bitset>
#include <memory>
#include <string>
#include <vector>

namespace gemmac::runtime {

/// Where a text may be cut so that its tokens are those of its parts: between two bytes that follow each other in no
/// token, since whatever reaches across would be a token that holds both. What has no token must fall back to byte
/// tokens that no merge knows; else only ASCII characters with tokens of their own are parted.
class CutPlaces {
public:
  /// Reads the texts of the whole vocabulary: milliseconds.
  explicit CutPlaces(const Tokenizer &tokenizer);

  /// Whether `text` may be cut before byte `at`, 0 < at < text.size(). The three bytes from there on must be known.
  bool allow(std::string_view text, size_t at) const;
  /// Bytes of the longest token; at least 1.
  size_t longestToken() const { return longest; }

private:
  void addToken(std::string_view token);

  std::string_view space;
  size_t longest = 1;
  std::bitset<65536> joined; // [first byte * 256 + second byte]
  std::bitset<256> known;    // ASCII characters with a token
  bool loneBytes;            // what has no token becomes byte tokens, and no merge knows those
};

/// Encodes a text that comes in parts. The ids are those that Tokenizer::encode() gives the whole.
class TokenStream {
public:
  explicit TokenStream(const Tokenizer &tokenizer) : tokenizer(tokenizer) {}

  /// Adds to the text; appends ids of what can no longer change.
  void push(const Segment &part, std::vector<int32_t> &ids);
  /// The text is complete: appends the other ids.
  void finish(std::vector<int32_t> &ids);

  /// How many tokens what was pushed and has no ids yet will give at least (a vocabulary may leave out or join what it
  /// does not know).
  size_t leastPending() const;
  /// \param source of the text, for the message.
  /// \returns inputOutput when more than 4 MiB have no place to be cut, as their tokens would take too much memory.
  Status check(std::string_view source) const;

private:
  struct Run {
    size_t end; // in `pending`
    bool controlAllowed;
  };
  void encode(size_t bytes, std::vector<int32_t> &ids);
  size_t findCut();

  const Tokenizer &tokenizer;
  std::unique_ptr<CutPlaces> places; // once the text is long enough to be worth it
  std::string pending;
  std::vector<Run> runs;
  size_t searched = 0; // no place to cut before this
};

/// Token ids separated by white space or commas, from a file that may be endless.
class IdReader {
public:
  /// Ids that are read beyond what fits, so that a message can tell how many there are.
  static constexpr size_t slack = 65536;

  explicit IdReader(int64_t vocab) : vocab(vocab) {}

  /// \param path "-": standard input.
  Status open(const std::string &path);
  /// Appends ids until the input ends or `ids` has `most`; with `line`, also at the end of a line.
  /// \returns usage for anything that is not an id in [0, vocab).
  Status read(std::vector<int32_t> &ids, size_t most, bool line = false);
  /// There is nothing left.
  bool ended() const { return at == buffer.size() && input.ended(); }

private:
  Status finishWord(std::vector<int32_t> &ids);

  int64_t vocab;
  Input input;
  std::string source, buffer, word;
  size_t at = 0, before = 0; // ids read so far
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TOKENSTREAM_H
