// All steps of the dialect as a list of types, so that nobody lists them by hand.
#ifndef GEMMAC_DIALECTS_GEMMA_STEPLIST_H
#define GEMMAC_DIALECTS_GEMMA_STEPLIST_H

#include "dialects/Gemma/GemmaDialect.h"

namespace gemmac::gemma {

// clang-format off
/// `Template` of all ops gemma.step.*, as TableGen lists them from the .td files.
template <template <typename...> class Template>
using OfAllSteps = Template<
#define GET_OP_LIST
#include "dialects/Gemma/GemmaStepList.inc"
>;
// clang-format on

} // namespace gemmac::gemma

#endif // GEMMAC_DIALECTS_GEMMA_STEPLIST_H
