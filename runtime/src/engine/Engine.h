// What runs the functions of a compiled model: the interface that every kind of device implements.
#ifndef GEMMAC_RUNTIME_ENGINE_H
#define GEMMAC_RUNTIME_ENGINE_H

#include "base/Cancel.h"
#include "base/Progress.h"
#include "base/Status.h"
#include "program/TextFunctions.h"

#include <algorithm>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

namespace gemmac::runtime {

class ProgramFile;

struct EngineOptions {
  int64_t threads = 0; ///< of the processor; 0: as ThreadPlan decides
  std::string isa;     ///< of the processor; empty: the best
  int64_t chunk = 0;   ///< rows of a prefill call; 0: as many as the function takes
  int64_t context = 0; ///< positions of a slot to use; 0: as many as were compiled in
};

/// The logits of a call, in the host's memory: valid until the next call. Of rows that did not ask for them nothing is
/// promised.
struct Logits {
  const float *first = nullptr;
  int64_t stride = 0; ///< floats between rows
  /// f32 [vocab] of the call's row `index`.
  const float *row(size_t index) const { return first + static_cast<int64_t>(index) * stride; }
};

/// The rows of an input or output of a function, in the host's memory.
struct ValueRows {
  uint8_t *first = nullptr; ///< null: there is no such value
  int64_t rowBytes = 0, width = 0, perRow = 1;

  /// All elements of a row, those that pad it among them. T is float or int32_t, as the value has it.
  template <typename T> std::span<T> row(size_t index) const {
    return {reinterpret_cast<T *>(first + static_cast<int64_t>(index) * rowBytes), static_cast<size_t>(width)};
  }
  /// Writes a row: `values`, and zeros behind them.
  template <typename T> void write(size_t index, std::span<const T> values) const {
    const std::span<T> to = row<T>(index);
    std::fill(std::copy(values.begin(), values.end(), to.begin()), to.end(), T(0));
  }
};

/// What a slot held, in the host's memory. Only the kind of engine and the program that made it can read it.
struct Snapshot {
  std::vector<uint8_t> bytes;
};

/// Memory of an engine, in bytes, all of it reserved by open(). What is not touched is not resident.
struct EngineMemory {
  uint64_t weights = 0; ///< mapped from the program's file
  uint64_t working = 0; ///< whatever the slots
  uint64_t slot = 0;    ///< the KV caches of one slot
};

/// Runs functions on rows of several sequences, each of which has a slot in the KV caches. The bits of a row depend
/// on the tokens of its own slot alone: not on how they were divided into calls, nor on rows of other slots beside it,
/// nor on threads. One thread at a time; nothing is allocated by run().
class Engine {
public:
  virtual ~Engine() = default;

  /// Makes all ready to run; to be called once. `program` and `file` must outlive the engine.
  /// \returns usage for options that the program or this machine cannot have; cpu when the machine lacks what the
  ///          program needs; inputOutput when the system refuses memory or threads.
  virtual Status open(const gemmac_program &program, const ProgramFile &file, const EngineOptions &options) = 0;

  virtual const gemmac_program &program() const = 0;
  /// Those of the program that read and generate text.
  virtual const TextFunctions &functions() const = 0;
  /// Sequences that can be held at a time.
  virtual int64_t slots() const = 0;
  /// Positions of a slot that may be used.
  virtual int64_t context() const = 0;
  /// Most rows of a call of `function`, which here and below is one of the program's table.
  virtual int64_t maxRows(const gemmac_function &function) const = 0;

  /// Where an input of `function` is written before run(), and where an output is read after it: until the next call of
  /// a function.
  ValueRows input(const gemmac_function &function, std::string_view name) const {
    const gemmac_value *value = findInput(function, name);
    return value ? rowsOf(*value) : ValueRows();
  }
  ValueRows output(const gemmac_function &function, std::string_view name) const {
    const gemmac_value *value = findOutput(function, name);
    return value ? rowsOf(*value) : ValueRows();
  }

  /// Feeds `rows` (gemmac/call.h), those of a slot next to each other and at consecutive positions; what comes before
  /// them in the slot was fed by earlier calls. decode takes one row, verify rows of any slots; both give the logits of
  /// rows that ask for them (GEMMAC_ROW_LOGITS). prefill gives none. Rows of a negative token take the soft tokens
  /// that were written to that input; in prefill_block those of a slot are one group, everywhere else in none.
  /// Functions that are none of functions() read nothing of the rows: how many there are is all that counts.
  /// \param cancel    looked at before anything is fed, and in functions that are none of functions() all the time:
  ///                  these are given up in the middle, as they leave nothing but their output; null: none
  /// \param progress  hears of functions that are none of functions(); null: nobody does
  /// \returns interrupted, nothing fed, after `cancel`; internal, nothing fed, for rows that break these rules;
  ///          otherwise what reading the program's file said: the slots of the rows should be cleared then.
  virtual Status run(const gemmac_function &function, std::span<const gemmac_row> rows, Logits &logits,
                     const Cancel *cancel = nullptr, Progress *progress = nullptr) = 0;

  /// Starts to load what `tokens`, which will be fed soon, need of the program's file. Does not wait.
  virtual void announce(std::span<const int32_t> tokens) const = 0;

  /// Forgets what `slot` holds and gives its memory back.
  virtual void clear(int64_t slot) = 0;
  /// Makes `to` hold what `from` holds, bit for bit; takes as long as what was ever written there is large.
  virtual void copy(int64_t from, int64_t to) = 0;
  /// The same to and from the host's memory. restore() \returns usage, nothing changed, for bytes of another program.
  virtual Snapshot save(int64_t slot) const = 0;
  virtual Status restore(int64_t slot, const Snapshot &snapshot) = 0;
  /// For measurements: writes zeros to all of `slot`, so that its memory is real.
  virtual void occupy(int64_t slot) = 0;

  virtual EngineMemory memory() const = 0;
  /// What runs the program, for people: "avx512, 8 threads".
  virtual std::string describe() const = 0;

private:
  virtual ValueRows rowsOf(const gemmac_value &value) const = 0;
};

/// Whether `rows` keep the rules of Engine::run(). \returns internal where they do not.
Status checkRows(const Engine &engine, const gemmac_function &function, std::span<const gemmac_row> rows);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_ENGINE_H
