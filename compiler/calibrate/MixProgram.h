// One program that stands for many: it is measured with its matrices in any mix of formats, without compiling again.
#ifndef GEMMAC_COMPILER_CALIBRATE_MIXPROGRAM_H
#define GEMMAC_COMPILER_CALIBRATE_MIXPROGRAM_H

#include "compiler/artifact/Packer.h"

namespace gemmac {

/// A format for each matrix of a program.
using MatrixFormats = std::vector<Format>;

/// A finished program of this machine whose matrices are stored in wide formats of group scales. The numbers of a
/// narrower format can be written into their places: what the program then computes is bit for bit what one computes
/// that was compiled in the narrower formats (widenPanel).
class MixProgram {
public:
  /// \param section what the program was packed from; `pack` how.
  MixProgram(std::string path, DataSection section, uint64_t dataOffset, PackOptions pack);

  const std::string &getPath() const { return path; }
  const std::vector<PackedMatrix> &matrices() const { return section.matrices; }
  /// Writes the numbers of these formats into the program, which must not be running. Only matrices that change are
  /// rounded again.
  llvm::Error hold(const MatrixFormats &formats);

private:
  std::string path;
  DataSection section;
  uint64_t dataOffset;
  PackOptions pack;
  MatrixFormats held;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_MIXPROGRAM_H
