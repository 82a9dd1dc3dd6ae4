// The tokens of one conversation or text, and the slot of an engine that holds their keys and values.
#ifndef GEMMAC_RUNTIME_SEQUENCE_H
#define GEMMAC_RUNTIME_SEQUENCE_H

#include "engine/Engine.h"
#include "engine/Feed.h"

namespace gemmac::runtime {

/// Keeps account of what was fed. Allocates in the constructor and in save() alone.
class Sequence {
public:
  /// \param slot  of `engine`, open and outliving the sequence, that nobody else uses. What it holds is forgotten.
  Sequence(Engine &engine, int64_t slot);
  /// Gives the memory of the slot back.
  ~Sequence();
  Sequence(const Sequence &) = delete;
  Sequence &operator=(const Sequence &) = delete;

  Engine &engine() const { return device; }
  /// Where the next token goes: how many have been fed.
  int64_t position() const { return static_cast<int64_t>(fedTokens.size()); }
  int64_t remaining() const { return device.context() - position(); }
  /// What was fed, from position 0 on; negative numbers are ids of soft rows.
  std::span<const int32_t> tokens() const { return fedTokens; }

  /// Forgets everything: the next token is at position 0.
  void reset();
  /// Goes back to `position`, at most position(), as if what came later had not been fed. Caches of a window may lack
  /// what tokens there look back at, as later ones took its place; then it goes back to 0. \returns where it is.
  int64_t rewind(int64_t position);
  /// Goes back to where `wanted` parts from what was fed, and to its last token at the latest: that is to yield logits.
  /// A block is kept whole or not at all. \returns how many of `wanted` need not be fed any more.
  int64_t keepCommon(const Feed &wanted);
  /// For measurements: the next token is at `position`, as if as many tokens had been fed. All of the slot's memory is
  /// written with zeros, so that its pages are real ones; how long a call takes does not depend on what they hold.
  void pretendPosition(int64_t position);

  /// Holds what `other`, of the same engine, holds.
  void copyFrom(const Sequence &other);

  struct Saved {
    std::vector<int32_t> tokens;
    int64_t highest = 0;
    Snapshot snapshot;
  };
  Saved save() const;
  /// \returns usage, nothing changed, where `saved` is of another program or longer than the context.
  Status restore(const Saved &saved);

  // For calls with rows of several sequences:

  /// The row of the `ahead`th token from position() on.
  gemmac_row row(int32_t token, bool logits, int64_t ahead = 0) const;
  /// The same in prefill_block.
  gemmac_row blockRow(int32_t token, int64_t ahead) const;
  /// Takes note that the rows of `tokens` were fed.
  void fed(std::span<const int32_t> tokens);

  // For all below: every id lies in [0, vocab) or has a soft row, in what goes through prefill alone; and there are at
  // most remaining(). What fails or is cancelled feeds nothing of that call; position() tells how far it got.

  /// Feeds tokens whose logits nobody needs, in calls of as many rows as the engine takes.
  Status prefill(Feed tokens, const Cancel *cancel = nullptr);
  /// Feeds one token.
  Status decode(int32_t token, Logits &logits, const Cancel *cancel = nullptr);
  /// Feeds up to maxRows(functions().verify) tokens, in one call with logits for each.
  Status verify(std::span<const int32_t> tokens, Logits &logits, const Cancel *cancel = nullptr);
  /// Feeds a whole prompt: all but the last token through prefill, the last one through decode.
  Status feed(const Feed &tokens, Logits &logits, const Cancel *cancel = nullptr);

private:
  Status run(const gemmac_function &function, const Feed &tokens, Logits &logits, const Cancel *cancel);

  Engine &device;
  const int64_t slot;
  std::vector<int32_t> fedTokens; // room for the whole context
  int64_t highest = 0;            // end of the positions that were fed since position 0 was
  std::vector<gemmac_row> rows;   // of a call
};

/// Most rows of a call of any function of text.
size_t mostTextRows(const Engine &engine);

/// Writes the soft rows of `feed` to where `function` reads them, from row `first` of its next call on.
void writeSoftRows(const Engine &engine, const gemmac_function &function, const Feed &feed, size_t first);

/// How many tokens two texts begin with in common.
size_t commonPrefix(std::span<const int32_t> one, std::span<const int32_t> other);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SEQUENCE_H
