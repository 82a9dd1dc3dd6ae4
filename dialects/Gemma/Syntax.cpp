#include "dialects/Gemma/Syntax.h"

#include "mlir/IR/Builders.h"

#include <charconv>

using namespace mlir;

namespace gemmac::gemma::syntax {

ParseResult parseNumber(OpAsmParser &parser, FloatAttr &number) {
  return parser.parseAttribute(number, parser.getBuilder().getF64Type());
}

ParseResult parseNumber(AsmParser &parser, FloatAttr &number) { return parser.parseAttribute(number); }

/// `1.0e-6` and `16.0`, where std::to_chars has `1e-06` and `16`: MLIR reads a point and a digit as the mark of a
/// number with a fraction.
static std::string shortestText(double value) {
  char digits[32];
  char *end = std::to_chars(std::begin(digits), std::end(digits), value).ptr;
  auto [mantissa, exponent] = StringRef(digits, end - digits).split('e');
  std::string text = mantissa.str();
  if (!mantissa.contains('.'))
    text += ".0";
  if (int power = 0; !exponent.ltrim('+').getAsInteger(10, power))
    text += "e" + std::to_string(power);
  return text;
}

void printNumber(AsmPrinter &printer, FloatAttr number) {
  if (number.getType().isF64() && number.getValue().isFinite())
    printer << shortestText(number.getValueAsDouble());
  else
    printer << number;
}

ParseResult parseNumbers(OpAsmParser &parser, DenseF64ArrayAttr &numbers) {
  SmallVector<double> values;
  auto parseOne = [&]() -> ParseResult {
    FloatAttr number;
    if (parseNumber(parser, number))
      return failure();
    values.push_back(number.getValueAsDouble());
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseOne))
    return failure();
  numbers = parser.getBuilder().getDenseF64ArrayAttr(values);
  return success();
}

void printNumbers(OpAsmPrinter &printer, Operation *, DenseF64ArrayAttr numbers) {
  Builder builder(numbers.getContext());
  printer << '[';
  llvm::interleaveComma(numbers.asArrayRef(), printer,
                        [&](double value) { printNumber(printer, builder.getF64FloatAttr(value)); });
  printer << ']';
}

ParseResult parseSymbols(OpAsmParser &parser, ArrayAttr &symbols) {
  SmallVector<Attribute> names;
  auto parseName = [&]() -> ParseResult {
    FlatSymbolRefAttr name;
    if (parser.parseAttribute(name))
      return failure();
    names.push_back(name);
    return success();
  };
  if (parser.parseCommaSeparatedList(AsmParser::Delimiter::Square, parseName))
    return failure();
  symbols = parser.getBuilder().getArrayAttr(names);
  return success();
}

// The printer does not tell its column, so that one is assumed which such a list has in a module: 2 for the op, 4 for
// the line within it, and the word before the list.
void printSymbols(OpAsmPrinter &printer, Operation *, ArrayAttr symbols) {
  constexpr size_t firstColumn = 11, lastColumn = 119;
  size_t column = firstColumn;
  printer << '[';
  for (auto [i, name] : llvm::enumerate(symbols.getAsRange<FlatSymbolRefAttr>())) {
    size_t width = name.getValue().size() + 3; // @ before it, comma and space behind it
    if (i != 0)
      printer << ',';
    if (i != 0 && column + width > lastColumn) {
      printer.printNewline();
      printer << "      "; // 2 in from the line
      column = firstColumn;
    } else if (i != 0) {
      printer << ' ';
    }
    printer << name;
    column += width;
  }
  printer << ']';
}

} // namespace gemmac::gemma::syntax
