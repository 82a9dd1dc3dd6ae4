// Streams the data section of a program: every packed weight, converted from the checkpoint by all cores, then a tail
// of other bytes (the tokenizer). Memory does not grow with the checkpoint: each thread holds one band of a few
// megabytes.
#ifndef GEMMAC_COMPILER_ARTIFACT_PACKER_H
#define GEMMAC_COMPILER_ARTIFACT_PACKER_H

#include "compiler/artifact/PackedMatrix.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/RoundingGuide.h"

#include <functional>
#include <string>
#include <vector>

namespace gemmac {

struct DataSection {
  std::vector<PackedMatrix> matrices; ///< in order of their offsets, not overlapping
  uint64_t matrixBytes = 0;           ///< end of the last one
  std::string tail;                   ///< placed at tailOffset()
  uint64_t tailOffset() const { return roundUp(matrixBytes, bufferAlign); }
  uint64_t bytes() const { return tailOffset() + tail.size(); }
};

/// Called under a lock, with the bytes of the section that are done.
using PackProgress = std::function<void(uint64_t done, uint64_t total)>;

struct PackOptions {
  std::string directory;  ///< of the checkpoint
  std::string outputName; ///< for messages
  unsigned threads = 1;
  PackProgress progress; ///< may be empty
  Rounding rounding = Rounding::search;
  RoundingGuide *guide = nullptr; ///< may be null
};

struct PackedSection {
  uint64_t xxh64 = 0;             ///< of the section, seed 0
  std::vector<PackCounts> counts; ///< of each matrix
};

/// Writes `section` to `fd` from byte `base` on. The bytes do not depend on the number
/// of threads. Gaps are written as zeros. Sources are read with pread, not mapped: a file that shrinks meanwhile gives
/// an error instead of SIGBUS, and what has been read never counts as resident. Errors: ImportError for sources
/// (missing, cut short, infinite or NaN values, named with tensor and index); OutputError for `fd` (with the space
/// needed when the disk is full).
llvm::Expected<PackedSection> writeDataSection(const DataSection &section, int fd, uint64_t base,
                                               const PackOptions &options);

/// Writes some of a section's matrices once more, at their offsets; all else stays as it is, the checksum included.
llvm::Error rewriteMatrices(const DataSection &some, int fd, uint64_t base, const PackOptions &options);

/// Packs single panels of a matrix, numbered through all entries of its batch, one behind the other.
llvm::Expected<std::vector<uint8_t>> packPanels(const PackedMatrix &matrix, llvm::ArrayRef<int64_t> panels,
                                                llvm::StringRef directory, Rounding rounding, RoundingGuide *guide);

/// Packs one matrix into memory; `directory` as above. For tests and small weights.
llvm::Expected<std::vector<uint8_t>> packMatrix(const PackedMatrix &matrix, llvm::StringRef directory,
                                                PackCounts *counts = nullptr, Rounding rounding = Rounding::search,
                                                RoundingGuide *guide = nullptr);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PACKER_H
