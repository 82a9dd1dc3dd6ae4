// The matrices of a program whose formats are to be chosen, and what mixes of formats take.
#ifndef GEMMAC_COMPILER_CALIBRATE_OPENMATRICES_H
#define GEMMAC_COMPILER_CALIBRATE_OPENMATRICES_H

#include "compiler/artifact/ProgramSummary.h"
#include "compiler/calibrate/MixProgram.h"
#include "llvm/ADT/StringMap.h"

#include <map>

namespace gemmac {

/// Matrices that must have one format, since they share a weight; nearly always a single one.
struct OpenMatrix {
  std::string part;  ///< of the model: "MLP out"
  std::string shape; ///< what kernels are made for, but for the format
  std::vector<size_t> matrices;
  std::vector<Format> formats; ///< that it may have; widest first
};

class OpenMatrices {
public:
  OpenMatrices() = default;
  /// \param matrices of a program that is planned with every open matrix in its widest format; offsets do not matter.
  /// \param parts the open weights, with the part of the model that they are. Of these,
  /// matrices stored in a format of group
  ///   scales may have any such format of no more bits; others stay as they are.
  OpenMatrices(std::vector<PackedMatrix> matrices, const llvm::StringMap<std::string> &parts);

  const std::vector<PackedMatrix> &matrices() const { return all; }
  const std::vector<OpenMatrix> &items() const { return open; }

  MatrixFormats widest() const;
  MatrixFormats narrowest() const;
  /// `formats` with that of one item changed.
  MatrixFormats changed(MatrixFormats formats, size_t item, Format format) const;

  int64_t itemBytes(size_t item, Format format) const;
  /// Of these, what stays resident: tables are read by row.
  int64_t itemResident(size_t item, Format format) const;
  int64_t bytes(const MatrixFormats &formats) const; ///< of all matrices
  int64_t resident(const MatrixFormats &formats) const;

  /// By weight, as QuantizeOptions has it.
  std::map<std::string, Format> choices(const MatrixFormats &formats) const;
  /// A row of the report.
  FormatTrial trial(const std::string &name, const MatrixFormats &formats, const ProgramQuality &quality) const;
  /// How many weights of each part of the model have which format.
  std::vector<PartSummary> parts(const MatrixFormats &formats) const;

private:
  int64_t bytesOf(size_t matrix, Format format) const;

  std::vector<PackedMatrix> all;
  std::vector<OpenMatrix> open;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_OPENMATRICES_H
