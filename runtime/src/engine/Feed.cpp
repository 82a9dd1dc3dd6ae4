#include "engine/Feed.h"

#include <algorithm>
#include <bit>

namespace gemmac::runtime {

/// The finalizer of splitmix64.
static uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
  return x ^ (x >> 31);
}

std::vector<int32_t> SoftRows::ids() const {
  uint64_t hash = static_cast<uint64_t>(width) * 2 + block;
  for (float value : values)
    hash = mix(hash + 0x9e3779b97f4a7c15u) ^ std::bit_cast<uint32_t>(value);
  std::vector<int32_t> result;
  for (size_t i = 0; i < count(); ++i)
    result.push_back(-1 - static_cast<int32_t>(mix(hash + i) & 0x7fffffffu));
  return result;
}

void SoftPrompt::append(std::shared_ptr<const SoftRows> rows) {
  const std::vector<int32_t> ids = rows->ids();
  parts.push_back({tokens.size(), std::move(rows)});
  tokens.insert(tokens.end(), ids.begin(), ids.end());
}

std::span<const float> Feed::row(size_t index) const {
  const size_t at = before + index;
  for (const SoftPart &part : parts)
    if (at >= part.at && at < part.end())
      return part.rows->row(at - part.at);
  return {};
}

Feed::Piece Feed::piece(size_t from, size_t most) const {
  const size_t at = before + from;
  size_t end = before + size();
  for (const SoftPart &part : parts) {
    if (!part.rows->block || part.end() <= at)
      continue;
    if (part.at <= at)
      return {std::min(end, part.end()) - at, true};
    end = std::min(end, part.at);
    break;
  }
  return {std::min(end - at, most), false};
}

size_t Feed::wholeBlocks(size_t count) const {
  const size_t at = before + count;
  for (const SoftPart &part : parts)
    if (part.rows->block && part.at < at && at < part.end())
      return part.at > before ? part.at - before : 0;
  return count;
}

} // namespace gemmac::runtime
