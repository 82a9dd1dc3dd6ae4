// Products of int16 with int16: how weights of more than a byte are multiplied.
#ifndef GEMMAC_TARGETS_CPU_WORDPRODUCTS_H
#define GEMMAC_TARGETS_CPU_WORDPRODUCTS_H

#include "targets/cpu/PackedBits.h"

namespace gemmac {

/// Where int16 lie in an unpacked group of 32 columns of a panel: by quad of columns 128 bytes, in which each part of
/// the panel's rows has a register of the even columns and one of the odd ones.
struct WordPlaces {
  int64_t bytes; ///< of a register (TileOps::wordRegister)
  static constexpr int64_t groupBytes = 2 * panelRows * groupColumns;
  static constexpr int64_t quadBytes = 2 * 4 * panelRows;

  /// Of the even columns of a part of the rows; the odd ones lie `bytes` behind.
  int64_t part(int64_t part) const { return 2 * bytes * part; }
  /// Of columns 0 and 2 of a row.
  int64_t row(int64_t row) const { return part(row / perRegister()) + row % perRegister() * 4; }
  mlir::Value row(KernelBuilder &b, mlir::Value row) const {
    return b.add(b.mul(b.div(row, b.i64(perRegister())), 2 * bytes), b.mul(b.rem(row, b.i64(perRegister())), 4));
  }
  /// Of a column in row 0.
  mlir::Value column(KernelBuilder &b, mlir::Value column) const {
    mlir::Value inQuad = b.rem(column, b.i64(4));
    mlir::Value odd = b.mul(b.rem(inQuad, b.i64(2)), bytes), pair = b.mul(b.div(inQuad, b.i64(2)), 2);
    return b.add(b.mul(b.div(column, b.i64(4)), quadBytes), b.add(odd, pair));
  }

private:
  int64_t perRegister() const { return bytes / 4; }
};

/// The same on all levels but for registers, of which several hold four columns of a panel, its parts. Unpacked weights
/// are int16 without a zero point: by quad of columns, then by part, a register of even and one of odd columns.
class WordProducts {
public:
  using Value = mlir::Value;
  /// \param bytes of a register. \param together parts that are multiplied at once, so that their sums share each
  /// broadcast of activations.
  WordProducts(int64_t bytes, int64_t together) : bytes(bytes), together(together), parts(4 * panelRows / bytes) {}
  virtual ~WordProducts() = default;

  /// As TileOps::dotPanels: all panels packed or all unpacked.
  llvm::SmallVector<Value> dot(KernelBuilder &b, llvm::ArrayRef<WeightGroup> panels,
                               llvm::ArrayRef<ActivationGroup> rows) const;
  /// As TileOps::unpack.
  void unpack(KernelBuilder &b, const WeightGroup &weights, Value target) const;

protected:
  /// Of the sums of a part.
  virtual mlir::VectorType sumType(KernelBuilder &b) const = 0;
  /// `sum` and the products of two registers of int16, those of a row's columns in lanes of that row.
  virtual Value multiplyAdd(KernelBuilder &b, Value sum, Value weights, Value x) const = 0;
  /// The sums of all parts as one of each row, in a vector of 16.
  virtual Value joinParts(KernelBuilder &b, llvm::ArrayRef<Value> sums) const = 0;

private:
  int64_t bytes, together, parts;

  mlir::VectorType wordType(KernelBuilder &b) const { return b.vec(bytes / 2, b.getI16Type()); }
  QuadReader readerOf(KernelBuilder &b, const WeightGroup &weights) const;
  Words broadcast(KernelBuilder &b, const ActivationGroup &row, Value quad) const;
  Words loadUnpacked(KernelBuilder &b, const WeightGroup &weights, Value quad, int64_t part) const;
  struct Lot;
};

} // namespace gemmac

#endif // GEMMAC_TARGETS_CPU_WORDPRODUCTS_H
