// Packing against the slow reader: every source value comes back within its format's error, and all else is zero.
#include "TestCheckpoint.h"

#include "compiler/artifact/Packer.h"
#include "compiler/base/Errors.h"
#include "llvm/Support/Error.h"

#include <algorithm>
#include <cmath>
#include <fcntl.h>
#include <unistd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

using namespace gemmac;

namespace {

/// Half the spacing of the format for values of a group whose largest magnitude is `largest`, with the f16 rounding of
/// scales (2^-11 of it) and, for the others, the shortened negative or positive end and clipping by the search.
double tolerance(Format format, double value, double largest) {
  switch (format) {
  case Format::F32:
    return 0;
  case Format::F16:
    return std::fabs(value) * 0x1p-11 + 0x1p-25;
  case Format::BF16:
    return std::fabs(value) * 0x1p-8;
  case Format::Q12: // its scales are rounded up
    return largest * (0.5 / 2047 * (1 + 0x1p-10f)) + 1e-7;
  case Format::Q8:
  case Format::C8:
    return largest * (0.5 / 127 + 0x1p-11) + 1e-7;
  case Format::Q6:
    return largest * 0.1;
  case Format::Q5:
    return largest * 0.16;
  case Format::Q4:
    return largest * 0.25;
  case Format::C4: // clips the extreme of a long row to less than half
    return largest * 0.6;
  case Format::Q3:
    return largest * 0.4;
  case Format::Q2:
    return largest * 0.7;
  case Format::C2:
    return largest * 0.85;
  }
  return 0;
}

/// For each row of a source, the largest magnitude of each group of 32 padded columns, or of the
/// whole row where that has one scale.
std::vector<double> groupLargest(const PackedMatrix &matrix, const PackSource &source,
                                 const std::vector<float> &values) {
  int64_t groups = matrix.cols / groupColumns;
  std::vector<double> largest(values.size() / source.cols * groups);
  for (size_t i = 0; i < values.size(); ++i) {
    double &entry = largest[i / source.cols * groups + matrix.colAxis.place(i % source.cols) / groupColumns];
    entry = std::max<double>(entry, std::fabs(values[i]));
  }
  for (size_t row = 0; formatInfo(matrix.format).rowScales() && row < largest.size() / groups; ++row) {
    auto first = largest.begin() + row * groups;
    std::fill(first, first + groups, *std::max_element(first, first + groups));
  }
  return largest;
}

void expectPacked(const PackedMatrix &matrix, const TestTensors &tensors, const std::vector<uint8_t> &data) {
  ASSERT_EQ(static_cast<int64_t>(data.size()), matrix.bytes);
  size_t nonzero = 0;
  for (auto [index, source] : llvm::enumerate(matrix.sources)) {
    std::vector<float> unpacked = unpackMatrix(matrix, data.data(), index);
    const std::vector<float> &stored = tensors.values(source.name);
    ASSERT_EQ(unpacked.size(), stored.size());
    std::vector<double> largest = groupLargest(matrix, source, stored);
    for (size_t i = 0; i < stored.size(); ++i) {
      int64_t row = i / source.cols, col = i % source.cols;
      int64_t group = row * (matrix.cols / groupColumns) + matrix.colAxis.place(col) / groupColumns;
      double allowed = tolerance(matrix.format, stored[i], largest[group]);
      ASSERT_LE(std::fabs(unpacked[i] - stored[i]), allowed) << source.name << " row " << row << " col " << col;
    }
    nonzero += std::count_if(unpacked.begin(), unpacked.end(), [](float value) { return value != 0; });
  }
  // Everything that is nonzero anywhere has been seen above, so padding is zero.
  for (int64_t batch = 0; batch < matrix.batch; ++batch)
    for (int64_t row = 0; row < std::max<int64_t>(matrix.rows, 1); ++row)
      for (int64_t col = 0; col < matrix.cols; ++col)
        nonzero -= packedValue(matrix, data.data(), batch, row, col) != 0;
  EXPECT_EQ(nonzero, 0u);
}

class PackFormats : public testing::TestWithParam<Format> {
protected:
  TestDirectory directory;
  TestTensors tensors{directory.path()};

  void expectRoundTrip(PackedMatrix matrix) {
    matrix.format = GetParam();
    matrix = plannedMatrix(matrix);
    llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
    ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
    expectPacked(matrix, tensors, *data);
  }
};

} // namespace

INSTANTIATE_TEST_SUITE_P(, PackFormats,
                         testing::Values(Format::F32, Format::F16, Format::BF16, Format::Q12, Format::Q8, Format::Q6,
                                         Format::Q5, Format::Q4, Format::Q3, Format::Q2, Format::C8, Format::C4,
                                         Format::C2),
                         [](const auto &info) { return nameOf(info.param).str(); });

TEST_P(PackFormats, odd_shapes) {
  for (auto [rows, cols] : {std::pair<int64_t, int64_t>{1, 1}, {16, 32}, {17, 33}, {100, 70}, {33, 97}})
    for (Encoding encoding : {Encoding::BF16, Encoding::F16, Encoding::F32}) {
      std::string name = "w" + std::to_string(rows) + "x" + std::to_string(cols) + std::to_string(int(encoding));
      PackedMatrix matrix{
          .name = "test", .sources = {tensors.add(name, encoding, 1, rows, cols)}, .layout = Layout::Panels};
      matrix.rowAxis = {rows, roundUp(rows, 32)};
      matrix.colAxis = {cols, roundUp(cols, 32)};
      expectRoundTrip(matrix);
    }
}

TEST_P(PackFormats, head_axes_on_rows) {
  // q, k, v of 4, 2 and 2 heads of 20: halves of 10 padded to 16.
  PackedMatrix matrix{.name = "test",
                      .sources = {tensors.add("q", Encoding::BF16, 1, 80, 45),
                                  tensors.add("k", Encoding::BF16, 1, 40, 45),
                                  tensors.add("v", Encoding::F32, 1, 40, 45)},
                      .layout = Layout::Panels};
  matrix.rowAxis = {10, 16};
  matrix.colAxis = {45, 64};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, head_axis_on_columns) {
  PackedMatrix matrix{
      .name = "test", .sources = {tensors.add("o", Encoding::BF16, 1, 37, 72)}, .layout = Layout::Panels};
  matrix.rowAxis = {37, 48};
  matrix.colAxis = {9, 16};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, crossed_heads_on_rows_and_columns) {
  PackedMatrix matrix{
      .name = "test",
      .sources = {tensors.add("q", Encoding::BF16, 1, 80, 72), tensors.add("k", Encoding::BF16, 1, 40, 72)},
      .layout = Layout::Panels};
  matrix.rowAxis = {10, 16, /*crossed=*/true};
  matrix.colAxis = {18, 32, /*crossed=*/true};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, interleaves_two_sources) {
  PackedMatrix matrix{
      .name = "test",
      .sources = {tensors.add("gate", Encoding::BF16, 1, 50, 40), tensors.add("up", Encoding::F16, 1, 50, 40)},
      .layout = Layout::Panels,
      .interleave = true};
  matrix.rowAxis = {50, 64};
  matrix.colAxis = {40, 64};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, interleaves_halves_of_each_batch_entry) {
  PackedMatrix matrix{.name = "test",
                      .sources = {tensors.add("gate_up", Encoding::BF16, 3, 44, 30)},
                      .layout = Layout::Panels,
                      .interleave = true};
  matrix.rowAxis = {22, 32};
  matrix.colAxis = {30, 32};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, tables_by_row) {
  PackedMatrix matrix{
      .name = "test", .sources = {tensors.add("table", Encoding::BF16, 1, 41, 100)}, .layout = Layout::Table};
  matrix.rowAxis = {41, 48};
  matrix.colAxis = {25, 32};
  expectRoundTrip(matrix);
}

TEST_P(PackFormats, many_bands) {
  // Rows of 40000 values: a band holds 26 rows of a table and one matmul panel.
  PackedMatrix table{
      .name = "test", .sources = {tensors.add("wide", Encoding::BF16, 1, 60, 40000)}, .layout = Layout::Table};
  table.rowAxis = {60, 64};
  table.colAxis = {40000, 40000};
  expectRoundTrip(table);
  table.layout = Layout::Panels;
  expectRoundTrip(table);
}

// Two heads of 8: of each the inner quarters change places, then halves are padded.
TEST(Packer, inner_quarters_of_crossed_heads_change_places) {
  const PackAxis axis{4, 16, /*crossed=*/true};
  const int64_t places[] = {0, 1, 16, 17, 2, 3, 18, 19, 32, 33, 48, 49, 34, 35, 50, 51};
  std::vector<int64_t> elements(64, -1);
  for (int64_t i = 0; i < 16; ++i) {
    EXPECT_EQ(axis.place(i), places[i]) << "element " << i;
    elements[places[i]] = i;
  }
  for (int64_t place = 0; place < 64; ++place)
    EXPECT_EQ(axis.element(place, 16), elements[place]) << "place " << place;
}

TEST(Packer, vectors_are_padded_f32) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix{.name = "norm", .sources = {tensors.add("norm", Encoding::BF16, 1, 1, 72)}, .rowAxis = {1, 16}};
  matrix.colAxis = {36, 48};
  matrix = plannedMatrix(matrix);
  EXPECT_EQ(matrix.bytes, 384);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  expectPacked(matrix, tensors, *data);
}

TEST(Packer, addend_and_scale_of_a_vector) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix{.name = "norm", .sources = {tensors.add("norm", Encoding::BF16, 1, 1, 72)}, .rowAxis = {1, 16}};
  matrix.colAxis = {36, 48};
  matrix.sources.front().addend = 1.0f;
  matrix.scale = 0.3f;
  matrix = plannedMatrix(matrix);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  for (int64_t place = 0; place < matrix.cols; ++place) {
    int64_t index = matrix.colAxis.element(place, 72);
    float expected = index < 0 ? 0.0f : (tensors.values("norm")[index] + 1.0f) * 0.3f;
    EXPECT_EQ(packedValue(matrix, data->data(), 0, 0, place), expected) << "place " << place;
  }
}

TEST(Packer, softplus_of_a_vector) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix{.name = "scale", .sources = {tensors.add("scale", Encoding::F32, 1, 1, 32)}, .rowAxis = {1, 16}};
  matrix.colAxis = {32, 32};
  matrix.sources.front().softplus = true;
  matrix.scale = 0.3f;
  matrix = plannedMatrix(matrix);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  ASSERT_TRUE(static_cast<bool>(data)) << llvm::toString(data.takeError());
  for (int64_t i = 0; i < 32; ++i) {
    auto value = static_cast<float>(std::log1p(std::exp(double{tensors.values("scale")[i]})));
    EXPECT_EQ(packedValue(matrix, data->data(), 0, 0, i), value * 0.3f) << "place " << i;
  }
}

/// A patch is stored color by color, and its pixels follow each other in the program.
TEST_P(PackFormats, elements_of_planes_take_turns) {
  constexpr int64_t rows = 20, pixels = 16, colors = 3;
  PackedMatrix matrix{
      .name = "patches",
      .sources = {tensors.add("patches", Encoding::F32, 1, rows, colors * pixels)},
      .format = GetParam(),
      .layout = Layout::Panels,
      .rowAxis = {rows, 32},
      .colAxis = {colors * pixels, 64},
  };
  matrix.sources.front().planes = colors;
  matrix = plannedMatrix(matrix);
  PackedMatrix joined = matrix;
  const std::vector<float> values = tensors.values("patches");
  std::vector<float> turned(values.size());
  for (int64_t row = 0; row < rows; ++row)
    for (int64_t pixel = 0; pixel < pixels; ++pixel)
      for (int64_t color = 0; color < colors; ++color)
        turned[(row * pixels + pixel) * colors + color] = values[(row * colors + color) * pixels + pixel];
  joined.sources.front() = tensors.add("joined", Encoding::F32, 1, rows, colors * pixels, turned);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  llvm::Expected<std::vector<uint8_t>> expected = packMatrix(joined, directory.path());
  ASSERT_TRUE(data && expected);
  EXPECT_EQ(*data, *expected);
}

/// A table is stored with all rows of one kind before all of the other, and both alternate in the program.
static void expectRowsTakeTurns(Format format, int64_t rows, int64_t cols, int64_t planes) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix{
      .name = "places",
      .sources = {tensors.add("places", Encoding::F32, 1, rows, cols)},
      .format = format,
      .layout = Layout::Panels,
      .rowAxis = {rows, roundUp(rows, 32)},
      .colAxis = {cols, roundUp(cols, 64)},
  };
  matrix.sources.front().rowPlanes = planes;
  matrix = plannedMatrix(matrix);
  PackedMatrix joined = matrix;
  const std::vector<float> &values = tensors.values("places");
  std::vector<float> turned(values.size());
  for (int64_t row = 0; row < rows; ++row)
    std::copy_n(&values[(row % planes * (rows / planes) + row / planes) * cols], cols, &turned[row * cols]);
  joined.sources.front() = tensors.add("joined", Encoding::F32, 1, rows, cols, turned);
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(matrix, directory.path());
  llvm::Expected<std::vector<uint8_t>> expected = packMatrix(joined, directory.path());
  ASSERT_TRUE(data && expected);
  EXPECT_EQ(*data, *expected) << planes;
}

TEST_P(PackFormats, rows_of_planes_take_turns) {
  for (int64_t planes : {2, 3, 5})
    expectRowsTakeTurns(GetParam(), 90, 48, planes);
}

/// Several bands, each of which begins with another plane.
TEST(Packer, rows_of_planes_in_bands) { expectRowsTakeTurns(Format::F32, 600, 4096, 3); }

namespace {

struct WrittenSection {
  std::string bytes;
  uint64_t hash = 0;
};

WrittenSection write(const DataSection &section, const std::string &directory, unsigned threads) {
  std::string path = directory + "/out";
  int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_RDWR, 0600);
  uint64_t last = 0;
  PackOptions options{directory, path, threads, [&](uint64_t done, uint64_t total) {
                        EXPECT_GE(done, last);
                        EXPECT_EQ(total, section.bytes());
                        last = done;
                      }};
  llvm::Expected<PackedSection> packed = writeDataSection(section, fd, 4096, options);
  EXPECT_TRUE(static_cast<bool>(packed)) << llvm::toString(packed.takeError());
  EXPECT_EQ(last, section.bytes());
  WrittenSection written;
  written.hash = packed ? packed->xxh64 : 0;
  written.bytes.resize(section.bytes());
  EXPECT_EQ(::pread(fd, written.bytes.data(), written.bytes.size(), 4096), ssize_t(written.bytes.size()));
  ::close(fd);
  return written;
}

} // namespace

TEST(Packer, section_is_the_same_for_any_number_of_threads) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  DataSection section;
  uint64_t offset = 0;
  for (int i = 0; i < 12; ++i) {
    PackedMatrix matrix{.name = "w",
                        .sources = {tensors.add("w" + std::to_string(i), Encoding::BF16, 1, 500 + i, 1000)},
                        .format = i % 2 ? Format::Q4 : Format::Q8,
                        .layout = i % 3 ? Layout::Panels : Layout::Table,
                        .rowAxis = {500 + i, 512},
                        .colAxis = {1000, 1024}};
    section.matrices.push_back(plannedMatrix(matrix, offset));
    offset = section.matrices.back().offset + section.matrices.back().bytes + 64 * i; // some gaps
  }
  section.matrixBytes = offset;
  section.tail = "tokenizer";
  WrittenSection one = write(section, directory.path(), 1);
  EXPECT_EQ(one.hash, XXH64(one.bytes.data(), one.bytes.size(), 0));
  EXPECT_EQ(one.bytes.substr(section.tailOffset()), "tokenizer");
  for (const PackedMatrix &matrix : section.matrices) {
    auto *data = reinterpret_cast<const uint8_t *>(one.bytes.data()) + matrix.offset;
    expectPacked(matrix, tensors, std::vector<uint8_t>(data, data + matrix.bytes));
  }
  for (unsigned threads : {2u, 3u, 8u}) {
    WrittenSection more = write(section, directory.path(), threads);
    EXPECT_EQ(more.bytes, one.bytes) << threads;
    EXPECT_EQ(more.hash, one.hash) << threads;
  }
}

namespace {

std::string packError(const PackedMatrix &matrix, const std::string &directory) {
  llvm::Expected<std::vector<uint8_t>> data = packMatrix(plannedMatrix(matrix), directory);
  if (data)
    return "no error";
  std::string text;
  llvm::handleAllErrors(
      data.takeError(), [&](const ImportError &error) { text = error.message(); },
      [&](const llvm::ErrorInfoBase &error) { text = "not an ImportError: " + error.message(); });
  return text;
}

} // namespace

TEST(Packer, names_tensor_and_index_of_a_nan) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  std::vector<float> values(2 * 20 * 40, 0.5f);
  values[40 * 33 + 7] = NAN;
  PackedMatrix matrix{.name = "w",
                      .sources = {tensors.add("layers.0.w", Encoding::BF16, 2, 20, 40, values)},
                      .format = Format::Q4,
                      .layout = Layout::Panels,
                      .rowAxis = {20, 32},
                      .colAxis = {40, 64}};
  EXPECT_EQ(packError(matrix, directory.path()),
            "model.safetensors: error: tensor 'layers.0.w' is infinite or NaN at index 1327, expected finite weights; "
            "the file is damaged");
}

TEST(Packer, names_value_that_overflows) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  std::vector<float> values(20 * 40, 0.5f);
  values[40 * 18 + 35] = -1e9f;
  PackedMatrix matrix{.name = "w",
                      .sources = {tensors.add("layers.0.w", Encoding::F32, 1, 20, 40, values)},
                      .format = Format::Q8,
                      .layout = Layout::Panels,
                      .rowAxis = {20, 32},
                      .colAxis = {20, 32}};
  EXPECT_EQ(packError(matrix, directory.path()),
            "model.safetensors: error: tensor 'layers.0.w' holds -1000000000.00 at index 755, too large for weight "
            "format q8; choose f32 for it");
}

TEST(Packer, file_cut_short) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackedMatrix matrix{.name = "w",
                      .sources = {tensors.add("layers.0.w", Encoding::BF16, 1, 20, 40)},
                      .format = Format::Q8,
                      .layout = Layout::Panels,
                      .rowAxis = {20, 32},
                      .colAxis = {40, 64}};
  std::filesystem::resize_file(tensors.path(), 1000);
  EXPECT_EQ(packError(matrix, directory.path()),
            "model.safetensors: error: has 1000 bytes, expected 1606 at least for tensor 'layers.0.w'; copy the file "
            "again");
  std::filesystem::remove(tensors.path());
  EXPECT_EQ(packError(matrix, directory.path()), "model.safetensors: error: cannot open: No such file or directory");
}

TEST(Packer, pieces_are_rows_behind_each_other) {
  TestDirectory directory;
  TestTensors tensors(directory.path());
  PackSource stacked{.name = "w", .file = {}, .encoding = Encoding::F32, .batch = 2, .rows = 64, .cols = 32};
  std::vector<float> all;
  for (int piece = 0; piece < 4; ++piece) {
    stacked.pieces.push_back(tensors.add("w" + std::to_string(piece), Encoding::F32, 1, 32, 32));
    const std::vector<float> &values = tensors.values("w" + std::to_string(piece));
    all.insert(all.end(), values.begin(), values.end());
  }
  auto matrixOf = [](PackSource source) {
    return plannedMatrix({.name = "w",
                          .sources = {std::move(source)},
                          .format = Format::Q4,
                          .layout = Layout::Panels,
                          .batch = 2,
                          .interleave = true,
                          .rowAxis = {32, 32},
                          .colAxis = {32, 32}});
  };
  llvm::Expected<std::vector<uint8_t>> apart = packMatrix(matrixOf(stacked), directory.path());
  llvm::Expected<std::vector<uint8_t>> whole =
      packMatrix(matrixOf(tensors.add("all", Encoding::F32, 2, 64, 32, all)), directory.path());
  ASSERT_TRUE(apart && whole);
  EXPECT_EQ(*apart, *whole);
}

TEST(PackedMatrix, refuses_sizes_that_contradict) {
  PackSource source{"w", "model.safetensors", 0, Encoding::BF16, 1, 20, 40};
  PackedMatrix good = plannedMatrix({.name = "p",
                                     .sources = {source},
                                     .format = Format::Q4,
                                     .layout = Layout::Panels,
                                     .rowAxis = {20, 32},
                                     .colAxis = {40, 64}});
  auto message = [](const PackedMatrix &matrix) { return llvm::toString(matrix.verify()); };
  EXPECT_EQ(message(good), "");
  PackedMatrix bad = good;
  bad.rows = 64;
  EXPECT_EQ(message(bad), "packed weight 'p': error: has 64 padded rows, expected 32");
  bad = good;
  bad.bytes += 64;
  EXPECT_EQ(message(bad), "packed weight 'p': error: has 1216 bytes, expected 1152");
  bad = good;
  bad.offset = 32;
  EXPECT_EQ(message(bad), "packed weight 'p': error: offset 32 is no multiple of 64");
  bad = good;
  bad.interleave = true;
  bad.sources[0].rows = 21;
  EXPECT_EQ(
      message(bad),
      "packed weight 'p': error: interleave expects two sources of one shape, or one with an even number of rows");
}
