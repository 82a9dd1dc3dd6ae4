#include "compiler/calibrate/OpenMatrices.h"

#include "compiler/artifact/PanelNumbers.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace gemmac {

/// Formats of group scales that hold no more bits than `widest`, widest first.
static std::vector<Format> formatsUpTo(Format widest) {
  std::vector<Format> formats;
  for (const FormatInfo &info : formatTable)
    if (hasGroupScales(info.format) && info.bits <= formatInfo(widest).bits)
      formats.push_back(info.format);
  llvm::sort(formats, [](Format a, Format b) { return formatInfo(a).bits > formatInfo(b).bits; });
  return formats;
}

static std::string shapeOf(const PackedMatrix &matrix, llvm::StringRef part) {
  return llvm::formatv("{0} {1}x{2}x{3}", part, matrix.batch, matrix.rows, matrix.cols);
}

OpenMatrices::OpenMatrices(std::vector<PackedMatrix> matrices, const llvm::StringMap<std::string> &parts)
    : all(std::move(matrices)) {
  llvm::StringMap<size_t> itemOf; // by weight
  for (auto [index, matrix] : llvm::enumerate(all)) {
    auto isOpen = [&](const PackSource &source) { return parts.count(source.name) != 0; };
    if (matrix.layout == Layout::Vector || !hasGroupScales(matrix.format) || !llvm::all_of(matrix.sources, isOpen))
      continue;
    auto known =
        llvm::find_if(matrix.sources, [&](const PackSource &source) { return itemOf.count(source.name) != 0; });
    size_t item = known == matrix.sources.end() ? open.size() : itemOf[known->name];
    if (item == open.size()) {
      const std::string &part = parts.find(matrix.sources.front().name)->second;
      open.push_back({part, shapeOf(matrix, part), {}, formatsUpTo(matrix.format)});
    }
    open[item].matrices.push_back(index);
    for (const PackSource &source : matrix.sources)
      itemOf[source.name] = item;
  }
}

MatrixFormats OpenMatrices::widest() const {
  MatrixFormats formats;
  for (const PackedMatrix &matrix : all)
    formats.push_back(matrix.format);
  return formats;
}

MatrixFormats OpenMatrices::narrowest() const {
  MatrixFormats formats = widest();
  for (size_t item = 0; item < open.size(); ++item)
    formats = changed(std::move(formats), item, open[item].formats.back());
  return formats;
}

MatrixFormats OpenMatrices::changed(MatrixFormats formats, size_t item, Format format) const {
  for (size_t matrix : open[item].matrices)
    formats[matrix] = format;
  return formats;
}

int64_t OpenMatrices::bytesOf(size_t index, Format format) const {
  const PackedMatrix &matrix = all[index];
  return roundUp(packedBytes(format, matrix.layout, matrix.batch, matrix.rows, matrix.cols, matrix.scaleBlocks()),
                 bufferAlign);
}

int64_t OpenMatrices::itemBytes(size_t item, Format format) const {
  int64_t sum = 0;
  for (size_t matrix : open[item].matrices)
    sum += bytesOf(matrix, format);
  return sum;
}

int64_t OpenMatrices::itemResident(size_t item, Format format) const {
  int64_t sum = 0;
  for (size_t matrix : open[item].matrices)
    sum += all[matrix].layout == Layout::Table ? 0 : bytesOf(matrix, format);
  return sum;
}

int64_t OpenMatrices::bytes(const MatrixFormats &formats) const {
  int64_t sum = 0;
  for (size_t matrix = 0; matrix < all.size(); ++matrix)
    sum += bytesOf(matrix, formats[matrix]);
  return sum;
}

int64_t OpenMatrices::resident(const MatrixFormats &formats) const {
  int64_t sum = 0;
  for (size_t matrix = 0; matrix < all.size(); ++matrix)
    sum += all[matrix].layout == Layout::Table ? 0 : bytesOf(matrix, formats[matrix]);
  return sum;
}

std::map<std::string, Format> OpenMatrices::choices(const MatrixFormats &formats) const {
  std::map<std::string, Format> result;
  for (const OpenMatrix &item : open)
    for (size_t matrix : item.matrices)
      for (const PackSource &source : all[matrix].sources)
        result[source.name] = formats[matrix];
  return result;
}

FormatTrial OpenMatrices::trial(const std::string &name, const MatrixFormats &formats,
                                const ProgramQuality &quality) const {
  int64_t values = 0;
  for (const PackedMatrix &matrix : all)
    values += matrix.valueCount();
  int64_t total = bytes(formats);
  return {name, total, 8.0 * static_cast<double>(total) / static_cast<double>(std::max<int64_t>(values, 1)), quality};
}

std::vector<PartSummary> OpenMatrices::parts(const MatrixFormats &formats) const {
  std::vector<PartSummary> result;
  for (const OpenMatrix &item : open) {
    auto found = llvm::find_if(result, [&](const PartSummary &row) { return row.part == item.part; });
    if (found == result.end())
      found = result.insert(result.end(), {item.part, {}});
    ++found->weights[formats[item.matrices.front()]];
  }
  return result;
}

} // namespace gemmac
