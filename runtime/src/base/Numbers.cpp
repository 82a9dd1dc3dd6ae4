#include "base/Numbers.h"

#include "base/Text.h"

#include <charconv>
#include <cstdlib>
#include <string_view>
#include <system_error>

namespace gemmac::runtime {

// Quoted for a message; what nobody typed as a number may be long.
static std::string quoted(const std::string &text) {
  constexpr size_t most = 40;
  return "'" + (text.size() > most ? text.substr(0, most) + "..." : text) + "'";
}

template <typename Number> static std::errc parse(std::string_view text, Number &value) {
  auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error != std::errc() ? error : rest != text.data() + text.size() ? std::errc::invalid_argument : std::errc();
}

static std::string expected(int64_t low, int64_t high) {
  if (high != unlimited)
    return format("a whole number from %lld to %lld", static_cast<long long>(low), static_cast<long long>(high));
  return low == 1 ? std::string("a whole number above 0")
                  : format("a whole number of at least %lld", static_cast<long long>(low));
}

std::string wholeNumberProblem(const std::string &text, int64_t low, int64_t high) {
  int64_t value = 0;
  const std::errc error = parse(text, value);
  if (error == std::errc() && value >= low && value <= high)
    return {};
  if (error == std::errc::result_out_of_range && text.front() != '-' && high == unlimited)
    return quoted(text) + " is too large";
  return quoted(text) + " is not " + expected(low, high);
}

std::string numberProblem(const std::string &text, double low, double high) {
  char *end = nullptr;
  const double value = std::strtod(text.c_str(), &end);
  if (!text.empty() && end == text.c_str() + text.size() && value >= low && value <= high) // false for NaN
    return {};
  return quoted(text) + format(" is not a number from %g to %g", low, high);
}

std::string seedProblem(const std::string &text) {
  uint64_t value = 0;
  int64_t negative = 0;
  const bool signs = text.starts_with('-');
  const std::errc error = signs ? parse(text, negative) : parse(text, value);
  if (error == std::errc())
    return {};
  if (error == std::errc::result_out_of_range && !signs)
    return quoted(text) + " is too large; the largest seed is 18446744073709551615";
  return quoted(text) + " is no seed: a whole number, or -1 for a new one each time";
}

std::optional<uint64_t> seedOf(const std::string &text) {
  uint64_t value = 0;
  return parse(text, value) == std::errc() ? std::optional(value) : std::nullopt;
}

} // namespace gemmac::runtime
