// "Attention" of docs/spec/numerics.md: splits of keys, each with a softmax of its own, merged in order.
#include "targets/interp/Numbers.h"
#include "targets/interp/Steps.h"
#include "targets/interp/Sums.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace gemmac::interp {

namespace {

/// What a split leaves of one head: its largest score, the sum of the powers, the weighted sum of values.
struct Part {
  float top = 0.0f, sum = 0.0f;
  std::vector<float> values;
};

/// Parts merged in order.
struct Merged {
  explicit Merged(int64_t padded) : values(static_cast<size_t>(padded), 0.0f) {}

  void add(const Part &part) {
    const float next = larger(largest, part.top);
    const float keep = power(largest - next), take = power(part.top - next);
    total = std::fma(total, keep, part.sum * take);
    for (size_t j = 0; j < values.size(); ++j)
      values[j] = std::fma(values[j], keep, part.values[j] * take);
    largest = next;
  }

  std::vector<float> result() const { return divided(values); }
  /// As an element of the layer.
  std::vector<float> result(const Cache &cache) const { return divided(cache.restore(values)); }

  std::vector<float> divided(std::vector<float> out) const {
    for (float &value : out)
      value = value * (1.0f / total);
    return out;
  }

  float largest = -1e30f, total = 0.0f;
  std::vector<float> values;
};

/// The positions of a split that a row sees, of all from `first` to `last`, inclusive.
struct Seen {
  int64_t first, last;
  Seen(int64_t split, int64_t first, int64_t last)
      : first(std::max(split * attentionSplit, first)),
        last(std::min(split * attentionSplit + attentionSplit - 1, last)) {}
};

/// One head of `padded` elements. \param score (p): that of a position; \param value (p): what it stored.
template <typename Score, typename Value> Part partOf(Seen seen, int64_t padded, Score score, Value value) {
  std::vector<float> powers;
  Part part{-5e29f, 0.0f, std::vector<float>(static_cast<size_t>(padded), 0.0f)};
  for (int64_t p = seen.first; p <= seen.last; ++p) {
    powers.push_back(score(p));
    part.top = larger(powers.back(), part.top);
  }
  Lanes a = {};
  for (int64_t p = seen.first; p <= seen.last; ++p) {
    float &e = powers[static_cast<size_t>(p - seen.first)];
    e = power(e - part.top);
    float &lane = a[static_cast<size_t>(p % 16)];
    lane = lane + e;
    const Stored v = value(p);
    for (size_t j = 0; j < part.values.size(); ++j)
      part.values[j] = std::fma(v.numbers[j], v.quantized() ? e * v.scales[j / 32] : e, part.values[j]);
  }
  part.sum = sumLanes(a);
  return part;
}

int64_t firstSplit(const Cache &cache, int64_t position) { return cache.firstSeen(position) / attentionSplit; }

/// A query head of one row, prepared for its cache.
struct QueryHead {
  template <typename Step>
  QueryHead(Step step, Frame &frame, int64_t row, int64_t head)
      : cache(frame.memory.cache(step.getCacheAttr())),
        keyHead(head / (static_cast<int64_t>(step.getHeads()) / cache.headCount())) {
    const auto width = static_cast<size_t>(cache.paddedHead());
    query = cache.prepare(frame[step.getQuery()].row(row).subspan(static_cast<size_t>(head) * width, width),
                          frame.memory.vector(step.getKeyNormAttr()));
  }
  Part part(int64_t split, int64_t position) const { return part(split, position, position); }
  /// \param end  the last position that it sees.
  Part part(int64_t split, int64_t position, int64_t end) const {
    return partOf(
        {split, cache.firstSeen(position), end}, cache.paddedHead(),
        [&](int64_t p) { return cache.score(query, p, keyHead); }, [&](int64_t p) { return cache.value(p, keyHead); });
  }

  const Cache &cache;
  int64_t keyHead;
  Cache::Query query;
};

/// Where attention_splits leaves what belongs to a head in a row of parts.
struct PartPlace {
  PartPlace(int64_t heads, int64_t head, int64_t padded)
      : values(static_cast<size_t>(head * padded)), top(static_cast<size_t>(heads * padded + head)),
        sum(static_cast<size_t>(heads * padded + (heads + 15) / 16 * 16 + head)) {}
  size_t values, top, sum;
};

} // namespace

void run(gemma::AttentionStep step, Frame &frame) {
  for (int64_t r = 0; r < frame.rows(); ++r)
    for (int64_t head = 0; head < static_cast<int64_t>(step.getHeads()); ++head) {
      const QueryHead query(step, frame, r, head);
      const int64_t position = frame.position(r), end = step.getBlocks() ? frame.position(frame.rows() - 1) : position;
      Merged merged(query.cache.paddedHead());
      for (int64_t split = firstSplit(query.cache, position); split <= end / attentionSplit; ++split)
        merged.add(query.part(split, position, end));
      const std::vector<float> out = merged.result(query.cache);
      std::copy(out.begin(), out.end(),
                frame[step.getResult()].row(r).begin() + head * static_cast<int64_t>(out.size()));
    }
}

void run(gemma::AttentionSplitsStep step, Frame &frame) {
  const int64_t heads = step.getHeads(), position = frame.position(0);
  for (int64_t head = 0; head < heads; ++head) {
    const QueryHead query(step, frame, 0, head);
    const PartPlace place(heads, head, query.cache.paddedHead());
    const int64_t first = firstSplit(query.cache, position);
    for (int64_t split = first; split <= position / attentionSplit; ++split) {
      const Part part = query.part(split, position);
      std::span<float> row = frame[step.getParts()].row(split - first);
      std::copy(part.values.begin(), part.values.end(), row.begin() + static_cast<ptrdiff_t>(place.values));
      row[place.top] = part.top;
      row[place.sum] = part.sum;
    }
  }
}

void run(gemma::AttentionMergeStep step, Frame &frame) {
  const Cache &cache = frame.memory.cache(step.getCacheAttr());
  const int64_t heads = step.getHeads(), position = frame.position(0);
  std::vector<float> result;
  for (int64_t head = 0; head < heads; ++head) {
    const PartPlace place(heads, head, cache.paddedHead());
    Merged merged(cache.paddedHead());
    for (int64_t split = firstSplit(cache, position); split <= position / attentionSplit; ++split) {
      std::span<const float> row = frame[step.getParts()].row(split - firstSplit(cache, position));
      std::span<const float> values = row.subspan(place.values, merged.values.size());
      merged.add({row[place.top], row[place.sum], {values.begin(), values.end()}});
    }
    const std::vector<float> out = merged.result(cache);
    result.insert(result.end(), out.begin(), out.end());
  }
  result.resize(static_cast<size_t>(frame[step.getResult()].width), 0.0f);
  frame[step.getResult()].store(0, result, staticScale(step.getStaticScale()));
}

WordRow::WordRow(std::span<const float> row) {
  const float factor = inverseRms(row, /*count=*/1, std::ldexp(1.0F, -100)) * encoderRowLength;
  for (float x : row)
    integers.push_back(static_cast<int32_t>(std::nearbyint(x * factor)));
  scale = 1.0F / factor;
}

/// 2^x as an integer, for x of at most 0.
static int64_t integerPower(float x) {
  x = smaller(larger(x, encoderLeastExponent), 0.0F);
  const float whole = std::nearbyint(x), fraction = x - whole;
  float power = std::end(encoderPowerTerms)[-1];
  for (float term : llvm::reverse(llvm::ArrayRef(encoderPowerTerms).drop_back()))
    power = std::fma(power, fraction, term);
  return static_cast<int64_t>(std::nearbyint(std::ldexp(power, static_cast<int>(whole))));
}

namespace {

/// A KV head of an encoder of `count` rows.
struct EncoderHead {
  const EncoderMemory &memory;
  int64_t head, count;

  /// What a query head makes of all rows.
  std::vector<float> encoded(std::span<const float> query) const {
    Merged merged(static_cast<int64_t>(memory.paddedHead()));
    auto score = [&](int64_t p) { return scoreOfKey(Format::F32, {memory.key(p, head), {}}, query); };
    auto value = [&](int64_t p) { return Stored{memory.value(p, head), {}}; };
    for (int64_t split = 0; split * attentionSplit < count; ++split)
      merged.add(partOf({split, 0, count - 1}, static_cast<int64_t>(memory.paddedHead()), score, value));
    return merged.result();
  }

  /// The same in int16.
  std::vector<float> encoded(const WordRow &query, float valueScale) const {
    Merged merged(static_cast<int64_t>(memory.paddedHead()));
    for (int64_t split = 0; split * attentionSplit < count; ++split)
      merged.add(wordPart({split, 0, count - 1}, query));
    for (float &value : merged.values)
      value = value * (1.0F / merged.total * valueScale);
    return merged.values;
  }

private:
  float score(const WordRow &query, int64_t p) const {
    int64_t dot = 0;
    for (size_t j = 0; j < query.integers.size(); ++j)
      dot += int64_t{query.integers[j]} * memory.pair(p, head, j).key;
    return static_cast<float>(dot) * (query.scale * memory.keyScale(p, head));
  }

  Part wordPart(Seen seen, const WordRow &query) const {
    Part part{-5e29F, 0.0F, std::vector<float>(memory.paddedHead(), 0.0F)};
    std::vector<float> scores;
    for (int64_t p = seen.first; p <= seen.last; ++p) {
      scores.push_back(score(query, p));
      part.top = larger(scores.back(), part.top);
    }
    std::vector<int64_t> powers;
    const float logarithm = std::numbers::log2e_v<float>, behind = -(part.top * logarithm);
    for (float s : scores) {
      powers.push_back(integerPower(std::fma(s, logarithm, behind)));
      part.sum = part.sum + static_cast<float>(powers.back());
    }
    for (int64_t group = seen.first; group <= seen.last; group += 32)
      for (size_t j = 0; j < part.values.size(); ++j) {
        int64_t dot = 0;
        for (int64_t p = group; p <= std::min(group + 31, seen.last); ++p)
          dot += powers[static_cast<size_t>(p - seen.first)] * memory.pair(p, head, j).value;
        part.values[j] = part.values[j] + static_cast<float>(dot);
      }
    return part;
  }
};

} // namespace

void run(gemma::EncoderAttentionStep step, Frame &frame) {
  const EncoderMemory memory(step, frame);
  const size_t width = memory.paddedHead();
  const auto heads = static_cast<size_t>(step.getHeads()), shared = heads / static_cast<size_t>(step.getKvHeads());
  const float valueScale = encoderValueScale(static_cast<int64_t>(step.getHeadDim()));
  const int64_t rows = frame.rows(step.getQuery());
  for (int64_t r = 0; r < rows; ++r)
    for (size_t head = 0; head < heads; ++head) {
      std::span<const float> query = frame[step.getQuery()].row(r).subspan(head * width, width);
      const EncoderHead keys{memory, static_cast<int64_t>(head / shared), rows};
      std::ranges::copy(memory.words ? keys.encoded(WordRow(query), valueScale) : keys.encoded(query),
                        frame[step.getResult()].row(r).subspan(head * width, width).begin());
    }
}

} // namespace gemmac::interp
