// Tensors in a temporary directory, for tests that pack them.
#ifndef GEMMAC_TESTS_UNIT_ARTIFACT_TESTCHECKPOINT_H
#define GEMMAC_TESTS_UNIT_ARTIFACT_TESTCHECKPOINT_H

#include "compiler/artifact/HalfFloat.h"
#include "compiler/artifact/PackedMatrix.h"

#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <random>

namespace gemmac {

/// A directory that is removed with the object.
class TestDirectory {
public:
  TestDirectory() {
    std::string pattern = testing::TempDir() + "gemmac-XXXXXX";
    directory = ::mkdtemp(pattern.data());
  }
  ~TestDirectory() { std::filesystem::remove_all(directory); }
  const std::string &path() const { return directory; }
  size_t entries() const {
    return std::distance(std::filesystem::directory_iterator(directory), std::filesystem::directory_iterator());
  }

private:
  std::string directory;
};

/// Appends tensors to a file and remembers their values as stored.
class TestTensors {
public:
  explicit TestTensors(std::string directory, std::string file = "model.safetensors")
      : directory(std::move(directory)), file(std::move(file)) {
    std::ofstream(this->directory + "/" + this->file, std::ios::binary) << "header";
  }

  PackSource add(const std::string &name, Encoding encoding, int64_t batch, int64_t rows, int64_t cols,
                 float spread = 1.0f) {
    std::normal_distribution<float> normal(0.0f, spread);
    std::vector<float> values(batch * rows * cols);
    for (float &value : values)
      value = normal(random);
    return add(name, encoding, batch, rows, cols, values);
  }

  PackSource add(const std::string &name, Encoding encoding, int64_t batch, int64_t rows, int64_t cols,
                 std::vector<float> values) {
    PackSource source{name, file, size(), encoding, batch, rows, cols};
    std::ofstream out(directory + "/" + file, std::ios::binary | std::ios::app);
    for (float &value : values) {
      uint16_t half = encoding == Encoding::F16 ? floatToHalf(value) : static_cast<uint16_t>(floatToBits(value) >> 16);
      if (encoding == Encoding::F32)
        out.write(reinterpret_cast<const char *>(&value), 4);
      else
        out.write(reinterpret_cast<const char *>(&half), 2);
      if (encoding != Encoding::F32)
        value = encoding == Encoding::F16 ? halfToFloat(half) : bitsToFloat(static_cast<uint32_t>(half) << 16);
    }
    stored[name] = std::move(values);
    return source;
  }

  /// A tensor whose bytes are given; its values are not remembered.
  PackSource addBytes(const std::string &name, Encoding encoding, int64_t batch, int64_t rows, int64_t cols,
                      const std::vector<uint8_t> &bytes) {
    PackSource source{name, file, size(), encoding, batch, rows, cols};
    std::ofstream out(directory + "/" + file, std::ios::binary | std::ios::app);
    out.write(reinterpret_cast<const char *>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    return source;
  }

  const std::vector<float> &values(const std::string &name) const { return stored.at(name); }
  uint64_t size() const { return std::filesystem::file_size(directory + "/" + file); }
  std::string path() const { return directory + "/" + file; }

private:
  std::string directory, file;
  std::mt19937 random{7};
  std::map<std::string, std::vector<float>> stored;
};

/// Fills in rows, cols and bytes as the planner does.
inline PackedMatrix plannedMatrix(PackedMatrix matrix, uint64_t offset = 0) {
  matrix.batch = matrix.sources[0].batch;
  matrix.cols = matrix.colAxis.extent(matrix.sources[0].cols);
  matrix.rows = 0;
  if (matrix.layout != Layout::Vector)
    for (const PackPart &part : matrix.parts())
      matrix.rows += part.paddedRows;
  matrix.bytes =
      packedBytes(matrix.format, matrix.layout, matrix.batch, matrix.rows, matrix.cols, matrix.scaleBlocks());
  matrix.offset = offset;
  return matrix;
}

} // namespace gemmac

#endif // GEMMAC_TESTS_UNIT_ARTIFACT_TESTCHECKPOINT_H
