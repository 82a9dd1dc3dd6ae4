// One gemma.function of steps as text, with the memory that it works on: what the tests of kernels are written with.
#ifndef GEMMAC_TESTS_UNIT_CPU_STEPPROGRAM_H
#define GEMMAC_TESTS_UNIT_CPU_STEPPROGRAM_H

#include "Matrices.h"

#include "dialects/formats/CacheLayout.h"

#include "llvm/ADT/StringRef.h"

#include <string>

namespace gemmac::test {

/// A double as MLIR reads it, all digits.
std::string literal(double value);

/// A buffer of the function: its name in the text, and where it lies.
struct Buffer {
  std::string name, type;
  bool shared;
  int64_t offset, rows, width, rowBytes;

  bool isWide() const { return llvm::StringRef(type).contains("q16"); }
  int64_t scalesOffset() const { return isWide() ? 4 * width : width; } ///< in a row of q8, q16 or s8
};

/// A planned KV cache. CacheReference.h reads and writes what it holds.
/// Keys and values are stored times 2 to the power of minus these.
struct Exponents {
  int64_t key = 0, value = 0;
};

struct Cache {
  std::string name;
  Format format;
  int64_t heads, headDim, window, capacity, padded, offset, bytes;
  bool rotated;
  int64_t turnedPairs, paddedKey; ///< 0: whole keys are stored
  Exponents exponents;
};

class StepProgram {
public:
  explicit StepProgram(int64_t maxRows) : maxRows(maxRows) {}

  // Packed weights; each returns its symbol, "@w0".
  std::string addMatrix(const Matrix &matrix, Layout layout = Layout::Panels) { return addExperts({matrix}, layout); }
  std::string addGateUp(const Matrix &gate, const Matrix &up) { return addInterleaved({gate}, {up}); }
  /// One matrix whose rows are those of several sources: `rows` of each.
  std::string addStacked(const Matrix &matrix, const std::vector<int64_t> &rows);
  std::string addExperts(const std::vector<Matrix> &experts, Layout layout = Layout::Panels);
  std::string addInterleaved(const std::vector<Matrix> &gates, const std::vector<Matrix> &ups);
  /// `values` padded with zeros to `width`, or to a multiple of 32.
  std::string addVector(const std::vector<float> &values, int64_t width = 0);

  Cache addCache(Format format, int64_t heads, int64_t headDim, int64_t window, int64_t capacity, bool rotated = false,
                 int64_t turnedPairs = 0, Exponents exponents = {});
  Buffer shared(int64_t width, const char *element = "f32", int64_t perRow = 1) {
    return buffer(true, width, element, perRow);
  }
  Buffer scratch(int64_t width, const char *element = "f32", int64_t perRow = 1) {
    return buffer(false, width, element, perRow);
  }
  /// A shared buffer that the caller writes (Call::give).
  Buffer given(int64_t width, const char *element = "f32", int64_t perRow = 1);
  /// A shared buffer of so many rows, whatever the function has.
  Buffer sharedRows(int64_t rows, int64_t width, const char *element = "f32");
  /// Has room for the rows of a block of so many rows of the call.
  Buffer inBlock(int64_t block, bool isShared, int64_t width, const char *element = "f32", int64_t perRow = 1);
  /// A private f32 buffer with room for 4 rows.
  Buffer ring(int64_t width, int64_t perRow);
  /// What gemma.step.attention_splits writes: a row for each split.
  Buffer parts(const Cache &cache, int64_t heads);

  /// A buffer whose row r is rows[token of row r], put there by a gemma.step.embed of f32 with scale 1, and a barrier.
  Buffer input(const Matrix &rows, bool isShared = true);
  void step(const std::string &line) { body += "    gemma.step." + line + "\n"; }
  void barrier() { body += "    gemma.barrier\n"; }
  /// The steps up to endBlocks() do so many rows of the call after the other.
  void blocks(int64_t rows) { body += "    gemma.blocks rows " + std::to_string(rows) + "\n"; }
  void endBlocks() { body += "    gemma.barrier\n    gemma.end_blocks\n"; }

  /// What a call with these tokens gets as gemmac_call.table_rows.
  std::vector<uint8_t> tableRows(const std::vector<int32_t> &tokens) const;

  std::string text() const;
  /// gemmac_<function>_<level>
  std::string entry(const std::string &level) const;

  /// Activation scales of the weights that are added from now on: of the input, and of the products of each source, 0:
  /// none.
  struct ActivationScales {
    double input = 0;
    std::vector<double> outputs;
  } activationScales;
  /// What each source of the matrices that are added from now on gives, lo, hi, lo, hi; empty: all.
  std::vector<double> outputBounds;
  /// Buffers whose order is each level's own.
  std::vector<Buffer> ownLayouts;

  int64_t maxRows, arenaBytes = 0, scratchBytes = 0, cacheBytes = 0, tableRowBytes = 0;
  std::vector<uint8_t> data;
  std::vector<Cache> caches;

private:
  Buffer buffer(bool isShared, int64_t width, const char *element, int64_t perRow);
  std::string addPacked(const std::vector<uint8_t> &bytes, const std::string &sources, const std::string &rest,
                        const std::string &place = "");
  std::string addWeight(const std::string &shape, int64_t elements, size_t source = 0);
  std::string scalesOfPacked(size_t sources) const;
  std::string boundsOfPacked(size_t sources) const;
  /// \param room  for how many of the rows; 0: all. \param how that is told.
  Buffer place(bool isShared, int64_t rows, int64_t width, const char *element, int64_t room = 0,
               const std::string &how = "");
  /// A table read by row.
  struct Table {
    int64_t offset, rowBytes, rowAt;
  };
  const char *function() const { return maxRows == 1 ? "decode" : "verify"; }

  std::string symbols, buffers, inputs, body;
  std::vector<Table> tables;
  int64_t names = 0;
};

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_STEPPROGRAM_H
