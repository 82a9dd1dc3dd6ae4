#include "text/AddedTokens.h"

#include <algorithm>

namespace gemmac::runtime {

void AddedTokens::open(std::span<const gemmac_token_added> sorted, std::string_view spellings,
                       std::string_view spaceText) {
  list = sorted;
  texts = spellings;
  space = spaceText;
  ranges = {};
  for (uint32_t i = 0; i < list.size(); ++i) {
    if (spelling(i).empty())
      continue;
    Range &range = ranges[static_cast<uint8_t>(spelling(i).front())];
    if (range.end != i || range.begin == range.end)
      range = {i, i, spelling(i).size()};
    range.end = i + 1;
    const std::string_view first = spelling(range.begin), other = spelling(i);
    const size_t comparable = std::min({range.common, first.size(), other.size()});
    range.common = static_cast<size_t>(
        std::mismatch(first.begin(), first.begin() + static_cast<ptrdiff_t>(comparable), other.begin()).first -
        first.begin());
  }
  if (!space.empty())
    ranges[' '] = ranges[static_cast<uint8_t>(space.front())];
}

std::string_view AddedTokens::spelling(uint32_t index) const {
  const uint32_t begin = index ? list[index - 1].end : 0, end = list[index].end;
  return begin < end && end <= texts.size() ? texts.substr(begin, end - begin) : std::string_view();
}

AddedTokens::Range AddedTokens::narrow(Range range, size_t place, char byte) const {
  auto byteOf = [&](uint32_t index) {
    const std::string_view text = spelling(index);
    return place < text.size() ? static_cast<uint8_t>(text[place]) : -1;
  };
  if (place < range.common)
    return byteOf(range.begin) == static_cast<uint8_t>(byte) ? range : Range();
  auto firstNotBelow = [&](int wanted) {
    uint32_t low = range.begin, high = range.end;
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (byteOf(middle) < wanted)
        low = middle + 1;
      else
        high = middle;
    }
    return low;
  };
  const int wanted = static_cast<uint8_t>(byte);
  const uint32_t begin = firstNotBelow(wanted);
  return {begin, std::max(begin, firstNotBelow(wanted + 1)), 0};
}

} // namespace gemmac::runtime
