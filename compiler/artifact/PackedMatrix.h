// What one gemma.packed symbol asks for, free of MLIR: which rows of which sources go where. The packer, the reports
// and the tests share it. Layouts: gemma.packed in dialects/Gemma/GemmaModelOps.td and docs/formats.md.
#ifndef GEMMAC_COMPILER_ARTIFACT_PACKEDMATRIX_H
#define GEMMAC_COMPILER_ARTIFACT_PACKEDMATRIX_H

#include "dialects/Gemma/GemmaDialect.h"
#include "dialects/formats/Encoding.h"
#include "dialects/formats/Format.h"
#include "mlir/IR/BuiltinOps.h"
#include "llvm/ADT/ArrayRef.h"
#include "llvm/Support/Error.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac {

/// How one axis is padded: blocks of `block` elements, each padded to `padded` (#gemma.axis).
struct PackAxis {
  int64_t block = 1, padded = 1;
  bool crossed = false; ///< of every two blocks, the inner halves change places first
  /// Elements that follow each other wherever they land, from any multiple of that number on.
  int64_t run() const { return crossed ? block / 2 : block; }
  /// Where element `index` lands.
  int64_t place(int64_t index) const {
    index = changed(index);
    return index / block * padded + index % block;
  }
  /// The element at `place`, or -1 for padding; `count` is the number of elements.
  int64_t element(int64_t place, int64_t count) const {
    int64_t index = changed(place / padded * block + place % padded);
    return place % padded < block && index < count ? index : -1;
  }
  /// Padded length of `count` elements: whole blocks, then up to a multiple of 32.
  int64_t extent(int64_t count) const { return roundUp((count + block - 1) / block * padded, groupColumns); }

private:
  /// What stands in the place of element `index` once inner halves have changed places; its own inverse.
  int64_t changed(int64_t index) const {
    int64_t quarter = crossed ? index / run() % 4 : 0;
    return quarter == 1 ? index + run() : quarter == 2 ? index - run() : index;
  }
};

/// Scales of integer weights, stored apart: one for each row and each run of `columns` columns.
struct PackScales {
  std::string file;
  uint64_t offset = 0;
  Encoding encoding = Encoding::BF16;
  int64_t columns = 0;
  int64_t rowBytes(int64_t cols) const { return sourceRowBytes(encoding, cols / columns); }
};

/// A tensor of the checkpoint seen as `batch` row-major matrices; a vector has batch 1 and one row.
struct PackSource {
  std::string name; ///< canonical tensor name, for messages
  std::string file; ///< inside the checkpoint's directory
  uint64_t offset = 0;
  Encoding encoding = Encoding::BF16;
  int64_t batch = 1, rows = 1, cols = 1;
  std::optional<PackScales> scales = std::nullopt; ///< of encodings of integers
  /// Sources whose rows make up this one's, in order, alike in all but place; `file` and `offset` mean nothing then.
  std::vector<PackSource> pieces = {};
  float addend = 0.0f;   ///< added to every value that is read
  bool softplus = false; ///< ln(1 + e^x) of every value x that is read
  int64_t planes = 1;    ///< runs of which a row is stored, one behind the other; their elements take turns in it
  int64_t rowPlanes = 1; ///< the same of the rows
  int64_t rowBytes() const { return sourceRowBytes(encoding, cols); }
  /// Where in the file row `row` is, or element `col` of a row.
  int64_t storedRow(int64_t row) const { return storedPlace(row, rows, rowPlanes); }
  int64_t storedCol(int64_t col) const { return storedPlace(col, cols, planes); }

private:
  static int64_t storedPlace(int64_t index, int64_t count, int64_t planes) {
    return index % planes * (count / planes) + index / planes;
  }
};

/// A run of source rows that is padded as one: a source, or half of one when a single source interleaves.
struct PackPart {
  int64_t source = 0;
  int64_t firstRow = 0, rowCount = 0; ///< in the source
  int64_t paddedRows = 0;
};

/// A row of a source; `source` is -1 for padding.
struct RowRef {
  int64_t part = -1, source = -1, row = -1;
};

struct PackedMatrix {
  std::string name;
  std::vector<PackSource> sources;
  Format format = Format::F32;
  /// Rounds to this narrower format of group scales, and stores its numbers in `format` (PanelNumbers.h).
  std::optional<Format> narrower = std::nullopt;
  Layout layout = Layout::Vector;
  int64_t batch = 1;
  bool interleave = false;
  PackAxis rowAxis = {}, colAxis = {};
  float scale = 1.0f;         ///< of every value, behind what its source makes of it
  int64_t rows = 0, cols = 0; ///< padded, per batch entry
  int64_t bytes = 0;
  uint64_t offset = 0; ///< in the data section

  /// The format whose numbers the values become.
  Format lattice() const { return narrower.value_or(format); }
  std::vector<PackPart> parts() const;
  /// Which source row fills padded row `row` of any batch entry.
  RowRef rowAt(llvm::ArrayRef<PackPart> parts, int64_t row) const;
  /// Panels of one batch entry, and bytes from one to the next. A vector is one panel.
  int64_t panelCount() const { return layout == Layout::Vector ? 1 : rows / rowsOf(layout); }
  int64_t panelStride() const {
    return layout == Layout::Vector ? bytes : panelBytes(format, rowsOf(layout), cols, scaleBlocks());
  }
  int64_t scaleBlocks() const { return gemmac::scaleBlocks(layout, cols, colAxis.padded); }
  /// Values of the checkpoint, padding excluded.
  int64_t valueCount() const;
  /// Checks shapes and sizes against the format table; the message names the matrix.
  llvm::Error verify() const;
};

/// Where a gemma.weight of a module lies.
llvm::Expected<PackSource> packSource(gemma::WeightOp weight, mlir::SymbolTable &symbols);

/// The gemma.packed symbols of a planned module in the order of their offsets, which must not overlap. Errors are
/// defects of a pass (unplanned symbols, sizes that contradict) and are not of class ImportError.
llvm::Expected<std::vector<PackedMatrix>> packedMatrices(mlir::ModuleOp module);

/// The slow and obvious reading of a packed matrix: one value by its padded place. `data` begins at the matrix.
float packedValue(const PackedMatrix &matrix, const uint8_t *data, int64_t batch, int64_t row, int64_t col);

/// All values of source `source` as packed, `[batch, rows, cols]` without padding.
std::vector<float> unpackMatrix(const PackedMatrix &matrix, const uint8_t *data, int64_t source);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PACKEDMATRIX_H
