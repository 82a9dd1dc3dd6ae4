// How kernels take the bits of quantized weights apart: what the layout of gemma.packed asks of any CPU.
#ifndef GEMMAC_TARGETS_CPU_PACKEDBITS_H
#define GEMMAC_TARGETS_CPU_PACKEDBITS_H

#include "targets/cpu/IsaLevel.h"
#include "targets/cpu/KernelBuilder.h"

namespace gemmac {

/// Products of a stored weight and an int8 activation whose sum surely fits an int16, as a power of two. Only for
/// weights of 8 bits it matters whether activations may be -128.
constexpr int64_t productsInInt16(Format format, bool wholeRange) {
  int64_t largest = (wholeRange ? 128 : 127) * formatInfo(format).largestStored(), count = 1;
  while (2 * count * largest <= INT16_MAX)
    count *= 2;
  return count;
}

/// -zero point * sum of the group's activations, an i32 from which integer sums of stored weights start; 0 without a
/// bias.
mlir::Value firstSum(KernelBuilder &b, const ActivationGroup &row, int64_t zeroPoint);

/// Integers as int16: of every four columns the even ones, 0 and 2, and the odd ones, so that lanes of int32 stay those
/// of the quads.
using Words = std::pair<mlir::Value, mlir::Value>;
Words evenAndOdd(KernelBuilder &b, mlir::Value quads); ///< of signed bytes

/// Words in the order of ActivationGroup: of every four columns the even ones, then the odd ones.
mlir::Value evenBeforeOdd(KernelBuilder &b, mlir::Value words);

/// Reads quads of a group of 16 rows, as stored (zero point included): quad j is columns 4j .. 4j+3 of all rows, 64
/// bytes. A part of a quad is as many rows as fit a register.
class QuadReader {
public:
  /// `part`: type of a register. `shifts`: the same bits as the integers that the CPU shifts.
  QuadReader(KernelBuilder &b, const WeightGroup &weights, mlir::VectorType part, mlir::VectorType shifts)
      : b(b), weights(weights), part(part), shifts(shifts) {}

  using Pair = std::pair<mlir::Value, mlir::Value>;
  /// Quads j and j + 4, j < 4, of the rows from byte `offset` of a quad on.
  Pair load(mlir::Value j, int64_t offset) const;
  Pair load(int64_t j, int64_t offset) const { return load(b.i64(j), offset); }
  /// The same of packed weights as int16; only this reads formats of more than a byte.
  std::pair<Words, Words> loadWords(mlir::Value j, int64_t offset) const;

private:
  static constexpr int64_t quadBytes = 4 * panelRows;
  KernelBuilder &b;
  const WeightGroup &weights;
  mlir::VectorType part, shifts;

  mlir::Value loadBytes(mlir::Value pointer) const {
    return b.load(part, pointer, part.getNumElements() < 32 ? 16 : 32);
  }
  Pair loadBytePlane(mlir::Value pointer, mlir::Value j, int64_t offset) const;
  Pair loadPlane(const BitPlane &plane, mlir::Value pointer, mlir::Value j, int64_t offset) const;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_PACKEDBITS_H
