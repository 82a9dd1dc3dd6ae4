#include "text/BytePairs.h"

#include <algorithm>

namespace gemmac::runtime {

// Up to here looking at all pairs for each merge is quicker than keeping them in order.
static constexpr size_t shortPiece = 48;

namespace {
struct Symbol {
  uint32_t id;
  int32_t previous, next; // -1 at the ends
};
struct Candidate {
  uint32_t rank, at, left, right, merged;
  /// The top of a heap is the best: lowest rank, leftmost.
  bool operator<(const Candidate &other) const { return rank != other.rank ? rank > other.rank : at > other.at; }
};
} // namespace

void BytePairs::encode(std::span<uint32_t> piece, std::vector<int32_t> &ids) const {
  if (piece.size() <= shortPiece)
    return encodeShort(piece, ids);
  encodeLong(piece, ids);
}

void BytePairs::encodeShort(std::span<uint32_t> piece, std::vector<int32_t> &ids) const {
  const gemmac_token_merge *found[shortPiece]; // of the pair that begins here
  size_t count = piece.size();
  for (size_t i = 0; i + 1 < count; ++i)
    found[i] = find(piece[i], piece[i + 1]);
  while (count > 1) {
    const gemmac_token_merge *best = nullptr;
    size_t place = 0;
    for (size_t i = 0; i + 1 < count; ++i)
      if (found[i] && (!best || found[i]->rank < best->rank)) {
        best = found[i];
        place = i;
      }
    if (!best)
      break;
    piece[place] = best->merged;
    for (size_t i = place + 1; i + 1 < count; ++i) {
      piece[i] = piece[i + 1];
      found[i] = found[i + 1];
    }
    --count;
    if (place > 0)
      found[place - 1] = find(piece[place - 1], piece[place]);
    if (place + 1 < count)
      found[place] = find(piece[place], piece[place + 1]);
  }
  ids.insert(ids.end(), piece.begin(), piece.begin() + static_cast<ptrdiff_t>(count));
}

// Every mergeable pair waits in a heap; a merge makes at most two new pairs. An entry whose symbols have changed since
// is skipped when it comes up: O(n log n), and the order is that of always scanning for the best pair.
void BytePairs::encodeLong(std::span<const uint32_t> piece, std::vector<int32_t> &ids) const {
  const auto count = static_cast<int32_t>(piece.size());
  std::vector<Symbol> symbols;
  symbols.reserve(piece.size());
  for (int32_t i = 0; i < count; ++i)
    symbols.push_back({piece[static_cast<size_t>(i)], i - 1, i + 1 < count ? i + 1 : -1});
  std::vector<Candidate> heap;
  auto at = [&](int32_t index) -> Symbol & { return symbols[static_cast<size_t>(index)]; };
  auto consider = [&](int32_t index) {
    if (index < 0 || at(index).next < 0)
      return false;
    const uint32_t left = at(index).id, right = at(at(index).next).id;
    const gemmac_token_merge *merge = find(left, right);
    if (merge)
      heap.push_back({merge->rank, static_cast<uint32_t>(index), left, right, merge->merged});
    return merge != nullptr;
  };
  for (int32_t i = 0; i < count; ++i)
    consider(i);
  std::make_heap(heap.begin(), heap.end());
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end());
    const Candidate best = heap.back();
    heap.pop_back();
    Symbol &left = at(static_cast<int32_t>(best.at));
    if (left.id != best.left || left.next < 0 || at(left.next).id != best.right)
      continue;
    Symbol &right = at(left.next);
    left.id = best.merged;
    right.id = GEMMAC_NO_TOKEN;
    left.next = right.next;
    if (right.next >= 0)
      at(right.next).previous = static_cast<int32_t>(best.at);
    for (int32_t changed : {left.previous, static_cast<int32_t>(best.at)})
      if (consider(changed))
        std::push_heap(heap.begin(), heap.end());
  }
  for (const Symbol &symbol : symbols)
    if (symbol.id != GEMMAC_NO_TOKEN)
      ids.push_back(static_cast<int32_t>(symbol.id));
}

} // namespace gemmac::runtime
