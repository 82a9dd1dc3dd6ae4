#include "compiler/import/ReachableMerges.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <queue>

using namespace gemmac;
using llvm::StringRef;

static uint64_t keyOf(uint32_t left, uint32_t right) { return uint64_t(left) << 32 | right; }

namespace {

class Reduction {
public:
  Reduction(const Vocabulary &vocabulary, llvm::ArrayRef<gemmac_token_char> characters)
      : vocabulary(vocabulary), characters(characters) {
    // A pair listed twice counts where it stands last, as in the reference.
    for (auto [index, merge] : llvm::enumerate(vocabulary.merges))
      byPair[keyOf(merge.left, merge.right)] = static_cast<uint32_t>(index);
  }

  ReachableMerges run();

private:
  bool textsTellAll() const;
  std::optional<uint32_t> characterOf(StringRef &text) const;
  bool readBaseTokens(StringRef text);
  void consider(int32_t at);
  std::optional<uint32_t> lastMerge();
  void keep(uint32_t index, ReachableMerges &result) const;
  void setJoins(const llvm::DenseSet<uint64_t> &pairs, ReachableMerges &result) const;

  struct Symbol {
    uint32_t id;
    int32_t previous, next; // -1 at the ends
  };
  struct Candidate {
    uint32_t rank, at, left, right, index;
    bool operator<(const Candidate &other) const { // the top of a priority_queue is the best
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };

  const Vocabulary &vocabulary;
  llvm::ArrayRef<gemmac_token_char> characters;
  llvm::DenseMap<uint64_t, uint32_t> byPair; // index of a merge
  std::vector<Symbol> symbols;
  std::priority_queue<Candidate> candidates;
};

} // namespace

static bool isByte(const std::optional<std::string> &text) {
  return text && text->size() == 6 && StringRef(*text).starts_with("<0x");
}

bool Reduction::textsTellAll() const {
  return llvm::none_of(vocabulary.merges, [&](const Merge &merge) {
    return merge.left == vocabulary.unknown || merge.right == vocabulary.unknown ||
           isByte(vocabulary.texts[merge.left]) || isByte(vocabulary.texts[merge.right]);
  });
}

/// Takes one character off `text`. \returns its token.
std::optional<uint32_t> Reduction::characterOf(StringRef &text) const {
  auto first = static_cast<unsigned char>(text[0]);
  const size_t length = std::min<size_t>(first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4, text.size());
  uint32_t codePoint = length == 1 ? first : first & (0x7f >> length);
  for (char c : text.take_front(length).drop_front())
    codePoint = codePoint << 6 | (static_cast<unsigned char>(c) & 0x3f);
  text = text.drop_front(length);
  auto found = llvm::lower_bound(characters, codePoint,
                                 [](const gemmac_token_char &one, uint32_t c) { return one.code_point < c; });
  if (found == characters.end() || found->code_point != codePoint)
    return std::nullopt;
  return found->id;
}

/// \returns whether each character of `text` has a token.
bool Reduction::readBaseTokens(StringRef text) {
  symbols.clear();
  while (!text.empty()) {
    std::optional<uint32_t> id = characterOf(text);
    if (!id)
      return false;
    const auto index = static_cast<int32_t>(symbols.size());
    symbols.push_back({*id, index - 1, text.empty() ? -1 : index + 1});
  }
  return true;
}

void Reduction::consider(int32_t at) {
  if (at < 0 || symbols[at].next < 0)
    return;
  const uint32_t left = symbols[at].id, right = symbols[symbols[at].next].id;
  if (auto found = byPair.find(keyOf(left, right)); found != byPair.end())
    candidates.push({vocabulary.merges[found->second].rank, static_cast<uint32_t>(at), left, right, found->second});
}

/// Encodes the base tokens. \returns the merge that leaves a single token; none when several are left.
std::optional<uint32_t> Reduction::lastMerge() {
  size_t left = symbols.size();
  std::optional<uint32_t> last;
  for (size_t at = 0; at < symbols.size(); ++at)
    consider(static_cast<int32_t>(at));
  while (!candidates.empty()) {
    const Candidate best = candidates.top();
    candidates.pop();
    Symbol &first = symbols[best.at];
    if (first.id != best.left || first.next < 0 || symbols[first.next].id != best.right)
      continue;
    Symbol &second = symbols[first.next];
    first.id = vocabulary.merges[best.index].merged;
    second.id = GEMMAC_NO_TOKEN;
    first.next = second.next;
    if (second.next >= 0)
      symbols[second.next].previous = static_cast<int32_t>(best.at);
    last = best.index;
    --left;
    consider(first.previous);
    consider(static_cast<int32_t>(best.at));
  }
  return left == 1 ? last : std::nullopt;
}

void Reduction::keep(uint32_t index, ReachableMerges &result) const {
  const Merge &merge = vocabulary.merges[index];
  result.merges.push_back({merge.left, merge.right, merge.rank, merge.merged});
}

void Reduction::setJoins(const llvm::DenseSet<uint64_t> &pairs, ReachableMerges &result) const {
  // At most one bit in eight is set, so that few cuts are missed.
  result.joinsLog2 = std::max(6u, llvm::Log2_64_Ceil(pairs.size() * 8 + 1));
  result.joins.resize(size_t(1) << (result.joinsLog2 - 6));
  for (uint64_t pair : pairs) {
    const uint64_t bit =
        gemmac_join_bit(static_cast<uint32_t>(pair >> 32), static_cast<uint32_t>(pair), result.joinsLog2);
    result.joins[bit / 64] |= uint64_t(1) << bit % 64;
  }
}

ReachableMerges Reduction::run() {
  ReachableMerges result;
  if (!textsTellAll()) {
    for (auto [index, merge] : llvm::enumerate(vocabulary.merges))
      if (byPair.lookup(keyOf(merge.left, merge.right)) == index)
        keep(static_cast<uint32_t>(index), result);
    return result;
  }
  llvm::DenseSet<uint64_t> neighbours;
  std::vector<bool> made(vocabulary.size);
  std::vector<uint32_t> kept;
  for (const Merge &merge : vocabulary.merges) {
    if (made[merge.merged])
      continue;
    made[merge.merged] = true;
    if (!readBaseTokens(*vocabulary.texts[merge.merged]))
      continue;
    std::vector<uint32_t> base;
    for (const Symbol &symbol : symbols)
      base.push_back(symbol.id);
    std::optional<uint32_t> last = lastMerge();
    if (!last || vocabulary.merges[*last].merged != merge.merged)
      continue;
    kept.push_back(*last);
    for (size_t i = 1; i < base.size(); ++i)
      neighbours.insert(keyOf(base[i - 1], base[i]));
  }
  llvm::sort(kept);
  for (uint32_t index : kept)
    keep(index, result);
  setJoins(neighbours, result);
  return result;
}

ReachableMerges gemmac::findReachableMerges(const Vocabulary &vocabulary,
                                            llvm::ArrayRef<gemmac_token_char> characters) {
  return Reduction(vocabulary, characters).run();
}
