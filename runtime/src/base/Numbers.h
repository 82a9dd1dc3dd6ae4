// Numbers on the command line: what is wrong with one, as a person would say it.
#ifndef GEMMAC_RUNTIME_NUMBERS_H
#define GEMMAC_RUNTIME_NUMBERS_H

#include <cstdint>
#include <limits>
#include <optional>
#include <string>

namespace gemmac::runtime {

inline constexpr int64_t unlimited = std::numeric_limits<int64_t>::max();

/// \returns empty for a whole number in decimal digits from `low` to `high`, else what is wrong:
///          "'0' is not a whole number above 0".
std::string wholeNumberProblem(const std::string &text, int64_t low, int64_t high = unlimited);

/// The same for any number; infinities and NaN are none.
std::string numberProblem(const std::string &text, double low, double high);

/// The same for a seed: any whole number below 2^64, negative ones included.
std::string seedProblem(const std::string &text);

/// \param text empty, or one without a seedProblem().
/// \returns nothing for an empty text and for negative numbers, which stand for a new seed.
std::optional<uint64_t> seedOf(const std::string &text);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_NUMBERS_H
