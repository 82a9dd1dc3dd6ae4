// Files of numbers as NumPy reads them.
#ifndef GEMMAC_RUNTIME_NPY_H
#define GEMMAC_RUNTIME_NPY_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace gemmac::runtime {

/// What comes before the numbers, f32 [rows, columns], in an npy file of format 1.0: padded so that they begin at a
/// multiple of 64.
std::string npyHeader(size_t rows, int64_t columns);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_NPY_H
