// Soft tokens of pictures and sounds that were seen, so that none is encoded twice.
#ifndef GEMMAC_RUNTIME_SOFTROWSCACHE_H
#define GEMMAC_RUNTIME_SOFTROWSCACHE_H

#include "engine/Feed.h"
#include "gemmac/program.h"

#include <array>
#include <list>
#include <span>

namespace gemmac::runtime {

/// What soft tokens depend on: the tower, the size at which it saw the picture, and what was seen.
struct MediaKey {
  const gemmac_function *function = nullptr;
  std::array<int64_t, 4> shape = {};    ///< width and height of a picture, columns and rows of patches; rate of a sound
  std::array<uint64_t, 2> content = {}; ///< 128 bits of a hash of all pixels or samples (XXH3)

  bool operator==(const MediaKey &) const = default;
};

/// \param content  of a picture or a sound, all of it.
std::array<uint64_t, 2> hashOf(std::span<const uint8_t> content);

/// Keeps rows up to a bound: those used last, as far as they fit. Rows that others hold, such as a conversation that
/// they are part of, are found even when they are no longer kept; of the bound, the cache keeps what these leave. One
/// thread at a time.
class SoftRowsCache {
public:
  /// \param mostRows  of others and its own together, beyond which it keeps none alive by itself.
  explicit SoftRowsCache(size_t mostRows) : mostRows(mostRows) {}

  /// \returns null where they are not known.
  std::shared_ptr<const SoftRows> find(const MediaKey &key);
  /// `key` is not known yet.
  void add(const MediaKey &key, std::shared_ptr<const SoftRows> rows);
  void clear() { entries.clear(); }
  /// Rows that it keeps alive, whoever else does.
  size_t heldRows() const;
  /// Rows that others keep alive.
  size_t usedRows() const;
  /// Lets go of what is in the way of so many rows that are about to be made.
  void makeRoom(size_t count) { dropOld(count); }

private:
  struct Entry {
    MediaKey key;
    std::weak_ptr<const SoftRows> rows;
    std::shared_ptr<const SoftRows> held; // null: only others may keep them alive

    bool used() const { return rows.use_count() > (held ? 1 : 0); }
  };
  void dropOld(size_t coming = 0);

  const size_t mostRows;
  std::list<Entry> entries; // the one used last comes first
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SOFTROWSCACHE_H
