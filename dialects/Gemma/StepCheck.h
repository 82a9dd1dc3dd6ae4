// What steps tell of themselves and how they are verified: buffers and packed weights, with errors at the step. Private
// to this folder.
#ifndef GEMMAC_DIALECTS_GEMMA_STEPCHECK_H
#define GEMMAC_DIALECTS_GEMMA_STEPCHECK_H

#include "dialects/Gemma/Verify.h"
#include "dialects/formats/Format.h"

namespace gemmac::gemma::verify {

using mlir::failed;
using mlir::failure;
using mlir::FlatSymbolRefAttr;
using mlir::FloatAttr;
using mlir::LogicalResult;
using mlir::Operation;
using mlir::success;
using mlir::SymbolTableCollection;

using Values = llvm::SmallVector<mlir::Value>;
using Buffer = mlir::TypedValue<BufferType>;
using Weights = llvm::SmallVector<WeightUse>;

inline int64_t rowCount(Buffer buffer) { return buffer.getType().getRows(); }
inline int64_t widthOf(Buffer buffer) { return buffer.getType().getWidth(); }

/// Vectors that a step reads; those that are null are left out.
inline Weights vectors(std::initializer_list<FlatSymbolRefAttr> names) {
  Weights uses;
  for (FlatSymbolRefAttr name : names)
    if (name)
      uses.push_back({name, WeightRole::Vector});
  return uses;
}

inline Weights with(WeightUse first, Weights others) {
  others.insert(others.begin(), first);
  return others;
}

/// One step under verification: checks of buffers and packed weights that report at the step.
class StepCheck {
public:
  explicit StepCheck(Operation *op, SymbolTableCollection *symbols = nullptr) : op(op), symbols(symbols) {}

  /// `buffer` is `rows x width` of `element`.
  LogicalResult buffer(Buffer buffer, llvm::StringRef role, int64_t rows, int64_t width, Element element) const {
    BufferType type = buffer.getType();
    auto expected = BufferType::get(op->getContext(), rows, width, element);
    if (type == expected)
      return success();
    return op->emitOpError() << "expects " << role << " of type " << expected << ", got " << type;
  }

  /// `buffer` holds elements of the given kind.
  LogicalResult element(Buffer buffer, llvm::StringRef role, Element element) const {
    if (buffer.getType().getElement() == element)
      return success();
    return op->emitOpError() << "expects " << role << " in " << nameOf(element) << ", got " << buffer.getType();
  }

  /// `name`, where given, is a packed f32 vector of `cols` elements.
  LogicalResult vector(FlatSymbolRefAttr name, llvm::StringRef role, int64_t cols) const {
    if (!name)
      return success();
    auto packed = lookUp<PackedOp>(op, *symbols, name, role);
    if (!packed)
      return failure();
    if (packed.getLayout() != Layout::Vector || static_cast<int64_t>(packed.getCols()) != cols)
      return op->emitOpError() << "expects " << role << " to be a packed vector of " << cols << " elements, got "
                               << name << " of " << packed.getCols() << " in layout " << nameOf(packed.getLayout());
    return success();
  }

  /// A packed matrix with panels of 16 rows and `cols` columns, interleaved or not; null after an error.
  PackedOp matrix(FlatSymbolRefAttr name, llvm::StringRef role, int64_t cols, bool interleave) const {
    auto packed = lookUp<PackedOp>(op, *symbols, name, role);
    if (!packed)
      return nullptr;
    if (packed.getLayout() == Layout::Panels && static_cast<int64_t>(packed.getCols()) == cols &&
        packed.getInterleave() == interleave)
      return packed;
    op->emitOpError() << "expects " << role << " packed in panels, " << cols << " cols, "
                      << (interleave ? "interleaved" : "not interleaved") << ", got " << name << " in layout "
                      << nameOf(packed.getLayout()) << ", " << packed.getCols() << " cols, "
                      << (packed.getInterleave() ? "interleaved" : "not interleaved");
    return nullptr;
  }

  /// The same with batch 1.
  PackedOp singleMatrix(FlatSymbolRefAttr name, llvm::StringRef role, int64_t cols, bool interleave) const {
    PackedOp packed = matrix(name, role, cols, interleave);
    if (!packed || packed.getBatch() == 1)
      return packed;
    op->emitOpError() << "expects " << role << " packed with batch 1, got " << packed.getBatch();
    return nullptr;
  }

  /// Activations come as q8 or q16 for quantized weights, of q12 as q16; as s8 where weights want a static scale, which
  /// those of q12 cannot have; else as f32.
  LogicalResult activations(Buffer input, PackedOp weight) const {
    const FormatInfo &info = formatInfo(weight.getFormat());
    bool isStatic = info.quantized && weight.getInputScale().has_value();
    BufferType type = input.getType();
    if (isStatic && info.inWords())
      return op->emitOpError() << "expects no input_scale for weights in " << stringifyFormat(info.format)
                               << ", which are multiplied with q16; give them q8 or c8";
    llvm::StringRef expected = isStatic ? "s8" : info.inWords() ? "q16" : info.quantized ? "q8 or q16" : "f32";
    bool fits = info.inWords()   ? type.isWide()
                : info.quantized ? type.isQuantized() && type.isStatic() == isStatic
                                 : type.getElement() == Element::F32;
    if (fits)
      return success();
    return op->emitOpError() << "expects input in " << expected << " for weights in "
                             << stringifyFormat(weight.getFormat()) << (isStatic ? " with an input_scale" : "")
                             << ", got " << input.getType();
  }

  /// `result` is rows of f32, of q8 or q16 or, with `scale`, on a static grid.
  LogicalResult rowResult(Buffer result, int64_t rows, int64_t width, FloatAttr scale) const {
    Element element = result.getType().isQuantized() ? result.getType().getElement() : Element::F32;
    if (failed(buffer(result, "result", rows, width, element)))
      return failure();
    if (result.getType().isQuantized() && result.getType().isStatic() != (scale != nullptr))
      return op->emitOpError() << "expects " << (scale ? "no static scale" : "a static scale") << " for a result in "
                               << nameOf(element);
    return success();
  }

  /// 0 < value <= limit, where attribute constraints saw to the first half.
  LogicalResult atMost(llvm::StringRef role, int64_t value, int64_t limit, llvm::StringRef meaning) const {
    if (value <= limit)
      return success();
    return op->emitOpError() << "expects " << role << " of at most " << limit << " (" << meaning << "), got " << value;
  }

private:
  Operation *op;
  SymbolTableCollection *symbols;
};

} // namespace gemmac::gemma::verify

#endif // GEMMAC_DIALECTS_GEMMA_STEPCHECK_H
