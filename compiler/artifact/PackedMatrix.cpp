// gemma.packed read from a module, its row map, and the reference reader of its bytes.
#include "compiler/artifact/PackedMatrix.h"

#include "compiler/artifact/HalfFloat.h"
#include "dialects/Gemma/GemmaDialect.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <cstring>

using namespace mlir;

namespace gemmac {

template <typename... Args> static llvm::Error invalid(llvm::StringRef name, const char *format, Args &&...args) {
  return llvm::createStringError("packed weight '" + name.str() +
                                 "': error: " + llvm::formatv(format, std::forward<Args>(args)...).str());
}

std::vector<PackPart> PackedMatrix::parts() const {
  std::vector<PackPart> result;
  auto add = [&](int64_t source, int64_t first, int64_t count) {
    result.push_back({source, first, count, layout == Layout::Panels ? rowAxis.extent(count) : count});
  };
  if (interleave && sources.size() == 1) {
    add(0, 0, sources[0].rows / 2);
    add(0, sources[0].rows / 2, sources[0].rows / 2);
    return result;
  }
  for (auto [index, source] : llvm::enumerate(sources))
    add(index, 0, source.rows);
  return result;
}

RowRef PackedMatrix::rowAt(llvm::ArrayRef<PackPart> parts, int64_t row) const {
  int64_t part = 0;
  if (interleave) {
    int64_t panel = row / panelRows;
    part = panel % 2;
    row = panel / 2 * panelRows + row % panelRows;
  } else {
    while (row >= parts[part].paddedRows)
      row -= parts[part++].paddedRows;
  }
  const PackPart &found = parts[part];
  int64_t element = layout == Layout::Panels ? rowAxis.element(row, found.rowCount) : row;
  if (element < 0)
    return {};
  return {part, found.source, found.firstRow + element};
}

int64_t PackedMatrix::valueCount() const {
  int64_t count = 0;
  for (const PackSource &source : sources)
    count += source.batch * source.rows * source.cols;
  return count;
}

llvm::Error PackedMatrix::verify() const {
  if (sources.empty())
    return invalid(name, "no sources");
  if (layout == Layout::Vector && (format != Format::F32 || batch != 1 || sources.size() != 1 || sources[0].rows != 1))
    return invalid(name, "a vector has one source of rank 1 and format f32");
  if (interleave &&
      (layout != Layout::Panels || sources.size() > 2 || (sources.size() == 1 && sources[0].rows % 2 != 0) ||
       (sources.size() == 2 && sources[0].rows != sources[1].rows)))
    return invalid(name, "interleave expects two sources of one shape, or one with an even number of rows");
  if (offset % bufferAlign != 0)
    return invalid(name, "offset {0} is no multiple of {1}", offset, bufferAlign);
  int64_t expectedRows = 0;
  for (const PackPart &part : parts())
    expectedRows += part.paddedRows;
  for (const PackSource &source : sources) {
    if (source.batch != batch)
      return invalid(name, "source '{0}' has batch {1}, expected {2}", source.name, source.batch, batch);
    if (source.cols != sources[0].cols)
      return invalid(name, "source '{0}' has {1} columns, expected {2}", source.name, source.cols, sources[0].cols);
    if (int64_t expected = colAxis.extent(source.cols); expected != cols)
      return invalid(name, "has {0} padded columns, expected {1} for source '{2}'", cols, expected, source.name);
  }
  if (layout != Layout::Vector && rows != expectedRows)
    return invalid(name, "has {0} padded rows, expected {1}", rows, expectedRows);
  if (int64_t expected = packedBytes(format, layout, batch, rows, cols, scaleBlocks()); bytes != expected)
    return invalid(name, "has {0} bytes, expected {1}", bytes, expected);
  return llvm::Error::success();
}

llvm::Expected<PackSource> packSource(gemma::WeightOp weight, SymbolTable &symbols) {
  auto type = cast<RankedTensorType>(weight.getType());
  llvm::ArrayRef<int64_t> shape = type.getShape();
  PackSource source;
  source.name = weight.getSymName().str();
  if (std::optional<APFloat> addend = weight.getAddend())
    source.addend = static_cast<float>(addend->convertToDouble());
  source.softplus = weight.getSoftplus();
  source.planes = static_cast<int64_t>(weight.getPlanes().value_or(1));
  source.rowPlanes = static_cast<int64_t>(weight.getRowPlanes().value_or(1));
  if (shape.empty() || shape.size() > 3)
    return invalid(source.name, "rank {0}, expected 1 to 3", shape.size());
  source.cols = shape.back();
  if (shape.size() > 1)
    source.rows = shape[shape.size() - 2];
  if (shape.size() > 2)
    source.batch = shape[0];
  if (weight.getPieces()) {
    for (auto name : weight.getPieces()->getAsRange<FlatSymbolRefAttr>()) {
      auto piece = symbols.lookup<gemma::WeightOp>(name.getValue());
      if (!piece)
        return invalid(source.name, "piece '{0}' is no gemma.weight of the module", name.getValue());
      llvm::Expected<PackSource> read = packSource(piece, symbols);
      if (!read)
        return read.takeError();
      source.pieces.push_back(std::move(*read));
    }
    source.encoding = source.pieces.front().encoding;
    source.scales = source.pieces.front().scales;
    return source;
  }
  source.file = weight.getSource()->getFile().getValue().str();
  source.offset = weight.getSource()->getOffset();
  source.encoding = weight.getStoredEncoding();
  if (std::optional<gemma::ScalesAttr> scales = weight.getScales())
    source.scales = PackScales{scales->getFile().getValue().str(), static_cast<uint64_t>(scales->getOffset()),
                               scales->getEncoding(), scales->getColumns()};
  return source;
}

static llvm::Expected<PackedMatrix> readPacked(gemma::PackedOp op, SymbolTable &symbols) {
  PackedMatrix matrix;
  matrix.name = op.getSymName().str();
  if (!op.getOffset())
    return invalid(matrix.name, "has no offset; run the plan stage first");
  matrix.format = op.getFormat();
  matrix.layout = op.getLayout();
  matrix.batch = op.getBatch();
  matrix.interleave = op.getInterleave();
  if (std::optional<APFloat> scale = op.getScale())
    matrix.scale = static_cast<float>(scale->convertToDouble());
  auto axis = [](gemma::AxisAttr of) { return PackAxis{of.getBlock(), of.getPadded(), of.getCrossed()}; };
  matrix.rowAxis = axis(op.getRowAxis());
  matrix.colAxis = axis(op.getColAxis());
  matrix.rows = op.getRows();
  matrix.cols = op.getCols();
  matrix.bytes = op.getBytes();
  matrix.offset = *op.getOffset();
  for (auto reference : op.getSources().getAsRange<FlatSymbolRefAttr>()) {
    auto weight = symbols.lookup<gemma::WeightOp>(reference.getValue());
    if (!weight)
      return invalid(matrix.name, "source '{0}' is no gemma.weight of the module", reference.getValue());
    llvm::Expected<PackSource> source = packSource(weight, symbols);
    if (!source)
      return source.takeError();
    matrix.sources.push_back(std::move(*source));
  }
  if (llvm::Error error = matrix.verify())
    return std::move(error);
  return matrix;
}

llvm::Expected<std::vector<PackedMatrix>> packedMatrices(ModuleOp module) {
  SymbolTable symbols(module);
  std::vector<PackedMatrix> matrices;
  for (auto op : module.getOps<gemma::PackedOp>()) {
    llvm::Expected<PackedMatrix> matrix = readPacked(op, symbols);
    if (!matrix)
      return matrix.takeError();
    matrices.push_back(std::move(*matrix));
  }
  llvm::sort(matrices, [](const auto &a, const auto &b) { return a.offset < b.offset; });
  for (size_t i = 1; i < matrices.size(); ++i)
    if (matrices[i - 1].offset + matrices[i - 1].bytes > matrices[i].offset)
      return invalid(matrices[i].name, "overlaps '{0}' in the data section", matrices[i - 1].name);
  return matrices;
}

template <typename T> static T load(const uint8_t *data, int64_t index = 0) {
  T value;
  std::memcpy(&value, data + index * sizeof(T), sizeof(T));
  return value;
}

float packedValue(const PackedMatrix &matrix, const uint8_t *data, int64_t batch, int64_t row, int64_t col) {
  if (matrix.layout == Layout::Vector)
    return load<float>(data, col);
  int64_t lanes = rowsOf(matrix.layout), lane = row % lanes;
  const uint8_t *panel = data + (batch * matrix.panelCount() + row / lanes) * matrix.panelStride();
  const uint8_t *group = panel + col / groupColumns * groupBytes(matrix.format, lanes);
  switch (matrix.format) {
  case Format::F32:
    return load<float>(panel, col * lanes + lane);
  case Format::F16:
    return halfToFloat(load<uint16_t>(panel, col * lanes + lane));
  case Format::BF16:
    return bitsToFloat(static_cast<uint32_t>(load<uint16_t>(panel, col * lanes + lane)) << 16);
  default:
    break;
  }
  const FormatInfo &info = formatInfo(matrix.format);
  uint32_t stored = 0;
  const uint8_t *planeData = group;
  for (const BitPlane &plane : info.planes) {
    if (plane.bits == 0)
      continue;
    PlanePlace place = planePlace(plane.bits, lanes, lane, col % groupColumns);
    stored |= (planeData[place.byte] >> place.shift & ((1 << plane.bits) - 1)) << plane.shift;
    planeData += plane.bits * lanes * 4;
  }
  const auto integer = static_cast<float>(info.integerOf(stored));
  if (!info.rowScales())
    return integer * halfToFloat(load<uint16_t>(planeData, lane));
  const uint8_t *scales = panel + rowScalesOffset(matrix.format, lanes, matrix.cols);
  return integer * load<float>(scales, lanes == 1 ? col / matrix.colAxis.padded : lane);
}

std::vector<float> unpackMatrix(const PackedMatrix &matrix, const uint8_t *data, int64_t source) {
  const PackSource &shape = matrix.sources[source];
  std::vector<PackPart> parts = matrix.parts();
  std::vector<float> values(shape.batch * shape.rows * shape.cols);
  int64_t paddedRows = std::max<int64_t>(matrix.rows, 1);
  for (int64_t batch = 0; batch < shape.batch; ++batch)
    for (int64_t padded = 0; padded < paddedRows; ++padded) {
      RowRef row = matrix.rowAt(parts, padded);
      if (row.source != source)
        continue;
      for (int64_t col = 0; col < shape.cols; ++col)
        values[(batch * shape.rows + row.row) * shape.cols + col] =
            packedValue(matrix, data, batch, padded, matrix.colAxis.place(col));
    }
  return values;
}

} // namespace gemmac
