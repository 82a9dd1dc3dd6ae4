// Work is cut into bands: runs of panels of one batch entry of one matrix, in the order of the file. Threads take bands
// by number, fill a buffer and write it; the checksum is taken band after band in that same order.
#include "compiler/artifact/Packer.h"

#include "compiler/artifact/OutputFile.h"
#include "compiler/artifact/PanelKernels.h"
#include "compiler/artifact/SourceKernels.h"
#include "compiler/import/ImportError.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Path.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <atomic>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <mutex>
#include <optional>
#include <sys/stat.h>
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

/// The checkpoint's files, opened once and read from any thread.
class SourceFiles {
public:
  ~SourceFiles() {
    for (auto &entry : descriptors)
      ::close(entry.second);
  }

  /// Opens the files of all sources and checks that each is long enough.
  llvm::Error open(llvm::ArrayRef<PackedMatrix> matrices, llvm::StringRef directory) {
    for (const PackedMatrix &matrix : matrices)
      for (const PackSource &source : matrix.sources)
        if (llvm::Error error = open(source, directory))
          return error;
    return llvm::Error::success();
  }

  llvm::Error read(const PackSource &source, uint64_t offset, uint64_t bytes, uint8_t *result) const {
    int fd = descriptors.lookup(source.file);
    while (bytes > 0) {
      ssize_t got = ::pread(fd, result, bytes, offset);
      if (got < 0 && errno == EINTR)
        continue;
      if (got < 0)
        return importError(source.file, "cannot read tensor '{0}' at byte {1}: {2}", source.name, offset,
                           std::strerror(errno));
      if (got == 0)
        return importError(source.file, "ends at byte {0}, inside tensor '{1}'; the file was cut while it was read",
                           offset, source.name);
      result += got, offset += got, bytes -= got;
    }
    return llvm::Error::success();
  }

private:
  llvm::Error open(const PackSource &source, llvm::StringRef directory) {
    auto [entry, inserted] = descriptors.try_emplace(source.file, -1);
    if (inserted) {
      llvm::SmallString<256> path(directory);
      llvm::sys::path::append(path, source.file);
      entry->second = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
      if (entry->second < 0)
        return importError(source.file, "cannot open: {0}", std::strerror(errno));
    }
    struct stat status;
    if (::fstat(entry->second, &status) != 0)
      return importError(source.file, "cannot read its size: {0}", std::strerror(errno));
    uint64_t end = source.offset + source.batch * source.rows * source.rowBytes();
    if (static_cast<uint64_t>(status.st_size) < end)
      return importError(source.file, "has {0} bytes, expected {1} at least for tensor '{2}'; copy the file again",
                         status.st_size, end, source.name);
    return llvm::Error::success();
  }

  llvm::StringMap<int> descriptors;
};

/// Fills bands; one per thread.
class BandPacker {
public:
  explicit BandPacker(const SourceFiles &files) : files(files) {}

  /// Returns the bytes of the band, valid until the next call.
  llvm::Expected<llvm::ArrayRef<uint8_t>> pack(const Band &band) {
    matrix = band.matrix;
    parts = matrix->parts();
    if (llvm::Error error = readRows(band))
      return std::move(error);
    int64_t stride = matrix->panelStride();
    int64_t bytes = band.panels * stride;
    if (band.last)
      bytes += matrix->bytes - matrix->batch * matrix->panelCount() * stride;
    output.assign(bytes, 0);
    int64_t lanes = std::max<int64_t>(matrix->panelRows, 1);
    values.assign(lanes * matrix->cols, 0.0f);
    zeros.assign(matrix->cols, 0.0f);
    for (int64_t panel = 0; panel < band.panels; ++panel)
      if (llvm::Error error = packOne(band, band.firstPanel + panel, &output[panel * stride]))
        return std::move(error);
    return llvm::ArrayRef<uint8_t>(output);
  }

private:
  /// Reads, for each part, the run of source rows that the band's panels hold.
  llvm::Error readRows(const Band &band) {
    int64_t lanes = std::max<int64_t>(matrix->panelRows, 1);
    ranges.assign(parts.size(), {});
    for (int64_t row = band.firstPanel * lanes; row < (band.firstPanel + band.panels) * lanes; ++row)
      if (RowRef found = matrix->rowAt(parts, row); found.source >= 0) {
        Range &range = ranges[found.part];
        range.first = range.end == 0 ? found.row : std::min(range.first, found.row);
        range.end = std::max(range.end, found.row + 1);
      }
    int64_t total = 0;
    for (auto [part, range] : llvm::zip(parts, ranges)) {
      range.at = total;
      total += (range.end - range.first) * matrix->sources[part.source].rowBytes();
    }
    input.resize(total);
    for (auto [part, range] : llvm::zip(parts, ranges)) {
      const PackSource &source = matrix->sources[part.source];
      uint64_t offset = source.offset + (band.batch * source.rows + range.first) * source.rowBytes();
      uint64_t bytes = (range.end - range.first) * source.rowBytes();
      if (llvm::Error error = files.read(source, offset, bytes, input.data() + range.at))
        return error;
    }
    return llvm::Error::success();
  }

  llvm::Error packOne(const Band &band, int64_t panel, uint8_t *result) {
    PanelRows rows;
    int64_t lanes = std::max<int64_t>(matrix->panelRows, 1);
    for (int64_t lane = 0; lane < lanes; ++lane) {
      RowRef row = matrix->rowAt(parts, panel * lanes + lane);
      rows[lane] = row.source < 0 ? zeros.data() : &values[lane * matrix->cols];
      if (row.source < 0)
        continue;
      if (llvm::Error error = loadRow(band.batch, row, &values[lane * matrix->cols]))
        return error;
    }
    bool fits = matrix->panelRows == 16 ? packPanel(matrix->format, rows, matrix->cols, result)
                                        : packRow(matrix->format, rows[0], matrix->cols, result);
    return fits ? llvm::Error::success() : overflow(band.batch, panel * lanes, rows, lanes);
  }

  /// Converts one source row to f32, its columns at their padded places. Padding is zero already: it lies at the same
  /// places in every row of a matrix.
  llvm::Error loadRow(int64_t batch, RowRef row, float *result) {
    const PackSource &source = matrix->sources[row.source];
    const Range &range = ranges[row.part];
    const uint8_t *bytes = input.data() + range.at + (row.row - range.first) * source.rowBytes();
    // Blocks of the encoding and of the axis need not agree, so a row is decoded whole before it is spread.
    decoded.resize(source.cols);
    if (!decodeValues(source.encoding, bytes, source.cols, decoded.data()))
      return notFinite(source, (batch * source.rows + row.row) * source.cols, bytes);
    if (source.addend != 0.0f || matrix->scale != 1.0f)
      for (float &value : decoded)
        value = (value + source.addend) * matrix->scale;
    for (int64_t col = 0; col < source.cols; col += matrix->colAxis.block)
      std::copy_n(&decoded[col], std::min(matrix->colAxis.block, source.cols - col),
                  result + matrix->colAxis.place(col));
    return llvm::Error::success();
  }

  /// Names the first value of the row that is not finite, or the first of the block whose scale is not.
  llvm::Error notFinite(const PackSource &source, int64_t firstIndex, const uint8_t *bytes) {
    const SourceEncodingInfo &info = sourceEncodingInfo(source.encoding);
    int64_t col = 0;
    while (decodeValues(source.encoding, bytes, info.blockValues, decoded.data())) {
      bytes += info.blockBytes;
      col += info.blockValues;
    }
    return importError(source.file,
                       "tensor '{0}' is infinite or NaN at index {1}, expected finite weights; the file is damaged",
                       source.name, firstIndex + col);
  }

  llvm::Error overflow(int64_t batch, int64_t firstRow, const PanelRows &rows, int64_t lanes) {
    int64_t worstRow = 0, worstCol = 0;
    for (int64_t lane = 0; lane < lanes; ++lane)
      for (int64_t col = 0; col < matrix->cols; ++col)
        if (std::fabs(rows[lane][col]) > std::fabs(rows[worstRow][worstCol]))
          worstRow = lane, worstCol = col;
    RowRef row = matrix->rowAt(parts, firstRow + worstRow);
    const PackSource &source = matrix->sources[row.source];
    int64_t index = (batch * source.rows + row.row) * source.cols + matrix->colAxis.element(worstCol, source.cols);
    return importError(source.file,
                       "tensor '{0}' holds {1} at index {2}, too large for weight format {3}; choose f32 for it",
                       source.name, rows[worstRow][worstCol], index, formatInfo(matrix->format).name);
  }

  struct Range {
    int64_t first = 0, end = 0, at = 0; ///< source rows; byte offset in `input`
  };
  const SourceFiles &files;
  const PackedMatrix *matrix = nullptr;
  std::vector<PackPart> parts;
  std::vector<Range> ranges;
  std::vector<uint8_t> input, output;
  std::vector<float> values, zeros, decoded;
};

std::vector<Band> cutBands(llvm::ArrayRef<PackedMatrix> matrices) {
  std::vector<Band> bands;
  for (const PackedMatrix &matrix : matrices) {
    int64_t panelInput = std::max<int64_t>(matrix.panelRows, 1) * matrix.cols * 2;
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

/// What the threads of one writeDataSection share.
class SectionWriter {
public:
  SectionWriter(const DataSection &section, const SourceFiles &files, int fd, uint64_t base, const PackOptions &options)
      : section(section), files(files), fd(fd), base(base), options(options), bands(cutBands(section.matrices)),
        hash(XXH64_createState(), XXH64_freeState) {
    XXH64_reset(hash.get(), 0);
  }

  llvm::Expected<uint64_t> run() {
    std::vector<std::thread> workers;
    for (unsigned thread = 1; thread < std::max(options.threads, 1u); ++thread)
      workers.emplace_back([this] { work(); });
    work();
    for (std::thread &worker : workers)
      worker.join();
    if (failure)
      return std::move(*failure);
    llvm::ArrayRef<uint8_t> tail(reinterpret_cast<const uint8_t *>(section.tail.data()), section.tail.size());
    if (llvm::Error error = put(section.tailOffset(), tail))
      return std::move(error);
    return XXH64_digest(hash.get());
  }

private:
  void work() {
    BandPacker packer(files);
    for (size_t number = next++; number < bands.size() && !failed; number = next++) {
      llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = packer.pack(bands[number]);
      uint64_t offset = offsetOf(bands[number]);
      // Writing goes on beside the others; only the checksum waits for its turn.
      llvm::Error error = bytes ? writeAt(fd, base + offset, *bytes, options.outputName) : bytes.takeError();
      std::unique_lock lock(mutex);
      turnCame.wait(lock, [&] { return turn == number || failed; });
      if (!error && !failed)
        error = fillGap(offset);
      if (error || failed) {
        fail(std::move(error));
        return;
      }
      XXH64_update(hash.get(), bytes->data(), bytes->size());
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
  std::unique_ptr<XXH64_state_t, XXH_errorcode (*)(XXH64_state_t *)> hash;

  std::atomic<size_t> next{0};
  std::atomic<bool> failed{false};
  std::mutex mutex; // guards what follows
  std::condition_variable turnCame;
  size_t turn = 0;
  uint64_t end = 0; ///< of what has been hashed
  std::optional<llvm::Error> failure;
};

} // namespace

llvm::Expected<uint64_t> writeDataSection(const DataSection &section, int fd, uint64_t base,
                                          const PackOptions &options) {
  SourceFiles files;
  if (llvm::Error error = files.open(section.matrices, options.directory))
    return std::move(error);
  return SectionWriter(section, files, fd, base, options).run();
}

llvm::Expected<std::vector<uint8_t>> packMatrix(const PackedMatrix &matrix, llvm::StringRef directory) {
  if (llvm::Error error = matrix.verify())
    return std::move(error);
  SourceFiles files;
  if (llvm::Error error = files.open(matrix, directory))
    return std::move(error);
  std::vector<uint8_t> result;
  BandPacker packer(files);
  for (const Band &band : cutBands(matrix)) {
    llvm::Expected<llvm::ArrayRef<uint8_t>> bytes = packer.pack(band);
    if (!bytes)
      return bytes.takeError();
    result.insert(result.end(), bytes->begin(), bytes->end());
  }
  return result;
}

} // namespace gemmac
