#include "generate/Sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>

namespace gemmac::runtime {

static constexpr float minusInfinity = -std::numeric_limits<float>::infinity();

Random::Random(uint64_t seed) {
  for (uint64_t &word : state) {
    seed += 0x9e3779b97f4a7c15u;
    uint64_t z = seed;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    word = z ^ z >> 31;
  }
}

uint64_t Random::next() {
  const uint64_t result = std::rotl(state[0] + state[3], 23) + state[0], shifted = state[1] << 17;
  state[2] ^= state[0];
  state[3] ^= state[1];
  state[1] ^= state[2];
  state[0] ^= state[3];
  state[2] ^= shifted;
  state[3] = std::rotl(state[3], 45);
  return result;
}

Sampler::Sampler(int64_t vocab, const SamplingOptions &options, std::span<const int32_t> suppressedIds)
    : options(options), seen(static_cast<size_t>(vocab)), random(options.seed) {
  for (int32_t id : suppressedIds)
    if (id >= 0 && id < vocab)
      suppressed.push_back(id);
  const auto size = static_cast<size_t>(vocab);
  if (!suppressed.empty() || options.repetitionPenalty != 1)
    adjusted.resize(size);
  if (options.repetitionPenalty != 1)
    seenIds.reserve(size);
  if (options.temperature > 0) {
    choices.resize(size);
    weights.resize(size);
  }
}

void Sampler::accept(int32_t token) {
  if (options.repetitionPenalty == 1 || token < 0 || static_cast<size_t>(token) >= seen.size())
    return;
  if (!seen[static_cast<size_t>(token)])
    seenIds.push_back(token);
  seen[static_cast<size_t>(token)] = 1;
}

void Sampler::reset() {
  for (int32_t id : seenIds)
    seen[static_cast<size_t>(id)] = 0;
  seenIds.clear();
}

const float *Sampler::adjust(const float *logits) {
  if (adjusted.empty())
    return logits;
  memcpy(adjusted.data(), logits, adjusted.size() * sizeof(float));
  const auto penalty = static_cast<float>(options.repetitionPenalty);
  for (int32_t id : seenIds) {
    float &logit = adjusted[static_cast<size_t>(id)];
    logit = logit > 0 ? logit / penalty : logit * penalty;
  }
  for (int32_t id : suppressed)
    adjusted[static_cast<size_t>(id)] = minusInfinity;
  return adjusted.data();
}

int32_t Sampler::greedy(const float *logits) const {
  int32_t best = -1;
  float highest = minusInfinity;
  for (size_t i = 0; i < seen.size(); ++i)
    if (logits[i] > highest) { // false for NaN
      highest = logits[i];
      best = static_cast<int32_t>(i);
    }
  return best;
}

// The `limit` best in a heap whose root is the worst of them; most logits are turned away by one comparison.
size_t Sampler::collectBest(const float *logits, size_t limit) {
  size_t count = 0;
  float bar = minusInfinity;
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!(logits[i] > bar)) // an equal one has a higher id, so it is worse
      continue;
    if (count == limit) {
      std::pop_heap(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(count), better);
      --count;
    }
    choices[count++] = {logits[i], static_cast<int32_t>(i)};
    std::push_heap(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(count), better);
    if (count == limit)
      bar = choices.front().logit;
  }
  std::sort_heap(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(count), better);
  return count;
}

// Fills `choices`; sorted, best first, when top-k limits them.
size_t Sampler::collect(const float *logits) {
  const size_t limit = options.topK > 0 ? static_cast<size_t>(options.topK) : seen.size();
  if (limit < seen.size())
    return collectBest(logits, limit);
  size_t count = 0;
  for (size_t i = 0; i < seen.size(); ++i)
    if (logits[i] > minusInfinity)
      choices[count++] = {logits[i], static_cast<int32_t>(i)};
  return count;
}

// Extends the sorted front of `choices` from `sorted` to `wanted` entries.
void Sampler::sortTo(size_t &sorted, size_t wanted, size_t count) {
  wanted = std::min(wanted, count);
  auto begin = choices.begin() + static_cast<ptrdiff_t>(sorted), end = choices.begin() + static_cast<ptrdiff_t>(count),
       middle = choices.begin() + static_cast<ptrdiff_t>(wanted);
  if (wanted < count)
    std::nth_element(begin, middle, end, better);
  std::sort(begin, middle, better);
  sorted = wanted;
}

double Sampler::weigh(const Choice &choice, float best) const {
  return std::exp((static_cast<double>(choice.logit) - best) / options.temperature);
}

// Without top-p nothing needs an order: drops what min-p excludes and fills in the weights of the rest.
size_t Sampler::keepMinP(size_t count) {
  const float best = std::min_element(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(count), better)->logit;
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    const double weight = weigh(choices[i], best);
    if (weight < options.minP) // relative to the best, whose weight is 1
      continue;
    choices[kept] = choices[i];
    weights[kept++] = weight;
  }
  return kept;
}

// `choices` from 0 to the result are sorted, best first, and their weights filled in. Only as much as is needed gets
// sorted: real distributions reach top-p within a few hundred tokens.
size_t Sampler::keepTopP(size_t count) {
  const float best = std::min_element(choices.begin(), choices.begin() + static_cast<ptrdiff_t>(count), better)->logit;
  double total = 0;
  for (size_t i = 0; i < count; ++i)
    total += weigh(choices[i], best);
  size_t sorted = 0, kept = 0;
  for (double sum = 0; kept == 0 || (kept < count && sum < options.topP * total);) {
    if (kept == sorted)
      sortTo(sorted, sorted ? sorted * 8 : 256, count);
    weights[kept] = weigh(choices[kept], best);
    if (weights[kept] < options.minP)
      break;
    sum += weights[kept++];
  }
  return kept;
}

int32_t Sampler::sample(const float *logits) {
  logits = adjust(logits);
  if (options.temperature <= 0)
    return greedy(logits);
  const size_t found = collect(logits);
  if (found == 0)
    return -1;
  const size_t count = options.topP < 1 ? keepTopP(found) : keepMinP(found);
  double sum = 0;
  for (size_t i = 0; i < count; ++i)
    sum += weights[i];
  double target = random.uniform() * sum;
  for (size_t i = 0; i < count; ++i) {
    target -= weights[i];
    if (target < 0)
      return choices[i].id;
  }
  return choices[count - 1].id;
}

} // namespace gemmac::runtime
