// Cholesky factors of second moments, from the last column to the first, blocked so that a pass over the finished part
// serves 32 columns. Sums are taken in a fixed order and nothing is contracted: the same bits on every machine.
#include "compiler/artifact/RoundingFactor.h"

#include "compiler/artifact/Clones.h"
#include "compiler/artifact/HalfFloat.h"

#include <cmath>
#include <cstring>

#pragma STDC FP_CONTRACT OFF

namespace gemmac {

namespace {

constexpr int64_t lanes = 8;
using Doubles = double __attribute__((vector_size(lanes * sizeof(double))));

/// A square matrix of doubles, row-major.
struct Square {
  int64_t size;
  std::vector<double> values;
  explicit Square(int64_t size) : size(size), values(size * size) {}
  double *row(int64_t index) { return values.data() + index * size; }
  double &at(int64_t row, int64_t col) { return values[row * size + col]; }
};

GEMMAC_INLINE double sumOf(const Doubles &v) {
  return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7]));
}

/// `target[a][b] -= left[a] . right[b]` for two rows each, over `count` columns, a multiple of 8.
GEMMAC_CLONES void subtractDots(const double *left, const double *right, int64_t stride, int64_t count,
                                double *target) {
  Doubles sums[2][2] = {};
  for (int64_t k = 0; k < count; k += lanes) {
    Doubles l[2], r[2];
    for (int64_t i = 0; i < 2; ++i) {
      std::memcpy(&l[i], left + i * stride + k, sizeof(Doubles));
      std::memcpy(&r[i], right + i * stride + k, sizeof(Doubles));
    }
    for (int64_t i = 0; i < 2; ++i)
      for (int64_t j = 0; j < 2; ++j)
        sums[i][j] += l[i] * r[j];
  }
  for (int64_t i = 0; i < 2; ++i)
    for (int64_t j = 0; j < 2; ++j)
      target[i * stride + j] -= sumOf(sums[i][j]);
}

/// Replaces the upper triangle of `h` by R with h = R R^T. Positive definite by its damping.
void factorize(Square &h) {
  constexpr int64_t panel = groupColumns;
  for (int64_t end = h.size; end > 0; end -= panel) {
    int64_t begin = end - panel;
    for (int64_t row = 0; row < end; row += 2)
      for (int64_t col = std::max(begin, row / 2 * 2); col < end; col += 2)
        subtractDots(h.row(row) + end, h.row(col) + end, h.size, h.size - end, &h.at(row, col));
    for (int64_t col = end - 1; col >= begin; --col) {
      double pivot = h.at(col, col);
      for (int64_t k = col + 1; k < end; ++k)
        pivot -= h.at(col, k) * h.at(col, k);
      // Rounding can only bring it near zero where a column is all but determined by others.
      double root = std::sqrt(std::max(pivot, h.at(col, col) * 1e-12));
      h.at(col, col) = root;
      for (int64_t row = 0; row < col; ++row) {
        double sum = h.at(row, col);
        for (int64_t k = col + 1; k < end; ++k)
          sum -= h.at(row, k) * h.at(col, k);
        h.at(row, col) = sum / root;
      }
    }
  }
}

} // namespace

RoundingFactor::RoundingFactor(const MomentLayout &layout, llvm::ArrayRef<float> moments) : layout(layout) {
  int64_t groups = layout.cols / groupColumns, offset = 0;
  for (int64_t group = 0; group < groups; ++group) {
    groupOffsets.push_back(offset);
    offset += ((group + 1) * groupColumns - blockBegin(group)) * groupColumns;
  }
  triangle.resize(offset);
  squares.resize(layout.cols);
  diagonal.resize(layout.cols);
  for (int64_t block = 0; block < layout.blockCount(); ++block)
    factorBlock(block, moments.drop_front(block * layout.blockBytes() / sizeof(float)));
}

void RoundingFactor::factorBlock(int64_t index, llvm::ArrayRef<float> moments) {
  int64_t size = layout.blockCols(index), first = index * layout.block;
  Square h(size);
  double trace = 0;
  for (int64_t col = 0; col < size; ++col) {
    const float *panel = moments.data() + MomentLayout::panelOffset(col / panelRows) / sizeof(float);
    for (int64_t row = 0; row <= col; ++row)
      h.at(row, col) = panel[row * panelRows + col % panelRows];
    trace += h.at(col, col);
  }
  // A block that no row reached rounds as if all columns counted alike.
  double ridge = trace > 0 ? damping * trace / static_cast<double>(size) : 1.0;
  for (int64_t col = 0; col < size; ++col)
    diagonal[first + col] = static_cast<float>(h.at(col, col) += ridge);
  factorize(h);
  for (int64_t col = 0; col < size; ++col) {
    double root = h.at(col, col);
    squares[first + col] = static_cast<float>(root * root);
    int64_t group = (first + col) / groupColumns;
    float *target = triangle.data() + groupOffsets[group] + col % groupColumns;
    for (int64_t row = 0; row < col; ++row)
      target[row * groupColumns] = static_cast<float>(h.at(row, col) / root);
  }
}

} // namespace gemmac
