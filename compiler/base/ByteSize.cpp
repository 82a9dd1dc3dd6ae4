#include "compiler/base/ByteSize.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace gemmac {

std::string formatBytes(uint64_t bytes) {
  static constexpr const char *units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
  double value = static_cast<double>(bytes);
  unsigned unit = 0;
  for (; value >= 999.5 && unit < 4; ++unit)
    value /= 1024;
  const char *format = unit == 0 || value >= 99.95 ? "{0:F0} {1}" : value >= 9.995 ? "{0:F1} {1}" : "{0:F2} {1}";
  return llvm::formatv(format, value, units[unit]).str();
}

std::string bothUnits(uint64_t bytes) { return llvm::formatv("{0} ({1} bytes)", formatBytes(bytes), bytes); }

std::optional<uint64_t> parseBytes(llvm::StringRef text) {
  static constexpr std::pair<const char *, double> units[] = {
      {"", 1},     {"b", 1},    {"k", 1e3},   {"kb", 1e3},     {"m", 1e6},      {"mb", 1e6},     {"g", 1e9},
      {"gb", 1e9}, {"t", 1e12}, {"tb", 1e12}, {"kib", 1024.0}, {"mib", 0x1p20}, {"gib", 0x1p30}, {"tib", 0x1p40}};
  text = text.trim();
  llvm::StringRef number = text.take_while([](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  std::string unit = text.drop_front(number.size()).ltrim().lower();
  auto *found = llvm::find_if(units, [&](auto &known) { return unit == known.first; });
  double value = 0;
  if (found == std::end(units) || number.getAsDouble(value))
    return std::nullopt;
  value *= found->second;
  if (!(value >= 1) || value > 0x1p62)
    return std::nullopt;
  return static_cast<uint64_t>(value);
}

} // namespace gemmac
