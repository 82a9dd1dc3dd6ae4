// What is chosen for invented matrices, and the search with an invented program to measure.
#include "compiler/calibrate/FormatSearch.h"

#include <gtest/gtest.h>

#include <atomic>

using namespace gemmac;

namespace {

PackedMatrix matrix(const std::string &name, int64_t rows, int64_t cols, Layout layout = Layout::Panels,
                    Format format = Format::Q8) {
  PackedMatrix result;
  result.name = "p." + name;
  result.sources = {{name, "file", 0, Encoding::F32, 1, rows, cols}};
  result.format = format;
  result.layout = layout;
  result.rowAxis = {rows, roundUp(rows, 32)};
  result.colAxis = {cols, roundUp(cols, 32)};
  result.rows = layout == Layout::Table ? rows : roundUp(rows, 32);
  result.cols = roundUp(cols, 32);
  result.bytes = packedBytes(format, layout, 1, result.rows, result.cols, 1);
  return result;
}

/// Three layers of two matrices, a table, a head that is also read by row, a matrix that stays high.
OpenMatrices model() {
  std::vector<PackedMatrix> matrices;
  llvm::StringMap<std::string> parts;
  auto open = [&](const PackedMatrix &added, const char *part) {
    parts[added.sources.front().name] = part;
    matrices.push_back(added);
  };
  for (int layer = 0; layer < 3; ++layer) {
    open(matrix("in" + std::to_string(layer), 64, 32), "MLP in");
    open(matrix("out" + std::to_string(layer), 32, 64), "MLP out");
  }
  open(matrix("rows", 100, 32, Layout::Table), "table");
  open(matrix("head", 96, 32), "embeddings");
  open(matrix("head", 96, 32, Layout::Table), "embeddings");
  matrices.push_back(matrix("router", 32, 32));
  open(matrix("integers", 32, 32, Layout::Panels, Format::C4), "MLP in");
  return OpenMatrices(std::move(matrices), parts);
}

double lossOf(Format format) { return std::pow(0.25, static_cast<double>(formatInfo(format).bits)); }

/// Divergence adds up over matrices, of which some matter far more than others. What
/// predictions do not know: a power of it.
struct FakeProgram {
  const OpenMatrices &open;
  double surprise = 1;
  std::atomic<int> runs{0};

  double divergence(const MatrixFormats &formats) const {
    double sum = 0;
    for (size_t i = 0; i < formats.size(); ++i)
      sum += std::pow(3.0, static_cast<double>(i * 5 % 8)) * (lossOf(formats[i]) - lossOf(Format::Q8));
    return 0.00001 + std::pow(sum, surprise);
  }

  FormatMeter meter() {
    FormatMeter result;
    result.loss = [](const PackedMatrix &, llvm::ArrayRef<Format> formats) -> llvm::Expected<std::vector<double>> {
      std::vector<double> losses;
      for (Format format : formats)
        losses.push_back(lossOf(format));
      return losses;
    };
    result.measure = [this](const MatrixFormats &formats) -> llvm::Expected<ProgramQuality> {
      ++runs;
      return ProgramQuality{divergence(formats), 0.9, 100};
    };
    result.stage = [](const std::string &) {};
    result.threads = 2;
    result.multiplyAdds = 1000;
    return result;
  }
};

/// Everything open in one format.
MatrixFormats all(const OpenMatrices &open, Format format) {
  MatrixFormats formats = open.widest();
  for (size_t item = 0; item < open.items().size(); ++item)
    formats = open.changed(std::move(formats), item, format);
  return formats;
}

bool succeeds(llvm::Error error) {
  bool failed = static_cast<bool>(error);
  llvm::consumeError(std::move(error));
  return !failed;
}

} // namespace

TEST(OpenMatrices, TellsWhatIsOpen) {
  OpenMatrices open = model();
  ASSERT_EQ(open.items().size(), 8u); // not the router, nor integers with scales of rows
  EXPECT_EQ(open.items().back().matrices, (std::vector<size_t>{7, 8})) << "one weight, one format";
  EXPECT_EQ(open.items().front().formats,
            (std::vector<Format>{Format::Q8, Format::Q6, Format::Q5, Format::Q4, Format::Q3, Format::Q2}));
  EXPECT_NE(open.items()[0].shape, open.items()[1].shape);
  EXPECT_EQ(open.items()[0].shape, open.items()[2].shape);
}

TEST(OpenMatrices, CountsBytes) {
  OpenMatrices open = model();
  MatrixFormats q4 = all(open, Format::Q4);
  int64_t bytes = 0;
  for (size_t i = 0; i < q4.size(); ++i) {
    const PackedMatrix &m = open.matrices()[i];
    bytes += roundUp(packedBytes(q4[i], m.layout, 1, m.rows, m.cols, 1), 64);
  }
  EXPECT_EQ(open.bytes(q4), bytes);
  // Two tables are read by row: 100 and 96 rows of 18 bytes.
  EXPECT_EQ(open.bytes(q4) - open.resident(q4), roundUp(100 * 18, 64) + roundUp(96 * 18, 64));
  EXPECT_EQ(open.choices(q4).size(), 8u);
  EXPECT_EQ(open.choices(q4)["head"], Format::Q4);
  EXPECT_EQ(open.choices(q4).count("router"), 0u);
}

// Integers of the checkpoint with scales of groups may get fewer bits, never more.
TEST(OpenMatrices, StoredIntegersGetNoWider) {
  llvm::StringMap<std::string> parts;
  parts["w"] = "MLP in";
  OpenMatrices open({matrix("w", 32, 32, Layout::Panels, Format::Q4)}, parts);
  EXPECT_EQ(open.items().front().formats, (std::vector<Format>{Format::Q4, Format::Q3, Format::Q2}));
}

TEST(FormatSearch, LeastDivergenceKeepsTheBudget) {
  OpenMatrices open = model();
  FakeProgram program{open};
  FormatMeter meter = program.meter();
  FormatSearch search(open, meter);
  MatrixFormats q4 = all(open, Format::Q4);
  ASSERT_TRUE(succeeds(search.learn()));
  ASSERT_TRUE(succeeds(search.tryMix("q4", q4)));
  llvm::Expected<FormatMix> mix = search.leastDivergence({.bytes = open.bytes(q4), .resident = open.resident(q4)});
  ASSERT_TRUE(static_cast<bool>(mix));
  EXPECT_TRUE(mix->fits);
  EXPECT_LE(open.bytes(mix->formats), open.bytes(q4));
  EXPECT_LE(open.resident(mix->formats), open.resident(q4));
  EXPECT_LT(mix->measured->divergence, program.divergence(q4));
  EXPECT_NEAR(mix->predicted, mix->measured->divergence, 1e-6) << "divergences add up";
  ASSERT_EQ(search.trials().size(), 2u);
  EXPECT_EQ(search.trials()[1].bytes, open.bytes(q4));
}

// A mix that was measured to be better is taken, whatever was predicted.
TEST(FormatSearch, NeverWorseThanWhatWasMeasured) {
  OpenMatrices open = model();
  FakeProgram program{open};
  FormatMeter meter = program.meter();
  MatrixFormats q4 = all(open, Format::Q4);
  auto honest = meter.measure;
  meter.measure = [&](const MatrixFormats &formats) -> llvm::Expected<ProgramQuality> {
    return formats == q4 ? ProgramQuality{0.000001, 1, 100} : honest(formats);
  };
  FormatSearch search(open, meter);
  ASSERT_TRUE(succeeds(search.learn()));
  ASSERT_TRUE(succeeds(search.tryMix("q4", q4)));
  llvm::Expected<FormatMix> mix = search.leastDivergence({.bytes = open.bytes(q4)});
  ASSERT_TRUE(static_cast<bool>(mix));
  EXPECT_EQ(mix->formats, q4);
}

// Predictions that are wrong by a power are corrected by what was measured: the limit holds and little is given away.
TEST(FormatSearch, FewestBytesKeepsTheMeasuredLimit) {
  for (double surprise : {0.8, 1.0, 1.2}) {
    OpenMatrices open = model();
    FakeProgram program{open, surprise};
    FormatMeter meter = program.meter();
    FormatSearch search(open, meter);
    ASSERT_TRUE(succeeds(search.learn()));
    double limit = program.divergence(all(open, Format::Q3));
    llvm::Expected<FormatMix> mix = search.fewestBytes(limit);
    ASSERT_TRUE(static_cast<bool>(mix));
    EXPECT_TRUE(mix->fits);
    EXPECT_LE(mix->measured->divergence, limit);
    EXPECT_LE(open.bytes(mix->formats), open.bytes(all(open, Format::Q3)) * 1.03) << surprise;
  }
}

TEST(FormatSearch, TellsWhenNothingFits) {
  OpenMatrices open = model();
  FakeProgram program{open};
  FormatMeter meter = program.meter();
  FormatSearch search(open, meter);
  ASSERT_TRUE(succeeds(search.learn()));
  llvm::Expected<FormatMix> mix = search.leastDivergence({.bytes = 100});
  ASSERT_TRUE(static_cast<bool>(mix));
  EXPECT_FALSE(mix->fits);
  mix = search.fewestBytes(1e-9);
  ASSERT_TRUE(static_cast<bool>(mix));
  EXPECT_FALSE(mix->fits);
  EXPECT_EQ(mix->formats, open.widest());
}

TEST(FormatSearch, FailuresOfTheMeterAreHandedOn) {
  OpenMatrices open = model();
  FakeProgram program{open};
  FormatMeter meter = program.meter();
  meter.loss = [](const PackedMatrix &, llvm::ArrayRef<Format>) -> llvm::Expected<std::vector<double>> {
    return llvm::createStringError("no such file");
  };
  FormatSearch search(open, meter);
  EXPECT_FALSE(succeeds(search.learn()));
}
