#include "StepProgram.h"

#include "llvm/Support/FormatVariadic.h"

#include <algorithm>
#include <cstdio>

namespace gemmac::test {

/// "64x32", not "64".
static bool isMatrix(const std::string &shape) { return std::count(shape.begin(), shape.end(), 'x') == 1; }

using llvm::formatv;

std::string literal(double value) {
  char text[40];
  std::snprintf(text, sizeof(text), "%.17e", value);
  return text;
}

std::string StepProgram::addWeight(const std::string &shape, int64_t elements, size_t source) {
  std::string name = "@s" + std::to_string(names++), scales;
  const auto &[input, outputs] = activationScales;
  if (input != 0 && isMatrix(shape))
    scales += formatv(" input_activation_scale {0}", literal(input));
  if (source < outputs.size() && outputs[source] != 0 && isMatrix(shape))
    scales += formatv(" output_activation_scale {0}", literal(outputs[source]));
  if (2 * source < outputBounds.size() && isMatrix(shape))
    scales += formatv(" gives [{0}, {1}]", literal(outputBounds[2 * source]), literal(outputBounds[2 * source + 1]));
  symbols +=
      formatv("  gemma.weight {0} : tensor<{1}xf32> from <\"test\", 0, {2}>{3}\n", name, shape, 4 * elements, scales);
  return name;
}

std::string StepProgram::scalesOfPacked(size_t sources) const {
  const auto &[input, outputs] = activationScales;
  std::string text = input != 0 ? formatv(" input_scale {0}", literal(input)).str() : "";
  if (std::any_of(outputs.begin(), outputs.begin() + std::min(sources, outputs.size()),
                  [](double scale) { return scale != 0; })) {
    text += " output_scales [";
    for (size_t i = 0; i < sources; ++i)
      text += (i ? ", " : "") + literal(i < outputs.size() ? outputs[i] : 0);
    text += "]";
  }
  return text + boundsOfPacked(sources);
}

std::string StepProgram::boundsOfPacked(size_t sources) const {
  if (outputBounds.empty())
    return "";
  std::string text = " output_bounds [";
  for (size_t i = 0; i < 2 * sources; ++i)
    text += (i ? ", " : "") + literal(outputBounds[i]);
  return text + "]";
}

std::string StepProgram::addPacked(const std::vector<uint8_t> &bytes, const std::string &sources,
                                   const std::string &rest, const std::string &place) {
  std::string name = "@w" + std::to_string(names++);
  symbols += formatv("  gemma.packed {0} from [{1}] {2} bytes {3} at {4}{5}\n", name, sources, rest, bytes.size(),
                     data.size(), place);
  data.insert(data.end(), bytes.begin(), bytes.end());
  return name;
}

// Matrices of the tests are multiples of 32 already, so that every axis is `<32 -> 32>`; tables may have any number of
// rows.
std::string StepProgram::addExperts(const std::vector<Matrix> &experts, Layout layout) {
  const Matrix &first = experts.front();
  std::string shape =
      formatv("{0}{1}x{2}", experts.size() > 1 ? std::to_string(experts.size()) + "x" : "", first.rows, first.cols);
  std::string source = addWeight(shape, experts.size() * first.rows * first.cols);
  if (layout == Layout::Table) {
    int64_t rowBytes = panelBytes(first.format, 1, first.cols, first.cols / groupColumns);
    tables.push_back({static_cast<int64_t>(data.size()), rowBytes, tableRowBytes});
    tableRowBytes += roundUp(tables.back().rowBytes, bufferAlign);
  }
  return addPacked(pack(experts, layout), source,
                   formatv("as {0} {1} batch {2} rows {3} <{4} -> {4}> cols {5} <32 -> 32>", nameOf(first.format),
                           nameOf(layout), experts.size(), first.rows, layout == Layout::Table ? 16 : 32, first.cols),
                   layout == Layout::Table ? formatv(" row_at {0}", tables.back().rowAt).str() : scalesOfPacked(1));
}

std::string StepProgram::addStacked(const Matrix &matrix, const std::vector<int64_t> &rows) {
  std::string sources;
  for (size_t i = 0; i < rows.size(); ++i)
    sources += (i ? ", " : "") + addWeight(formatv("{0}x{1}", rows[i], matrix.cols), rows[i] * matrix.cols, i);
  return addPacked(pack({matrix}, Layout::Panels), sources,
                   formatv("as {0} panels batch 1 rows {1} <32 -> 32> cols {2} <32 -> 32>", nameOf(matrix.format),
                           matrix.rows, matrix.cols),
                   scalesOfPacked(rows.size()));
}

std::string StepProgram::addInterleaved(const std::vector<Matrix> &gates, const std::vector<Matrix> &ups) {
  const Matrix &first = gates.front();
  std::vector<Matrix> experts;
  for (size_t i = 0; i < gates.size(); ++i)
    experts.push_back(interleave(gates[i], ups[i]));
  std::string batch = gates.size() > 1 ? std::to_string(gates.size()) + "x" : "";
  int64_t elements = gates.size() * first.rows * first.cols;
  std::string gate = addWeight(formatv("{0}{1}x{2}", batch, first.rows, first.cols), elements);
  std::string up = addWeight(formatv("{0}{1}x{2}", batch, first.rows, first.cols), elements, 1);
  return addPacked(pack(experts, Layout::Panels), gate + ", " + up,
                   formatv("as {0} panels batch {1} interleave rows {2} <32 -> 32> cols {3} <32 -> 32>",
                           nameOf(first.format), gates.size(), 2 * first.rows, first.cols),
                   scalesOfPacked(2));
}

std::string StepProgram::addVector(const std::vector<float> &values, int64_t width) {
  int64_t length = static_cast<int64_t>(values.size()), padded = width ? width : roundUp(length, groupColumns);
  std::vector<uint8_t> bytes(roundUp(padded * 4, bufferAlign));
  std::copy_n(reinterpret_cast<const uint8_t *>(values.data()), 4 * length, bytes.begin());
  return addPacked(bytes, addWeight(std::to_string(length), length),
                   formatv("as f32 vector batch 1 rows 1 <16 -> 16> cols {0} <{1} -> {0}>", padded, length));
}

static std::string attribute(const char *name, int64_t value) {
  return value ? formatv(" {0} {1}", name, value).str() : std::string();
}

Cache StepProgram::addCache(Format format, int64_t heads, int64_t headDim, int64_t window, int64_t capacity,
                            bool rotated, int64_t turnedPairs, Exponents exponents) {
  Cache cache{.name = "@kv" + std::to_string(names++),
              .format = format,
              .heads = heads,
              .headDim = headDim,
              .window = window,
              .capacity = capacity,
              .padded = paddedHeadDim(headDim),
              .offset = cacheBytes,
              .bytes = 0,
              .rotated = rotated,
              .turnedPairs = turnedPairs,
              .paddedKey = paddedHeadDim(turnedPairs ? 2 * turnedPairs : headDim),
              .exponents = exponents};
  // Bits of the elements, and 16 for each 32 of quantized ones.
  int64_t elements = heads * capacity * (cache.paddedKey + cache.padded);
  cache.bytes = elements * formatInfo(format).bits / 8 + (isQuantized(format) ? elements / 32 * 2 : 0);
  symbols += formatv("  gemma.kv_cache {0} heads {1} head_dim {2} window {3} as {4} capacity {5} bytes {7} at {6}{8}\n",
                     cache.name, heads, headDim, window, nameOf(format), capacity, cache.offset, cache.bytes,
                     (rotated ? " rotated" : "") + attribute("turned_pairs", turnedPairs) +
                         attribute("key_exponent", exponents.key) + attribute("value_exponent", exponents.value));
  cacheBytes += roundUp(cache.bytes, bufferAlign);
  caches.push_back(cache);
  return cache;
}

Buffer StepProgram::buffer(bool isShared, int64_t width, const char *element, int64_t perRow) {
  return place(isShared, maxRows * perRow, width, element);
}

Buffer StepProgram::sharedRows(int64_t rows, int64_t width, const char *element) {
  return place(true, rows, width, element);
}

Buffer StepProgram::inBlock(int64_t block, bool isShared, int64_t width, const char *element, int64_t perRow) {
  return place(isShared, maxRows * perRow, width, element, block * perRow, formatv("block {0} ", block));
}

Buffer StepProgram::ring(int64_t width, int64_t perRow) {
  return place(false, maxRows * perRow, width, "f32", 4, "ring 4 ");
}

Buffer StepProgram::given(int64_t width, const char *element, int64_t perRow) {
  Buffer made = shared(width, element, perRow);
  inputs += formatv("    gemma.input \"input{0}\" {1} : {2}\n", names++, made.name, made.type);
  return made;
}

Buffer StepProgram::place(bool isShared, int64_t rows, int64_t width, const char *element, int64_t room,
                          const std::string &how) {
  Buffer made{.name = "%b" + std::to_string(names++),
              .type = "",
              .shared = isShared,
              .offset = 0,
              .rows = rows,
              .width = width,
              .rowBytes = 0};
  bool quantized = element[0] == 'q' || element[0] == 's';                    // q8, q16, s8
  int64_t valueBytes = llvm::StringRef(element) == "q16" ? 4 * width : width; // of both forms
  made.rowBytes = roundUp(quantized ? valueBytes + width / 4 : 4 * width, bufferAlign);
  int64_t &end = isShared ? arenaBytes : scratchBytes;
  made.offset = end;
  end += made.rowBytes * (room ? room : made.rows);
  made.type = formatv("!gemma.buffer<{0} x {1}, {2}>", made.rows, width, element);
  buffers += formatv("    {0} = gemma.buffer {1} at {2} {3}: {4}\n", made.name, isShared ? "shared" : "private",
                     made.offset, how, made.type);
  return made;
}

Buffer StepProgram::parts(const Cache &cache, int64_t heads) {
  return shared(splitResultWidth(heads, cache.padded), "f32", mostCacheSplits(cache.window, cache.capacity));
}

Buffer StepProgram::input(const Matrix &rows, bool isShared) {
  Buffer made = buffer(isShared, rows.cols, "f32", 1);
  step("embed " + made.name + ", " + addMatrix(rows, Layout::Table) +
       (isShared ? " scale 1.0 : " : " scale 1.0 replicated : ") + made.type);
  if (isShared)
    barrier();
  return made;
}

std::vector<uint8_t> StepProgram::tableRows(const std::vector<int32_t> &tokens) const {
  std::vector<uint8_t> rows(tokens.size() * tableRowBytes, 0xff);
  for (size_t row = 0; row < tokens.size(); ++row)
    for (const Table &table : tables)
      std::copy_n(data.begin() + table.offset + tokens[row] * table.rowBytes, table.rowBytes,
                  rows.begin() + row * tableRowBytes + table.rowAt);
  return rows;
}

std::string StepProgram::text() const {
  return formatv(
      "module {{\n  gemma.program context 1 slots 1 slot_bytes {0} data_bytes 0 mapped_bytes 0 table_row_bytes {1} "
      "arena_bytes {2} scratch_bytes {3}\n{4}  gemma.function @{5} max_rows {6} arena_bytes {2} "
      "scratch_bytes {3} {{\n{7}{8}{9}  }\n}\n",
      cacheBytes, tableRowBytes, arenaBytes, scratchBytes, symbols, function(), maxRows, buffers, inputs, body);
}

std::string StepProgram::entry(const std::string &level) const { return formatv("gemmac_{0}_{1}", function(), level); }

} // namespace gemmac::test
