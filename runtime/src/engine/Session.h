// One conversation's state over a compiled model: working memory, KV cache, position.
#ifndef GEMMAC_RUNTIME_SESSION_H
#define GEMMAC_RUNTIME_SESSION_H

#include "base/Status.h"
#include "engine/StepTimes.h"
#include "engine/ThreadPlan.h"
#include "gemmac/abi.h"
#include "program/Image.h"

#include <span>
#include <vector>

namespace gemmac::runtime {

/// Runs the phases of a program. All memory is one reservation made by open(); nothing is allocated afterwards, and
/// pages are only touched as they are used. Results do not depend on chunking or on the number of threads.
class Session {
public:
  struct Options {
    int64_t chunk = 0;   ///< rows of a prefill call; 0: as many as the phase takes
    int64_t context = 0; ///< positions to use; 0: as many as were compiled in
  };

  Session() = default;
  ~Session();
  Session(const Session &) = delete;
  Session &operator=(const Session &) = delete;

  /// `program`, `image`, `level` and `pool` must outlive the session.
  /// \returns usage for options beyond what was compiled in; inputOutput when the memory cannot be reserved.
  Status open(const gemmac_program &program, const Image &image, const gemmac_level &level, ThreadPool &pool,
              const Options &options);

  int64_t position() const { return next; }
  int64_t context() const { return contextLimit; }
  int64_t remaining() const { return contextLimit - next; }
  int64_t chunkRows() const { return chunk; }
  int64_t verifyRows() const { return program->phases[GEMMAC_PHASE_VERIFY].max_rows; }
  int64_t logitsStride() const { return program->logits_stride; }
  /// Second moments that an observing program has added up since open(); empty for others.
  std::span<const uint8_t> moments() const { return {call.cache + program->moments.offset, program->moments.bytes}; }

  /// Forgets everything: the next token is at position 0.
  void reset() { next = highest = 0; }
  /// Goes back to `position`, at most position(), as if what came later had not been fed. Caches of a window may lack
  /// what tokens there look back at, as later ones took its place; then it goes back to 0. \returns where it is.
  int64_t rewind(int64_t position);
  /// For measurements: the next token is at `position`, as if as many tokens had been fed. The whole cache is written
  /// with zeros first, so that its pages are real ones; how long a call takes does not depend on what they hold.
  void pretendPosition(int64_t position);

  /// The packed weights, as emitted code reads them.
  std::span<const uint8_t> mappedWeights() const {
    return {weights.data(), static_cast<size_t>(program->mapped_bytes)};
  }

  /// Gives each call the threads that `plan` says, instead of all; it must outlive the session.
  void useThreads(ThreadPlan *plan) { threadPlan = plan; }

  /// Counts the steps of all calls from now on in `times`, which must outlive them; null: no longer.
  void countSteps(StepTimes *times) { stepTimes = times; }

  // For all three below: every id lies in [0, vocab), and rows are at most remaining().

  /// Feeds up to chunkRows() tokens whose logits nobody needs.
  void prefill(std::span<const int32_t> tokens);
  /// Feeds one token. \returns f32 [vocab], valid until the next call.
  const float *decode(int32_t token);
  /// Feeds up to verifyRows() tokens. \returns f32 [rows, logitsStride()], valid until the next call.
  const float *verify(std::span<const int32_t> tokens);

  /// Feeds a whole prompt: all but the last token through prefill, the last one through decode. Looks at
  /// interruptRequested() between calls.
  /// \returns the logits of the last token; null when it was interrupted, position() then tells how far it got.
  const float *feed(std::span<const int32_t> tokens);

  /// Starts to load the rows of the tables for tokens that will be fed soon. Does not wait.
  void announce(std::span<const int32_t> tokens) const;

private:
  const float *run(gemmac_phase_id phase, std::span<const int32_t> tokens);
  void readTableRows(std::span<const int32_t> tokens);

  const gemmac_program *program = nullptr;
  const Image *image = nullptr;
  const gemmac_level *level = nullptr;
  ThreadPool *pool = nullptr;
  ThreadPlan *threadPlan = nullptr;
  Mapping weights;
  StepTimes *stepTimes = nullptr;
  gemmac_call call = {};
  std::vector<gemmac_row> rows; // what call.rows shows
  gemmac_run wholeCall = {};    // and call.runs: one
  uint8_t *tableRows = nullptr; // what call.table_rows shows
  int64_t chunk = 0, contextLimit = 0;
  int64_t next = 0;    // position of the next token
  int64_t highest = 0; // end of the positions that were fed since position 0 was
  void *memory = nullptr;
  size_t memoryBytes = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SESSION_H
