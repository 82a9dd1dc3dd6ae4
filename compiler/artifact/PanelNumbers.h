// The numbers of packed panels, apart from how many bits each has: for programs that hold the numbers of a narrow
// format in a wider one, and for the errors of rounding.
#ifndef GEMMAC_COMPILER_ARTIFACT_PANELNUMBERS_H
#define GEMMAC_COMPILER_ARTIFACT_PANELNUMBERS_H

#include "dialects/formats/Format.h"

namespace gemmac {

/// Whether a format's scales are those of groups, so that another such format of no fewer
/// bits holds all of its numbers.
constexpr bool hasGroupScales(Format format) { return formatInfo(format).scales == ScaleKind::Group; }

/// Writes a panel of `rows` rows (16, or 1 in tables) and `cols` columns in another format: the same integers, the same
/// scales. Both formats have group scales and `to` no fewer bits than `from`. Products of both panels are the same
/// bits: integer sums are exact, and what follows them does not depend on the format.
void widenPanel(Format from, const uint8_t *panel, Format to, int64_t rows, int64_t cols, uint8_t *result);

/// The values of a panel of group scales, `[cols][rows]`.
void panelValues(Format format, const uint8_t *panel, int64_t rows, int64_t cols, float *result);

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_PANELNUMBERS_H
