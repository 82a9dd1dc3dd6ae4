#include "encode/SoftRowsCache.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <algorithm>

namespace gemmac::runtime {

std::array<uint64_t, 2> hashOf(std::span<const uint8_t> content) {
  const XXH128_hash_t hash = XXH3_128bits(content.data(), content.size());
  return {hash.low64, hash.high64};
}

std::shared_ptr<const SoftRows> SoftRowsCache::find(const MediaKey &key) {
  const auto found = std::ranges::find(entries, key, &Entry::key);
  if (found == entries.end())
    return nullptr;
  std::shared_ptr<const SoftRows> rows = found->rows.lock();
  entries.splice(entries.begin(), entries, found);
  entries.front().held = rows;
  dropOld();
  return rows;
}

void SoftRowsCache::add(const MediaKey &key, std::shared_ptr<const SoftRows> rows) {
  entries.push_front({key, rows, rows});
  dropOld();
}

/// Lets go of what goes beyond the bound, and forgets what nobody holds.
void SoftRowsCache::dropOld(size_t coming) {
  size_t held = 0, all = usedRows() + coming;
  for (Entry &entry : entries) {
    const size_t count = entry.held ? entry.held->count() : 0, more = entry.used() ? 0 : count;
    if (held + count > mostRows || (more > 0 && all + more > mostRows)) {
      entry.held.reset();
      continue;
    }
    held += count;
    all += more;
  }
  entries.remove_if([](const Entry &entry) { return entry.rows.expired(); });
}

size_t SoftRowsCache::usedRows() const {
  size_t rows = 0;
  for (const Entry &entry : entries)
    if (const std::shared_ptr<const SoftRows> used = entry.used() ? entry.rows.lock() : nullptr)
      rows += used->count();
  return rows;
}

size_t SoftRowsCache::heldRows() const {
  size_t rows = 0;
  for (const Entry &entry : entries)
    rows += entry.held ? entry.held->count() : 0;
  return rows;
}

} // namespace gemmac::runtime
