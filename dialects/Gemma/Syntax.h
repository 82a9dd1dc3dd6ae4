// Parts of assembly formats that attributes and ops share: numbers, enums as bare keywords, lists of symbols. The
// generated parsers and printers call them as custom<Number>, custom<Numbers>, custom<EnumKeyword>, custom<Symbols>.
// Private to this folder.
#ifndef GEMMAC_DIALECTS_GEMMA_SYNTAX_H
#define GEMMAC_DIALECTS_GEMMA_SYNTAX_H

#include "dialects/Gemma/GemmaDialect.h"

namespace gemmac::gemma::syntax {

/// A number of an op, which is f64: `1.0e-6`, `0.25`, or its bits, `0x7FF0000000000000`.
mlir::ParseResult parseNumber(mlir::OpAsmParser &parser, mlir::FloatAttr &number);

/// The same of an attribute, which may give another type than f64 for its verifier to see.
mlir::ParseResult parseNumber(mlir::AsmParser &parser, mlir::FloatAttr &number);

/// The fewest digits that read back as the same f64. Other types, infinities and NaN are printed as MLIR does.
void printNumber(mlir::AsmPrinter &printer, mlir::FloatAttr number);
inline void printNumber(mlir::OpAsmPrinter &printer, mlir::Operation *, mlir::FloatAttr number) {
  printNumber(printer, number);
}

/// Numbers as above, `[0.25, 0.0]`.
mlir::ParseResult parseNumbers(mlir::OpAsmParser &parser, mlir::DenseF64ArrayAttr &numbers);
void printNumbers(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::DenseF64ArrayAttr numbers);

/// `[@a, @b]`, printed on as many lines as it takes.
mlir::ParseResult parseSymbols(mlir::OpAsmParser &parser, mlir::ArrayAttr &symbols);
void printSymbols(mlir::OpAsmPrinter &printer, mlir::Operation *op, mlir::ArrayAttr symbols);

/// An enum as a bare keyword: `q4`, `decode`, `shared`, `geglu`.
template <typename EnumAttr> mlir::ParseResult parseEnumKeyword(mlir::OpAsmParser &parser, EnumAttr &attribute) {
  using Enum = decltype(attribute.getValue());
  llvm::StringRef keyword;
  llvm::SMLoc where = parser.getCurrentLocation();
  if (parser.parseKeyword(&keyword))
    return mlir::failure();
  std::optional<Enum> value = symbolizeEnum<Enum>(keyword);
  if (!value)
    return parser.emitError(where) << "'" << keyword << "' is no " << EnumAttr::getMnemonic();
  attribute = EnumAttr::get(parser.getContext(), *value);
  return mlir::success();
}

template <typename EnumAttr> void printEnumKeyword(mlir::OpAsmPrinter &printer, mlir::Operation *, EnumAttr attribute) {
  printer << stringifyEnum(attribute.getValue());
}

} // namespace gemmac::gemma::syntax

#endif // GEMMAC_DIALECTS_GEMMA_SYNTAX_H
