#include "compiler/import/MergeTable.h"

#include <algorithm>
#include <numeric>

using namespace gemmac;

const gemmac_token_merge *MergeTable::find(uint32_t left, uint32_t right) const {
  if (pilots.empty())
    return nullptr;
  const uint64_t hash = gemmac_merge_hash(left, right);
  const uint32_t pilot = pilots[gemmac_merge_bucket(hash, static_cast<uint32_t>(pilots.size()))];
  const gemmac_token_merge &slot = slots[gemmac_merge_slot(hash, pilot, static_cast<uint32_t>(slots.size()))];
  return slot.left == left && slot.right == right ? &slot : nullptr;
}

static uint64_t hashOf(const gemmac_token_merge &merge) { return gemmac_merge_hash(merge.left, merge.right); }

/// The merges of one bucket into slots that are free and differ. \returns whether `pilot` does it.
static bool place(std::span<const gemmac_token_merge *const> bucket, uint32_t pilot, MergeTable &table) {
  const auto slots = static_cast<uint32_t>(table.slots.size());
  for (size_t i = 0; i < bucket.size(); ++i) {
    gemmac_token_merge &slot = table.slots[gemmac_merge_slot(hashOf(*bucket[i]), pilot, slots)];
    if (slot.left == GEMMAC_NO_TOKEN) {
      slot = *bucket[i];
      continue;
    }
    while (i-- > 0) // give back what this try has taken
      table.slots[gemmac_merge_slot(hashOf(*bucket[i]), pilot, slots)].left = GEMMAC_NO_TOKEN;
    return false;
  }
  return true;
}

/// \returns whether every bucket found a pilot.
static bool fill(std::span<const std::vector<const gemmac_token_merge *>> buckets, MergeTable &table) {
  std::vector<uint32_t> order(buckets.size());
  std::iota(order.begin(), order.end(), 0);
  // The fullest first, while most slots are free.
  std::sort(order.begin(), order.end(), [&](uint32_t a, uint32_t b) {
    return buckets[a].size() != buckets[b].size() ? buckets[a].size() > buckets[b].size() : a < b;
  });
  for (uint32_t index : order) {
    uint32_t pilot = 0;
    while (pilot <= UINT16_MAX && !place(buckets[index], pilot, table))
      ++pilot;
    if (pilot > UINT16_MAX)
      return false;
    table.pilots[index] = static_cast<uint16_t>(pilot);
  }
  return true;
}

MergeTable gemmac::buildMergeTable(std::span<const gemmac_token_merge> merges) {
  constexpr size_t mergesPerBucket = 4;
  MergeTable table;
  if (merges.empty())
    return table;
  table.pilots.resize(merges.size() / mergesPerBucket + 1);
  std::vector<std::vector<const gemmac_token_merge *>> buckets(table.pilots.size());
  for (const gemmac_token_merge &merge : merges)
    buckets[gemmac_merge_bucket(hashOf(merge), static_cast<uint32_t>(buckets.size()))].push_back(&merge);
  // More room when a bucket finds no pilot; with twice the room every one does, as hashes of distinct pairs differ.
  for (size_t slots = merges.size() * 20 / 19 + 1;; slots += slots / 16 + 1) {
    table.slots.assign(slots, {GEMMAC_NO_TOKEN, GEMMAC_NO_TOKEN, 0, 0});
    if (fill(buckets, table))
      return table;
  }
}
