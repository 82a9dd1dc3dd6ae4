// What rounding with error feedback knows of the rows that a matrix is multiplied with.
#ifndef GEMMAC_COMPILER_ARTIFACT_ROUNDINGFACTOR_H
#define GEMMAC_COMPILER_ARTIFACT_ROUNDINGFACTOR_H

#include "dialects/formats/MomentLayout.h"

#include "llvm/ADT/ArrayRef.h"

#include <vector>

namespace gemmac {

/// Second moments H = sum of x x^T of a matrix's inputs, factored as H = R R^T with R upper triangular. Replacing
/// weights w by q changes outputs by (w - q)^T H (w - q) = sum over columns i of `weight(i)` (x_i - q_i)^2, where
/// `x_i = w_i + sum over k < i of feedback(k, i) (w_k - q_k)` is what earlier columns leave to do: choosing q column by
/// column as the rounded x_i is GPTQ (arXiv:2210.17323) and costs one triangle of products per row. Blocks of columns
/// are independent of each other.
class RoundingFactor {
public:
  /// One share of the mean of H's diagonal is added to it: columns that were never active round as by themselves, and
  /// what few rows say by chance counts less.
  static constexpr double damping = 0.02;

  /// \param moments one entry of the batch, MomentLayout::batchBytes() of f32.
  RoundingFactor(const MomentLayout &layout, llvm::ArrayRef<float> moments);

  int64_t cols() const { return layout.cols; }
  /// First column of the block that group `group` lies in.
  int64_t blockBegin(int64_t group) const { return group * groupColumns / layout.block * layout.block; }
  /// For a group of 32 columns: feedback to them from all columns of the block up to the group's last, `[columns][32]`.
  const float *feedback(int64_t group) const { return triangle.data() + groupOffsets[group]; }
  /// Squared diagonal of R: what an error that no later column can make good costs.
  const float *weights(int64_t group) const { return squares.data() + group * groupColumns; }
  /// Diagonal of H, damping included: how active inputs are.
  const float *energies(int64_t group) const { return diagonal.data() + group * groupColumns; }

private:
  void factorBlock(int64_t index, llvm::ArrayRef<float> moments);

  MomentLayout layout;
  std::vector<int64_t> groupOffsets;
  std::vector<float> triangle, squares, diagonal;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_ARTIFACT_ROUNDINGFACTOR_H
