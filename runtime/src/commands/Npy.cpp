#include "commands/Npy.h"

#include "base/Text.h"

#include <bit>

namespace gemmac::runtime {

static_assert(std::endian::native == std::endian::little, "npy files are written as the machine stores numbers");

std::string npyHeader(size_t rows, int64_t columns) {
  std::string dictionary =
      format("{'descr': '<f4', 'fortran_order': False, 'shape': (%zu, %lld), }", rows, static_cast<long long>(columns));
  constexpr size_t prefix = 10;
  dictionary.append(63 - (prefix + dictionary.size()) % 64, ' ');
  dictionary += '\n';
  std::string header("\x93NUMPY\x01\x00", 8);
  header += static_cast<char>(dictionary.size() & 0xff);
  header += static_cast<char>(dictionary.size() >> 8);
  return header + dictionary;
}

} // namespace gemmac::runtime
