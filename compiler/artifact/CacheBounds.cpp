#include "compiler/artifact/CacheBounds.h"

#include "compiler/artifact/Packer.h"
#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

namespace {

class BoundReader {
public:
  BoundReader(ModuleOp module, llvm::StringRef directory) : module(module), symbols(module), directory(directory) {}

  llvm::Error set(gemma::QkvOp qkv) {
    auto cache = symbols.lookup<gemma::KvCacheOp>(*qkv.getCache());
    double headLength = std::sqrt(static_cast<double>(qkv.getHeadDim()));
    llvm::Expected<std::vector<float>> keyNorm = read(*qkv.getKNorm());
    if (!keyNorm)
      return keyNorm.takeError();
    double key = std::sqrt(2.0) * headLength * largest(*keyNorm), value = headLength;
    if (qkv.getRawValues())
      if (llvm::Error error = boundOfProducts(qkv, value))
        return error;
    auto attribute = [&](double bound) { return Builder(module.getContext()).getF64FloatAttr(std::max(bound, least)); };
    cache.setKeyBoundAttr(attribute(key));
    cache.setValueBoundAttr(attribute(value));
    return llvm::Error::success();
  }

private:
  static constexpr double least = 1e-30; ///< of weights that are all zero

  ModuleOp module;
  SymbolTable symbols;
  llvm::StringRef directory;

  static double largest(llvm::ArrayRef<float> values) {
    double result = 0;
    for (float value : values)
      result = std::max(result, std::abs(static_cast<double>(value)));
    return result;
  }

  llvm::Error boundOfProducts(gemma::QkvOp qkv, double &bound) {
    llvm::Expected<std::vector<float>> norm = read(qkv.getNorm());
    if (!norm)
      return norm.takeError();
    llvm::Expected<std::vector<float>> matrix = read(qkv.getV().value_or(*qkv.getK()));
    if (!matrix)
      return matrix.takeError();
    size_t width = norm->size();
    double longest = 0;
    for (size_t row = 0; row < matrix->size() / width; ++row) {
      double squares = 0;
      for (size_t col = 0; col < width; ++col) {
        double product = static_cast<double>((*matrix)[row * width + col]) * (*norm)[col];
        squares += product * product;
      }
      longest = std::max(longest, squares);
    }
    bound = std::sqrt(static_cast<double>(width) * longest);
    return llvm::Error::success();
  }

  /// All values of a weight, as the packer reads them.
  llvm::Expected<std::vector<float>> read(llvm::StringRef name) {
    llvm::Expected<PackSource> source = packSource(symbols.lookup<gemma::WeightOp>(name), symbols);
    if (!source)
      return source.takeError();
    PackedMatrix matrix;
    matrix.name = name.str();
    matrix.panelRows = source->rows == 1 ? 0 : 1;
    matrix.rows = matrix.panelRows == 0 ? 0 : matrix.rowAxis.extent(source->rows);
    matrix.cols = matrix.colAxis.extent(source->cols);
    matrix.sources.push_back(std::move(*source));
    matrix.bytes = packedBytes(matrix.format, matrix.panelRows, matrix.batch, matrix.rows, matrix.cols, matrix.scaleBlocks());
    llvm::Expected<std::vector<uint8_t>> bytes = packMatrix(matrix, directory);
    if (!bytes)
      return bytes.takeError();
    return unpackMatrix(matrix, bytes->data(), 0);
  }
};

} // namespace

llvm::Error setCacheBounds(ModuleOp fused, llvm::StringRef directory) {
  BoundReader reader(fused, directory);
  llvm::Error error = llvm::Error::success();
  fused.walk([&](gemma::QkvOp qkv) {
    if (!qkv.getCache() || error)
      return;
    error = reader.set(qkv);
  });
  return error;
}

} // namespace gemmac
