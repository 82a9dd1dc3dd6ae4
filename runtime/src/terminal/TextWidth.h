// Columns that characters take on a terminal.
#ifndef GEMMAC_RUNTIME_TEXTWIDTH_H
#define GEMMAC_RUNTIME_TEXTWIDTH_H

#include <cstdint>

namespace gemmac::runtime {

/// 0 for marks that combine with the character before, 2 for East Asian wide and fullwidth characters and emoji,
/// else 1. Terminals differ in some; U+FE0F and joined emoji count as their parts. Source: Unicode 14.0, general
/// categories Mn and Me, and East_Asian_Width W and F.
unsigned columnsOf(uint32_t codePoint);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TEXTWIDTH_H
