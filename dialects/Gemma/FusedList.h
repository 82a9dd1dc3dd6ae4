// All ops with FusedInterface as a list of types, so that nobody lists them by hand.
#ifndef GEMMAC_DIALECTS_GEMMA_FUSEDLIST_H
#define GEMMAC_DIALECTS_GEMMA_FUSEDLIST_H

#include "dialects/Gemma/GemmaDialect.h"

#include <type_traits>

namespace gemmac::gemma {

/// `Template` of those of `Ops` that have the interface; `Template<Kept...>` holds those found so far.
template <template <typename...> class Template, typename Found, typename... Ops> struct FusedOf {
  using Type = Found;
};
template <template <typename...> class Template, typename... Kept, typename Op, typename... Ops>
struct FusedOf<Template, Template<Kept...>, Op, Ops...>
    : FusedOf<Template,
              std::conditional_t<std::is_base_of_v<FusedInterface::Trait<Op>, Op>, Template<Kept..., Op>,
                                 Template<Kept...>>,
              Ops...> {};

// clang-format off
/// `Template` of all ops with FusedInterface, as TableGen lists ops.
template <template <typename...> class Template>
using OfFusedOps = typename FusedOf<Template, Template<>,
#define GET_OP_LIST
#include "dialects/Gemma/GemmaOps.cpp.inc"
>::Type;
// clang-format on

} // namespace gemmac::gemma

#endif // GEMMAC_DIALECTS_GEMMA_FUSEDLIST_H
