// Registration, attributes, the buffer type.
#include "dialects/Gemma/GemmaDialect.h"

#include "dialects/Gemma/Syntax.h"
#include "dialects/formats/Format.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;
using namespace gemmac;
using namespace gemmac::gemma;
using namespace gemmac::gemma::syntax;

//===--- Parts of assembly formats
//----------------------------------------------------------------------------------===//

/// `rows x width`. The lexer takes `x64` for a word, so the pieces are read as a dimension list.
static ParseResult parseBufferShape(AsmParser &parser, int64_t &rows, int64_t &width) {
  SmallVector<int64_t, 2> shape;
  SMLoc where = parser.getCurrentLocation();
  if (parser.parseDimensionList(shape, /*allowDynamic=*/false, /*withTrailingX=*/false))
    return failure();
  if (shape.size() != 2)
    return parser.emitError(where) << "expects rows x width, got " << shape.size() << " numbers";
  rows = shape[0];
  width = shape[1];
  return success();
}

static void printBufferShape(AsmPrinter &printer, int64_t rows, int64_t width) { printer << rows << " x " << width; }

/// `36 -> 48`, and `crossed` behind it.
static ParseResult parseAxis(AsmParser &parser, int64_t &block, int64_t &padded, bool &crossed) {
  if (parser.parseInteger(block) || parser.parseArrow() || parser.parseInteger(padded))
    return failure();
  crossed = succeeded(parser.parseOptionalKeyword("crossed"));
  return success();
}

static void printAxis(AsmPrinter &printer, int64_t block, int64_t padded, bool crossed) {
  printer << block << " -> " << padded << (crossed ? " crossed" : "");
}

#include "dialects/Gemma/GemmaDialect.cpp.inc"

#define GET_ATTRDEF_CLASSES
#include "dialects/Gemma/GemmaAttrs.cpp.inc"

#define GET_TYPEDEF_CLASSES
#include "dialects/Gemma/GemmaTypes.cpp.inc"

#include "dialects/Gemma/GemmaInterfaces.cpp.inc"

void GemmaDialect::initialize() {
  addAttributes<
#define GET_ATTRDEF_LIST
#include "dialects/Gemma/GemmaAttrs.cpp.inc"
      >();
  addTypes<
#define GET_TYPEDEF_LIST
#include "dialects/Gemma/GemmaTypes.cpp.inc"
      >();
  addOperations<
#define GET_OP_LIST
#include "dialects/Gemma/GemmaOps.cpp.inc"
      >();
}

//===--- Attributes
//-------------------------------------------------------------------------------------------------===//

LogicalResult RopeAttr::verify(function_ref<InFlightDiagnostic()> error, FloatAttr theta, int64_t pairs,
                               FloatAttr factor) {
  if (!theta.getType().isF64() || !factor.getType().isF64()) // rope_attr_c1, rope_attr_c3
    return error() << "expects theta and factor in f64, got " << theta.getType() << " and " << factor.getType();
  if (!theta.getValue().isFinite() || theta.getValueAsDouble() <= 1.0) // rope_attr_c1
    return error() << "expects theta above 1, got " << theta.getValueAsDouble();
  if (pairs < 0) // rope_attr_c2
    return error() << "expects pairs not to be negative, got " << pairs;
  if (!factor.getValue().isFinite() || factor.getValueAsDouble() <= 0.0) // rope_attr_c3
    return error() << "expects factor above 0, got " << factor.getValueAsDouble();
  return success();
}

LogicalResult SourceAttr::verify(function_ref<InFlightDiagnostic()> error, StringAttr file, int64_t offset,
                                 int64_t bytes) {
  if (offset < 0) // source_attr_c1
    return error() << "expects an offset that is not negative, got " << offset;
  if (bytes <= 0) // source_attr_c2
    return error() << "expects a positive number of bytes, got " << bytes;
  return success();
}

LogicalResult ScalesAttr::verify(function_ref<InFlightDiagnostic()> error, StringAttr file, int64_t offset,
                                 int64_t bytes, Encoding encoding, int64_t columns) {
  if (offset < 0) // scales_attr_c1
    return error() << "expects an offset that is not negative, got " << offset;
  if (bytes <= 0) // scales_attr_c2
    return error() << "expects a positive number of bytes, got " << bytes;
  if (encoding != Encoding::F32 && encoding != Encoding::F16 && encoding != Encoding::BF16) // scales_attr_c3
    return error() << "expects scales of type f32, f16 or bf16, got " << stringifyEncoding(encoding);
  if (columns <= 0) // scales_attr_c4
    return error() << "expects a positive number of columns that share a scale, got " << columns;
  return success();
}

LogicalResult AxisAttr::verify(function_ref<InFlightDiagnostic()> error, int64_t block, int64_t padded, bool crossed) {
  if (block <= 0 || block > padded) // axis_attr_c1
    return error() << "expects a block between 1 and its padded size, got " << block << " -> " << padded;
  if (padded % panelRows != 0) // axis_attr_c2
    return error() << "expects a padded size that is a multiple of " << panelRows << ", got " << padded;
  if (crossed && block % 2 != 0) // axis_attr_c3
    return error() << "expects a crossed axis to have an even block, got " << block;
  return success();
}

int64_t AxisAttr::getPaddedSize(int64_t size) const { return roundUp(size / getBlock() * getPadded(), groupColumns); }

//===--- The buffer type
//--------------------------------------------------------------------------------------------===//

LogicalResult BufferType::verify(function_ref<InFlightDiagnostic()> error, int64_t rows, int64_t width,
                                 Element element) {
  if (rows <= 0) // buffer_type_c1
    return error() << "expects a positive number of rows, got " << rows;
  if (width <= 0 || width % groupColumns != 0) // buffer_type_c2
    return error() << "expects a width that is a positive multiple of " << groupColumns << ", got " << width;
  constexpr int64_t widestStatic = 131040;
  if (element == Element::S8 && width > widestStatic) // buffer_type_c3
    return error() << "expects a width of at most " << widestStatic << " in s8, got " << width;
  return success();
}

int64_t BufferType::getRowBytes() const {
  if (!isQuantized())
    return roundUp(getWidth() * 4, bufferAlign);
  return isWide() ? wideRowBytes(getWidth()) : quantizedRowBytes(getWidth());
}
