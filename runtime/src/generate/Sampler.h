// From logits to the next token.
#ifndef GEMMAC_RUNTIME_SAMPLER_H
#define GEMMAC_RUNTIME_SAMPLER_H

#include <cstdint>
#include <span>
#include <vector>

namespace gemmac::runtime {

/// xoshiro256++ (Blackman and Vigna), its state filled by splitmix64 from one seed. The same seed gives the same
/// numbers on every machine.
class Random {
public:
  explicit Random(uint64_t seed);
  uint64_t next();
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1p-53; }

private:
  uint64_t state[4];
};

struct SamplingOptions {
  double temperature = 0;       ///< 0: greedy, the lowest id of equals
  int64_t topK = 0;             ///< 0: off
  double topP = 1;              ///< 1: off
  double minP = 0;              ///< 0: off; relative to the likeliest token
  double repetitionPenalty = 1; ///< 1: off; over all tokens of the prompt and the answer
  uint64_t seed = 0;
};

/// In this order: repetition penalty (positive logits divided by it, negative ones multiplied), suppressed ids,
/// temperature, top-k, top-p (the smallest set of the likeliest tokens that reaches it), min-p, then one draw.
/// Equal logits are ordered by id, so the seed and the logits fix the result. Allocates only in the constructor.
class Sampler {
public:
  Sampler(int64_t vocab, const SamplingOptions &options, std::span<const int32_t> suppressed);

  /// Counts a token of the prompt or the answer for the repetition penalty.
  void accept(int32_t token);
  /// Forgets the accepted tokens; the random numbers go on.
  void reset();

  /// \param logits f32 [vocab].
  /// \returns the token; -1 when no logit is a number above minus infinity.
  int32_t sample(const float *logits);

private:
  struct Choice {
    float logit;
    int32_t id;
  };
  static bool better(const Choice &a, const Choice &b) { return a.logit != b.logit ? a.logit > b.logit : a.id < b.id; }

  const float *adjust(const float *logits);
  int32_t greedy(const float *logits) const;
  size_t collect(const float *logits);
  size_t collectBest(const float *logits, size_t limit);
  double weigh(const Choice &choice, float best) const;
  size_t keepMinP(size_t count);
  size_t keepTopP(size_t count);
  void sortTo(size_t &sorted, size_t wanted, size_t count);

  SamplingOptions options;
  std::vector<int32_t> suppressed;
  std::vector<uint8_t> seen;    // [vocab]
  std::vector<int32_t> seenIds; // capacity vocab
  std::vector<float> adjusted;  // [vocab]
  std::vector<Choice> choices;  // [vocab]
  std::vector<double> weights;  // [vocab]
  Random random;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SAMPLER_H
