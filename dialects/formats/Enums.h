// The enums of Enums.td in C++: Format, Encoding, Layout, Element and what the dialect's ops add. Needs no MLIR.
#ifndef GEMMAC_DIALECTS_FORMATS_ENUMS_H
#define GEMMAC_DIALECTS_FORMATS_ENUMS_H

#include "llvm/ADT/DenseMapInfo.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/LogicalResult.h"
#include "llvm/Support/raw_ostream.h"

#include <cstdint>
#include <optional>
#include <string>

// Templates of the generated header, which only MLIR's parsers instantiate, name this one.
namespace mlir {
using llvm::FailureOr;
} // namespace mlir

#include "dialects/formats/Enums.h.inc"

namespace gemmac {

/// As IR, the command line and reports write it: "q4".
inline llvm::StringRef nameOf(Format format) { return stringifyFormat(format); }
inline llvm::StringRef nameOf(Encoding encoding) { return stringifyEncoding(encoding); }
inline llvm::StringRef nameOf(Layout layout) { return stringifyLayout(layout); }
inline llvm::StringRef nameOf(Element element) { return stringifyElement(element); }
inline std::optional<Format> parseFormat(llvm::StringRef name) { return symbolizeFormat(name); }

} // namespace gemmac

#endif // GEMMAC_DIALECTS_FORMATS_ENUMS_H
