// What formats would lose of a matrix's outputs, before anything is packed.
#ifndef GEMMAC_COMPILER_CALIBRATE_ROUNDINGLOSS_H
#define GEMMAC_COMPILER_CALIBRATE_ROUNDINGLOSS_H

#include "compiler/artifact/Packer.h"

namespace gemmac {

/// For each format the share of a matrix's output energy that rounding changes: the sum over rows of (w - q)^T H (w -
/// q) over that of w^T H w. The rows are really rounded, as the packer does it; they are those of panels spread evenly
/// over the matrix (and its batch), 512 rows about. H is what the guide knows of the inputs; tables, of which it knows
/// nothing, count each column alike. 0 where a format holds the values exactly.
/// \param formats of group scales.
llvm::Expected<std::vector<double>> roundingLoss(const PackedMatrix &matrix, llvm::ArrayRef<Format> formats,
                                                 llvm::StringRef directory, Rounding rounding, RoundingGuide &guide);

} // namespace gemmac

#endif // GEMMAC_COMPILER_CALIBRATE_ROUNDINGLOSS_H
