// Work is cut into bands: runs of panels of one batch entry of one matrix, in the order of the file. Threads take bands
// by number, fill a buffer and write it; the checksum is taken band after band in that same order.
#include "compiler/artifact/Packer.h"

#include "compiler/artifact/ErrorFeedback.h"
#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/PanelNumbers.h"
#include "compiler/artifact/SourceFiles.h"
#include "compiler/artifact/SourceKernels.h"
#include "compiler/base/Errors.h"
#include "llvm/ADT/STLExtras.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <unistd.h>

namespace gemmac {

namespace {

/// Bytes of checkpoint that a band reads, about: large enough for the disk, small enough for the cache.
constexpr int64_t bandInputBytes = 2 << 20;

struct Band {
  const PackedMatrix *matrix;
  int64_t batch, firstPanel, panels;
  bool last; ///< of the matrix: the band also holds the padding behind it
};

/// Fills bands; one per thread.
class BandPacker {
public:
  BandPacker(const SourceFiles &files, Rounding rounding, RoundingGuide *guide)
      : files(files), rounding(rounding), guide(guide) {}

  /// Returns the bytes of the band, valid until the next call.
  llvm::Expected<llvm::ArrayRef<uint8_t>> pack(const Band &band) {
    matrix = band.matrix;
    parts = matrix->parts();
    counts = {};
    if (llvm::Error error = readRows(band))
      return std::move(error);
    if (llvm::Error error = findFactor(band.batch))
      return std::move(error);
    int64_t stride = matrix->panelStride();
    int64_t bytes = band.panels * stride;
    if (band.last)
      bytes += matrix->bytes - matrix->batch * matrix->panelCount() * stride;
    output.assign(bytes, 0);
    int64_t lanes = rowsOf(matrix->layout);
    values.assign(lanes * matrix->cols, 0.0f);
    integers.assign(lanes * matrix->cols, 0);
    zeros.assign(matrix->cols, 0.0f);
    for (int64_t panel = 0; panel < band.panels; ++panel)
      if (llvm::Error error = packOne(band, band.firstPanel + panel, &output[panel * stride]))
        return std::move(error);
    return llvm::ArrayRef<uint8_t>(output);
  }

  /// Of the last band.
  const PackCounts &packCounts() const { return counts; }

private:
  struct Range {
    int64_t first = 0, end = 0;   ///< source rows
    int64_t at = 0, scalesAt = 0; ///< byte offsets in `input`
  };

  /// Reads, for each part, the run of source rows that the band's panels hold, and their scales.
  llvm::Error readRows(const Band &band) {
    int64_t lanes = rowsOf(matrix->layout);
    ranges.assign(parts.size(), {});
    for (int64_t row = band.firstPanel * lanes; row < (band.firstPanel + band.panels) * lanes; ++row)
      if (RowRef found = matrix->rowAt(parts, row); found.source >= 0) {
        Range &range = ranges[found.part];
        range.first = range.end == 0 ? found.row : std::min(range.first, found.row);
        range.end = std::max(range.end, found.row + 1);
      }
    int64_t total = 0;
    for (auto [part, range] : llvm::zip(parts, ranges)) {
      const PackSource &source = matrix->sources[part.source];
      int64_t rows = range.end - range.first;
      range.at = total;
      range.scalesAt = total + rows * source.rowBytes();
      total = range.scalesAt + (source.scales ? rows * source.scales->rowBytes(source.cols) : 0);
    }
    input.resize(total);
    for (auto [part, range] : llvm::zip(parts, ranges)) {
      const PackSource &source = matrix->sources[part.source];
      if (llvm::Error error = readRun(source, band.batch * source.rows + range.first, range.end - range.first,
                                      input.data() + range.at, input.data() + range.scalesAt))
        return error;
    }
    return llvm::Error::success();
  }

  /// Reads `count` rows from row `first` of all batch entries on, piece by piece where the source has pieces.
  llvm::Error readRun(const PackSource &source, int64_t first, int64_t count, uint8_t *rows, uint8_t *scales) {
    if (source.rowPlanes > 1)
      return readPlanes(source, first, count, rows);
    int64_t rowBytes = source.rowBytes(), scaleBytes = source.scales ? source.scales->rowBytes(source.cols) : 0;
    if (source.pieces.empty()) {
      if (scaleBytes)
        if (llvm::Error error =
                files.read({source.scales->file, source.name, source.scales->offset + first * scaleBytes,
                            static_cast<uint64_t>(count * scaleBytes)},
                           scales))
          return error;
      return files.read(
          {source.file, source.name, source.offset + first * rowBytes, static_cast<uint64_t>(count * rowBytes)}, rows);
    }
    int64_t pieceRows = source.pieces.front().rows;
    while (count > 0) {
      int64_t within = first % pieceRows, some = std::min(count, pieceRows - within);
      if (llvm::Error error = readRun(source.pieces[first / pieceRows], within, some, rows, scales))
        return error;
      first += some, count -= some, rows += some * rowBytes, scales += some * scaleBytes;
    }
    return llvm::Error::success();
  }

  /// The same where rows take turns: those of one plane follow each other in the file.
  llvm::Error readPlanes(const PackSource &source, int64_t first, int64_t count, uint8_t *rows) {
    int64_t rowBytes = source.rowBytes();
    for (int64_t row = first; row < first + std::min(count, source.rowPlanes); ++row) {
      int64_t some = llvm::divideCeil(first + count - row, source.rowPlanes);
      planeRows.resize(some * rowBytes);
      if (llvm::Error error =
              files.read({source.file, source.name, source.offset + source.storedRow(row) * rowBytes, planeRows.size()},
                         planeRows.data()))
        return error;
      for (int64_t i = 0; i < some; ++i)
        std::copy_n(&planeRows[i * rowBytes], rowBytes, rows + (row - first + i * source.rowPlanes) * rowBytes);
    }
    return llvm::Error::success();
  }

  llvm::Error packOne(const Band &band, int64_t panel, uint8_t *result) {
    PanelRows rows;
    int64_t lanes = rowsOf(matrix->layout);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      RowRef row = matrix->rowAt(parts, panel * lanes + lane);
      rows[lane] = {zeros.data()};
      if (row.source < 0)
        continue;
      if (llvm::Error error = loadRow(band.batch, row, lane, rows[lane]))
        return error;
    }
    countFaint(rows);
    Format lattice = matrix->lattice();
    bool wider = lattice != matrix->format;
    if (wider)
      narrow.resize(panelBytes(lattice, lanes, matrix->cols, matrix->scaleBlocks()));
    uint8_t *rounded = wider ? narrow.data() : result;
    bool fits = roundPanel(rows, rounded);
    if (wider)
      widenPanel(lattice, rounded, matrix->format, lanes, matrix->cols, result);
    return fits ? llvm::Error::success() : overflow(band.batch, panel * lanes, rows, lanes);
  }

  /// Counts the groups that an f16 scale, or f16 values, cannot hold. Rows that come as
  /// integers bring scales of their own.
  void countFaint(const PanelRows &rows) {
    const FormatInfo &info = formatInfo(matrix->lattice());
    bool halves = info.quantized ? !info.rowScales() : info.format == Format::F16;
    if (!halves)
      return;
    // Scales of q12 are rounded up: where they have few bits, its integers still have those of q8.
    const int64_t mostOfBytes = 128;
    float least = 0x1p-21f * static_cast<float>(info.quantized ? std::min(info.largest, mostOfBytes) : 1);
    for (const PanelRow &row : llvm::ArrayRef<PanelRow>(rows).take_front(rowsOf(matrix->layout))) {
      if (row.padding || row.integers)
        continue;
      for (int64_t group = 0; group < matrix->cols; group += groupColumns) {
        float largest = 0;
        for (int64_t col = 0; col < groupColumns; ++col)
          largest = std::max(largest, std::fabs(row.values[group + col]));
        counts.alive += largest > 0;
        counts.faint += largest > 0 && largest < least;
      }
    }
  }

  /// Asks the guide where the rounding needs it. The factor is kept until another matrix comes.
  llvm::Error findFactor(int64_t batch) {
    bool wanted = guide && rounding >= Rounding::weighted && panelWriter(matrix->layout).store &&
                  formatInfo(matrix->lattice()).quantized;
    std::shared_ptr<const RoundingFactor> found;
    if (wanted) {
      llvm::Expected<std::shared_ptr<const RoundingFactor>> asked = guide->factor(*matrix, batch);
      if (!asked)
        return asked.takeError();
      found = std::move(*asked);
    }
    factor = std::move(found);
    return llvm::Error::success();
  }

  /// Rounds each value by itself unless feedback is asked for and possible: where scales hold for groups, and where the
  /// checkpoint's values are not on the format's lattice already.
  bool roundPanel(const PanelRows &rows, uint8_t *result) {
    bool given = llvm::any_of(rows, [](const PanelRow &row) { return row.integers != nullptr; });
    bool possible = factor && !given && !formatInfo(matrix->lattice()).rowScales();
    PackCounts found;
    const PanelWriter &writer = panelWriter(matrix->layout);
    bool fits = writer.pack(matrix->lattice(), rows, matrix->cols, matrix->scaleBlocks(), result, found,
                            {rounding == Rounding::plain, factor ? factor->energies(0) : nullptr});
    if (rounding == Rounding::feedback && possible && found.exact != found.groups) {
      tiles.resize(matrix->cols / groupColumns);
      fits = feedback.round(matrix->lattice(), rows, *factor, tiles);
      writer.store(matrix->lattice(), tiles, result);
      found.exact = 0;
    }
    counts.add(found);
    return fits;
  }

  /// Converts one source row to f32, its columns at their padded places. Padding is zero already: it lies at the same
  /// places in every row of a matrix.
  llvm::Error loadRow(int64_t batch, RowRef ref, int64_t lane, PanelRow &row) {
    const PackSource &source = matrix->sources[ref.source];
    const Range &range = ranges[ref.part];
    const uint8_t *bytes = input.data() + range.at + (ref.row - range.first) * source.rowBytes();
    int64_t firstIndex = (batch * source.rows + source.storedRow(ref.row)) * source.cols;
    row = {.values = &values[lane * matrix->cols], .padding = false, .stored = source.encoding};
    // Blocks of the encoding and of the axis need not agree, so a row is decoded whole before it is spread.
    decoded.resize(source.cols);
    if (source.scales) {
      const uint8_t *scales =
          input.data() + range.scalesAt + (ref.row - range.first) * source.scales->rowBytes(source.cols);
      if (llvm::Error error = decodeScaled(source, bytes, scales, firstIndex, lane, row))
        return error;
    } else if (!decodeValues(source.encoding, bytes, source.cols, decoded.data())) {
      return notFinite(source, firstIndex, bytes);
    }
    if (source.planes > 1)
      joinPlanes(source.planes);
    if (source.addend != 0.0f || matrix->scale != 1.0f || source.softplus)
      for (float &value : decoded)
        value = (source.softplus ? softplus(value) : value + source.addend) * matrix->scale;
    spread(decoded, source.cols, &values[lane * matrix->cols]);
    return llvm::Error::success();
  }

  static float softplus(float value) {
    constexpr float large = 40.0f; // e^-40 is no part of the sum any more
    return value > large ? value : static_cast<float>(std::log1p(std::exp(double{value})));
  }

  /// Lets the elements of the runs that `decoded` consists of take turns.
  void joinPlanes(int64_t planes) {
    stored.swap(decoded);
    decoded.resize(stored.size());
    int64_t length = static_cast<int64_t>(stored.size()) / planes;
    for (int64_t plane = 0; plane < planes; ++plane)
      for (int64_t i = 0; i < length; ++i)
        decoded[planes * i + plane] = stored[plane * length + i];
  }

  /// Puts a row's columns at their padded places.
  template <typename T> void spread(const std::vector<T> &row, int64_t cols, T *result) {
    int64_t run = matrix->colAxis.run();
    for (int64_t col = 0; col < cols; col += run)
      std::copy_n(&row[col], std::min(run, cols - col), result + matrix->colAxis.place(col));
  }

  /// Integers times scales; where the format has its scales in the same places, it gets both as they are.
  llvm::Error decodeScaled(const PackSource &source, const uint8_t *bytes, const uint8_t *scaleBytes,
                           int64_t firstIndex, int64_t lane, PanelRow &row) {
    int64_t columns = source.scales->columns, count = source.cols / columns;
    decodedIntegers.resize(source.cols);
    decodedScales.resize(count);
    decodeIntegers(source.encoding, bytes, source.cols, decodedIntegers.data());
    if (!decodeValues(source.scales->encoding, scaleBytes, count, decodedScales.data()))
      return importError(source.scales->file,
                         "a scale of tensor '{0}' is infinite or NaN, in the row of index {1}; the file is damaged",
                         source.name, firstIndex);
    for (int64_t i = 0; i < source.cols; ++i)
      decoded[i] = static_cast<float>(decodedIntegers[i]) * decodedScales[i / columns];
    row.stored = Encoding::F32; // products are exact
    int64_t scaleWidth = takenScaleWidth(source);
    if (scaleWidth == 0)
      return llvm::Error::success();
    spread(decodedIntegers, source.cols, &integers[lane * matrix->cols]);
    int64_t places = matrix->cols / scaleWidth;
    laneScales.resize(panelRows * (matrix->cols / groupColumns));
    float *scales = &laneScales[lane * (matrix->cols / groupColumns)];
    for (int64_t place = 0; place < places; ++place) {
      int64_t col = matrix->colAxis.element(place * scaleWidth, source.cols);
      scales[place] = col < 0 ? 0.0f : decodedScales[col / columns];
    }
    row.integers = &integers[lane * matrix->cols];
    row.scales = scales;
    return llvm::Error::success();
  }

  /// Padded columns that share a scale in the format, when the source's integers and scales fit it as they are; else 0.
  int64_t takenScaleWidth(const PackSource &source) const {
    const FormatInfo &info = formatInfo(matrix->lattice());
    int64_t bits = 8 * encodingInfo(source.encoding).blockBytes / encodingInfo(source.encoding).blockValues;
    const PackAxis &axis = matrix->colAxis;
    bool oneBlock = axis.block >= source.cols;
    if (!info.quantized || info.bits != bits)
      return 0;
    if (!info.rowScales()) // groups must not straddle scales, nor runs of the axis
      return source.scales->columns % groupColumns == 0 || (oneBlock && source.scales->columns == source.cols)
                 ? oneBlock || axis.run() % groupColumns == 0 ? groupColumns : 0
                 : 0;
    int64_t width = matrix->cols / matrix->scaleBlocks();
    bool perBlock = matrix->scaleBlocks() > 1 && source.scales->columns == axis.block && !axis.crossed;
    return source.scales->columns == source.cols || perBlock ? width : 0;
  }

  /// Names the first value of the row that is not finite, or the first of the block whose scale is not.
  llvm::Error notFinite(const PackSource &source, int64_t firstIndex, const uint8_t *bytes) {
    const EncodingInfo &info = encodingInfo(source.encoding);
    int64_t col = 0;
    while (decodeValues(source.encoding, bytes, info.blockValues, decoded.data())) {
      bytes += info.blockBytes;
      col += info.blockValues;
    }
    return importError(fileOf(source),
                       "tensor '{0}' is infinite or NaN at index {1}, expected finite weights; the file is damaged",
                       source.name, firstIndex + col);
  }

  static llvm::StringRef fileOf(const PackSource &source) {
    return source.pieces.empty() ? source.file : source.pieces.front().file;
  }

  llvm::Error overflow(int64_t batch, int64_t firstRow, const PanelRows &rows, int64_t lanes) {
    int64_t worstRow = 0, worstCol = 0;
    for (int64_t lane = 0; lane < lanes; ++lane)
      for (int64_t col = 0; col < matrix->cols; ++col)
        if (std::fabs(rows[lane].values[col]) > std::fabs(rows[worstRow].values[worstCol]))
          worstRow = lane, worstCol = col;
    RowRef row = matrix->rowAt(parts, firstRow + worstRow);
    const PackSource &source = matrix->sources[row.source];
    int64_t col = matrix->colAxis.element(worstCol, source.cols);
    int64_t index = (batch * source.rows + source.storedRow(row.row)) * source.cols + source.storedCol(col);
    return importError(fileOf(source),
                       "tensor '{0}' holds {1} at index {2}, too large for weight format {3}; choose f32 for it",
                       source.name, rows[worstRow].values[worstCol], index, nameOf(matrix->lattice()));
  }

  const SourceFiles &files;
  Rounding rounding;
  RoundingGuide *guide;
  std::shared_ptr<const RoundingFactor> factor;
  ErrorFeedback feedback;
  std::vector<QuantizedTile> tiles;
  const PackedMatrix *matrix = nullptr;
  std::vector<PackPart> parts;
  std::vector<Range> ranges;
  std::vector<uint8_t> input, output, narrow, planeRows;
  std::vector<float> values, zeros, decoded, stored, decodedScales, laneScales;
  std::vector<int8_t> integers, decodedIntegers;
  PackCounts counts;
};

std::vector<Band> cutBands(llvm::ArrayRef<PackedMatrix> matrices) {
  std::vector<Band> bands;
  for (const PackedMatrix &matrix : matrices) {
    int64_t panelInput = rowsOf(matrix.layout) * matrix.cols * 2;
    int64_t step = std::max<int64_t>(bandInputBytes / std::max<int64_t>(panelInput, 1), 1);
    for (int64_t batch = 0; batch < matrix.batch; ++batch)
      for (int64_t panel = 0; panel < matrix.panelCount(); panel += step) {
        int64_t count = std::min(step, matrix.panelCount() - panel);
        bands.push_back({&matrix, batch, panel, count, false});
      }
    bands.back().last = true;
  }
  return bands;
}

/// A matrix that would lose much of itself in silence. A few faint groups are harmless
/// beside those that the format holds.
static llvm::Error checkFaint(const PackedMatrix &matrix, const PackCounts &counts) {
  if (counts.faint * 16 <= counts.alive)
    return llvm::Error::success();
  const PackSource &source = matrix.sources.front();
  llvm::StringRef file = source.pieces.empty() ? source.file : source.pieces.front().file;
  return importError(
      file,
      "tensor '{0}'{1}: {2} of {3} groups of values are too small for weight format {4}, whose scales are f16 "
      "numbers; choose bf16 or f32 for it",
      source.name, matrix.sources.size() > 1 ? " and those beside it" : "", counts.faint, counts.alive,
      nameOf(matrix.lattice()));
}

/// What the threads of one writeDataSection share.
class SectionWriter {
public:
  SectionWriter(const DataSection &section, const SourceFiles &files, int fd, uint64_t base, const PackOptions &options)
      : section(section), files(files), fd(fd), base(base), options(options), bands(cutBands(section.matrices)),
        counts(section.matrices.size()), hash(XXH64_createState(), XXH64_freeState) {
    XXH64_reset(hash.get(), 0);
  }

  /// Writes everything.
  llvm::Expected<PackedSection> run() {
    if (llvm::Error error = writeMatrices())
      return std::move(error);
    for (auto [matrix, found] : llvm::zip(section.matrices, counts))
      if (llvm::Error error = checkFaint(matrix, found))
        return std::move(error);
    llvm::ArrayRef<uint8_t> tail(reinterpret_cast<const uint8_t *>(section.tail.data()), section.tail.size());
    if (llvm::Error error = put(section.tailOffset(), tail))
      return std::move(error);
    return PackedSection{XXH64_digest(hash.get()), std::move(counts)};
  }

  /// Writes the matrices alone; with `leaveGaps` nothing between them.
  llvm::Error writeMatrices(bool leaveGaps = false) {
    gaps = !leaveGaps;
    std::vector<std::thread> workers;
    for (unsigned thread = 1; thread < std::max(options.threads, 1u); ++thread)
      workers.emplace_back([this] { work(); });
    work();
    for (std::thread &worker : workers)
      worker.join();
    return failure ? std::move(*failure) : llvm::Error::success();
  }

private:
  void work() {
    BandPacker packer(files, options.rounding, options.guide);
    for (size_t number = next++; number < bands.size() && !failed; number = next++) {
      llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = packer.pack(bands[number]);
      uint64_t offset = offsetOf(bands[number]);
      // Writing goes on beside the others; only the checksum waits for its turn.
      llvm::Error error = bytes ? writeAt(fd, base + offset, *bytes, options.outputName) : bytes.takeError();
      std::unique_lock lock(mutex);
      turnCame.wait(lock, [&] { return turn == number || failed; });
      if (!error && !failed && gaps)
        error = fillGap(offset);
      if (error || failed) {
        fail(std::move(error));
        return;
      }
      XXH64_update(hash.get(), bytes->data(), bytes->size());
      counts[bands[number].matrix - section.matrices.data()].add(packer.packCounts());
      end = offset + bytes->size();
      ++turn;
      turnCame.notify_all();
      if (options.progress)
        options.progress(end, section.bytes());
    }
  }

  /// Keeps the first error; under the lock.
  void fail(llvm::Error error) {
    if (error && !failure)
      failure = std::move(error);
    else
      llvm::consumeError(std::move(error));
    failed = true;
    turnCame.notify_all();
  }

  static uint64_t offsetOf(const Band &band) {
    return band.matrix->offset +
           (band.batch * band.matrix->panelCount() + band.firstPanel) * band.matrix->panelStride();
  }

  /// Zeros between the last byte and `offset`; gaps are less than an alignment.
  llvm::Error fillGap(uint64_t offset) {
    std::vector<uint8_t> zeros(offset - end);
    XXH64_update(hash.get(), zeros.data(), zeros.size());
    return writeAt(fd, base + end, zeros, options.outputName);
  }

  llvm::Error put(uint64_t offset, llvm::ArrayRef<uint8_t> bytes) {
    if (llvm::Error error = fillGap(offset))
      return error;
    XXH64_update(hash.get(), bytes.data(), bytes.size());
    end = offset + bytes.size();
    if (options.progress)
      options.progress(end, section.bytes());
    return writeAt(fd, base + offset, bytes, options.outputName);
  }

  const DataSection &section;
  const SourceFiles &files;
  int fd;
  uint64_t base;
  const PackOptions &options;
  std::vector<Band> bands;
  std::vector<PackCounts> counts; ///< of each matrix; under the lock
  std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t *)> hash;

  bool gaps = true;
  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex; // guards what follows
  std::condition_variable turnCame;
  size_t turn = 0;
  uint64_t end = 0; ///< of what has been hashed
  std::optional<llvm::Error> failure;
};

} // namespace

llvm::Expected<PackedSection> writeDataSection(const DataSection &section, int fd, uint64_t base,
                                               const PackOptions &options) {
  SourceFiles files;
  if (llvm::Error error = files.open(section.matrices, options.directory))
    return std::move(error);
  return SectionWriter(section, files, fd, base, options).run();
}

llvm::Error rewriteMatrices(const DataSection &some, int fd, uint64_t base, const PackOptions &options) {
  SourceFiles files;
  if (llvm::Error error = files.open(some.matrices, options.directory))
    return error;
  return SectionWriter(some, files, fd, base, options).writeMatrices(/*leaveGaps=*/true);
}

llvm::Expected<std::vector<uint8_t>> packPanels(const PackedMatrix &matrix, llvm::ArrayRef<int64_t> panels,
                                                llvm::StringRef directory, Rounding rounding, RoundingGuide *guide) {
  SourceFiles files;
  if (llvm::Error error = files.open(matrix, directory))
    return std::move(error);
  std::vector<uint8_t> result;
  BandPacker packer(files, rounding, guide);
  for (int64_t panel : panels) {
    llvm::Expected<llvm::ArrayRef<uint8_t>> bytes =
        packer.pack({&matrix, panel / matrix.panelCount(), panel % matrix.panelCount(), 1, /*last=*/false});
    if (!bytes)
      return bytes.takeError();
    result.insert(result.end(), bytes->begin(), bytes->end());
  }
  return result;
}

llvm::Expected<std::vector<uint8_t>> packMatrix(const PackedMatrix &matrix, llvm::StringRef directory,
                                                PackCounts *counts, Rounding rounding, RoundingGuide *guide) {
  if (llvm::Error error = matrix.verify())
    return std::move(error);
  SourceFiles files;
  if (llvm::Error error = files.open(matrix, directory))
    return std::move(error);
  std::vector<uint8_t> result;
  BandPacker packer(files, rounding, guide);
  for (const Band &band : cutBands(matrix)) {
    llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = packer.pack(band);
    if (!bytes)
      return bytes.takeError();
    result.insert(result.end(), bytes->begin(), bytes->end());
    if (counts)
      counts->add(packer.packCounts());
  }
  return result;
}

} // namespace gemmac
