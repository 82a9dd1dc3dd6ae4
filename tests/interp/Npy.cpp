#include "tests/interp/Npy.h"

#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/MemoryBuffer.h"

#include <cstring>
#include <fstream>

namespace gemmac::interp {

/// What precedes the text of the header: magic, version, its length.
static constexpr size_t prefix = 10;

llvm::Error writeNpy(const std::string &path, llvm::ArrayRef<float> values, int64_t columns) {
  std::string header = llvm::formatv("{{'descr': '<f4', 'fortran_order': False, 'shape': ({0}, {1}), }",
                                     static_cast<int64_t>(values.size()) / columns, columns);
  header.append(63 - (prefix + header.size()) % 64, ' ');
  header += '\n';
  std::ofstream file(path, std::ios::binary);
  file.write("\x93NUMPY\x01\x00", 8).put(static_cast<char>(header.size() & 0xff));
  file.put(static_cast<char>(header.size() >> 8)) << header;
  file.write(reinterpret_cast<const char *>(values.data()),
             static_cast<std::streamsize>(values.size() * sizeof(float)));
  file.close();
  return file ? llvm::Error::success() : llvm::createStringError(path + ": error: cannot write the file");
}

namespace {
/// A file cut into what its header says and the numbers behind it.
struct Npy {
  llvm::StringRef header, numbers;

  bool says(llvm::StringRef words) const { return header.contains(words); }
  /// The numbers of its shape; empty where it is not one of two.
  std::vector<int64_t> shape() const;
};
} // namespace

std::vector<int64_t> Npy::shape() const {
  llvm::StringRef text = header.split("'shape': (").second.split(')').first;
  std::vector<int64_t> sizes;
  while (!text.empty()) {
    auto [size, rest] = text.split(',');
    int64_t number = 0;
    if (size.trim().getAsInteger(10, number) || number < 1)
      return {};
    sizes.push_back(number);
    text = rest.ltrim();
  }
  return sizes.size() == 2 ? sizes : std::vector<int64_t>();
}

static Npy cut(llvm::StringRef file) {
  if (!file.starts_with(llvm::StringRef("\x93NUMPY\x01\x00", 8)) || file.size() < prefix)
    return {};
  const size_t length = static_cast<uint8_t>(file[8]) + 256U * static_cast<uint8_t>(file[9]);
  return {file.substr(prefix, length), file.drop_front(std::min(file.size(), prefix + length))};
}

llvm::Expected<Rows> readNpy(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, /*IsText=*/false, /*RequiresNullTerminator=*/false);
  if (!file)
    return llvm::createStringError(path + ": error: cannot read: " + file.getError().message());
  const Npy npy = cut((*file)->getBuffer());
  const std::vector<int64_t> shape = npy.shape();
  const bool floats = npy.says("'<f4'");
  if (shape.empty() || !npy.says("'fortran_order': False") || (!floats && !npy.says("'<i4'")) ||
      npy.numbers.size() != 4 * static_cast<size_t>(shape[0] * shape[1]))
    return llvm::createStringError(path + ": error: is no npy file of rows of float32 or int32");
  Rows rows;
  rows.element = floats ? Element::F32 : Element::I32;
  rows.width = shape[1];
  const size_t count = npy.numbers.size() / 4;
  floats ? rows.values.resize(count) : rows.integers.resize(count);
  std::memcpy(floats ? static_cast<void *>(rows.values.data()) : rows.integers.data(), npy.numbers.data(),
              npy.numbers.size());
  return rows;
}

} // namespace gemmac::interp
