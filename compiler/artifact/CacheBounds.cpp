#include "compiler/artifact/CacheBounds.h"

#include "compiler/artifact/Packer.h"
#include "dialects/Gemma/GemmaDialect.h"

#include "mlir/IR/Builders.h"

#include <cmath>

using namespace mlir;

namespace gemmac {

namespace {

/// Bounds of the elements of values, backwards through the ops that make them.
class BoundReader {
public:
  BoundReader(ModuleOp module, llvm::StringRef directory) : module(module), symbols(module), directory(directory) {}

  llvm::Error set(gemma::KvWriteOp write) {
    auto cache = symbols.lookup<gemma::KvCacheOp>(write.getCache());
    llvm::Expected<std::optional<double>> key = boundOf(write.getKeys());
    if (!key)
      return key.takeError();
    llvm::Expected<std::optional<double>> value = boundOf(write.getValues());
    if (!value)
      return value.takeError();
    Builder builder(module.getContext());
    if (*key)
      cache.setKeyBoundAttr(builder.getF64FloatAttr(std::max(**key, least)));
    if (*value)
      cache.setValueBoundAttr(builder.getF64FloatAttr(std::max(**value, least)));
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

  /// Nothing where nobody normed what the value is made of.
  llvm::Expected<std::optional<double>> boundOf(Value value) {
    Operation *op = value.getDefiningOp();
    if (auto rope = dyn_cast_or_null<gemma::RopeOp>(op)) { // keeps the length of a pair
      llvm::Expected<std::optional<double>> bound = boundOf(rope.getInput());
      if (!bound || !*bound)
        return bound;
      return std::sqrt(2.0) * **bound;
    }
    if (auto norm = dyn_cast_or_null<gemma::RmsNormOp>(op)) {
      int64_t width = cast<RankedTensorType>(norm.getInput().getType()).getShape().back();
      double length = std::sqrt(static_cast<double>(width / norm.getGroups()));
      if (!norm.getWeight())
        return length;
      llvm::Expected<std::vector<float>> weight = read(*norm.getWeight());
      if (!weight)
        return weight.takeError();
      return length * largest(*weight);
    }
    if (auto linear = dyn_cast_or_null<gemma::LinearOp>(op))
      if (auto norm = linear.getInput().getDefiningOp<gemma::RmsNormOp>(); norm && norm.getGroups() == 1)
        return boundOfProducts(linear, norm);
    return std::nullopt;
  }

  llvm::Expected<std::optional<double>> boundOfProducts(gemma::LinearOp linear, gemma::RmsNormOp norm) {
    llvm::Expected<std::vector<float>> matrix = read(linear.getWeight());
    if (!matrix)
      return matrix.takeError();
    auto width = static_cast<size_t>(cast<RankedTensorType>(norm.getInput().getType()).getShape().back());
    std::vector<float> factors(width, 1.0f);
    if (norm.getWeight()) {
      llvm::Expected<std::vector<float>> weight = read(*norm.getWeight());
      if (!weight)
        return weight.takeError();
      factors = std::move(*weight);
    }
    double longest = 0;
    for (size_t row = 0; row < matrix->size() / width; ++row) {
      double squares = 0;
      for (size_t col = 0; col < width; ++col) {
        double product = static_cast<double>((*matrix)[row * width + col]) * factors[col];
        squares += product * product;
      }
      longest = std::max(longest, squares);
    }
    return std::sqrt(static_cast<double>(width) * longest);
  }

  /// All values of a weight, as the packer reads them.
  llvm::Expected<std::vector<float>> read(llvm::StringRef name) {
    llvm::Expected<PackSource> source = packSource(symbols.lookup<gemma::WeightOp>(name), symbols);
    if (!source)
      return source.takeError();
    PackedMatrix matrix;
    matrix.name = name.str();
    matrix.layout = source->rows == 1 ? Layout::Vector : Layout::Table;
    matrix.rows = source->rows;
    matrix.cols = matrix.colAxis.extent(source->cols);
    matrix.sources.push_back(std::move(*source));
    matrix.bytes =
        packedBytes(matrix.format, matrix.layout, matrix.batch, matrix.rows, matrix.cols, matrix.scaleBlocks());
    llvm::Expected<std::vector<uint8_t>> bytes = packMatrix(matrix, directory);
    if (!bytes)
      return bytes.takeError();
    return unpackMatrix(matrix, bytes->data(), 0);
  }
};

} // namespace

llvm::Error setCacheBounds(ModuleOp module, llvm::StringRef directory) {
  BoundReader reader(module, directory);
  llvm::Error error = llvm::Error::success();
  module.walk([&](gemma::KvWriteOp write) {
    error = reader.set(write);
    return error ? WalkResult::interrupt() : WalkResult::advance();
  });
  return error;
}

} // namespace gemmac
