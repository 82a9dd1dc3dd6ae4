// Weights of the tests, exact in their storage format, and a small obvious packer for the layout that gemma.packed
// documents: it shares nothing with the compiler's own packer.
#ifndef GEMMAC_TESTS_UNIT_CPU_MATRICES_H
#define GEMMAC_TESTS_UNIT_CPU_MATRICES_H

#include "dialects/formats/Format.h"

#include <cstdint>
#include <random>
#include <vector>

namespace gemmac::test {

inline constexpr Format allFormats[] = {Format::F32, Format::F16, Format::BF16, Format::Q12, Format::Q8,
                                        Format::Q4,  Format::Q6,  Format::Q5,   Format::Q3,  Format::Q2,
                                        Format::C8,  Format::C4,  Format::C2};
/// Those that may be multiplied with int8: all but q12.
inline constexpr Format byteFormats[] = {Format::F32, Format::F16, Format::BF16, Format::Q8, Format::Q4, Format::Q6,
                                         Format::Q5,  Format::Q3,  Format::Q2,   Format::C8, Format::C4, Format::C2};

inline bool isQuantized(Format format) { return formatInfo(format).quantized; }

/// The nearest value that the format holds; quantized formats: the nearest f16, as scales are stored.
float roundTo(Format format, float value);

/// A matrix whose elements are exact in `format`: element (r, c) is numbers[r * cols + c], for quantized formats an
/// integer, times scales[r * cols / 32 + c / 32] (1 for unquantized ones; c8, c4 and c2: the same in a whole row).
struct Matrix {
  Format format;
  int64_t rows, cols;
  std::vector<float> numbers, scales;

  Matrix(Format format, int64_t rows, int64_t cols)
      : format(format), rows(rows), cols(cols), numbers(rows * cols), scales(rows * cols / groupColumns, 1.0f) {}

  float number(int64_t row, int64_t col) const { return numbers[row * cols + col]; }
  float scale(int64_t row, int64_t col) const { return scales[(row * cols + col) / groupColumns]; }
  double operator()(int64_t row, int64_t col) const { return static_cast<double>(number(row, col)) * scale(row, col); }
  void clearRow(int64_t row);
};

using Random = std::mt19937;

/// Elements of magnitude about `size`; quantized ones use every integer of the format, the ends included.
/// `layout`: the layout it is for; tables of c8, c4 and c2 have a scale for each block of 32
/// columns (StepProgram::addMatrix).
Matrix randomMatrix(Random &random, Format format, int64_t rows, int64_t cols, float size = 1.0f,
                    Layout layout = Layout::Panels);
std::vector<float> randomVector(Random &random, int64_t length, float size = 1.0f);

/// Whether `place` of a head of paddedHeadDim(headDim) holds no element: both halves are padded at their ends.
bool isPadding(int64_t headDim, int64_t place);

/// Weights of the norm of a head, as padded as the head is.
std::vector<float> randomHeadNorm(Random &random, int64_t headDim);

/// The bytes of gemma.packed with `layout`, one batch entry after the other. All matrices are alike.
std::vector<uint8_t> pack(const std::vector<Matrix> &batch, Layout layout);

/// Panels of 16 rows of `gate` and `up` in turn: what `interleave` means.
Matrix interleave(const Matrix &gate, const Matrix &up);

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_CPU_MATRICES_H
