// KV caches as attention sees them: what one position stored, read back. They are kept by position, without rings and
// without bytes; the values are those of the format.
#ifndef GEMMAC_TARGETS_INTERP_CACHES_H
#define GEMMAC_TARGETS_INTERP_CACHES_H

#include "dialects/Gemma/GemmaDialect.h"

#include <span>
#include <vector>

namespace gemmac::interp {

/// A stored key or value: numbers and, in q8 and q4, one scale for 32 of them. What is stored is number times scale.
struct Stored {
  std::span<const float> numbers, scales;
  bool quantized() const { return !scales.empty(); }
  /// Element `j` as one number.
  float value(size_t j) const { return quantized() ? numbers[j] * scales[j / 32] : numbers[j]; }
};

/// The score of a query with a stored key: one chain over its elements; groups of quantized ones have a chain of their
/// own.
float scoreOfKey(Format format, Stored key, std::span<const float> query);

/// The keys, or the values, of one layer.
class Store {
public:
  /// \param width  elements of a head, padded.
  Store(Format format, bool rotated, int64_t exponent, int64_t heads, int64_t width)
      : format(format), rotated(rotated), exponent(exponent), heads(heads), width(width) {}

  /// Keeps `x` for a head and a position, rounded.
  void keep(int64_t position, int64_t head, std::vector<float> x);
  Stored at(int64_t position, int64_t head) const;
  /// A query, or a result, of this store: rotated as it is and times 2^exponent.
  std::vector<float> adapt(std::vector<float> x) const;
  bool isRotated() const { return rotated; }
  Format getFormat() const { return format; }

private:
  bool quantized() const { return format == Format::Q8 || format == Format::Q4; }

  Format format;
  bool rotated;
  int64_t exponent, heads, width;
  std::vector<float> numbers, scales; ///< [positions, heads, width] and width / 32
};

/// One gemma.kv_cache.
class Cache {
public:
  explicit Cache(gemma::KvCacheOp op);

  void keepKey(int64_t position, int64_t head, std::span<const float> key);
  void keepValue(int64_t position, int64_t head, std::span<const float> value);

  /// A query in the two forms that scores are made of: for the stored key and, where keys are partly values, for the
  /// value; else `rest` is empty.
  struct Query {
    std::vector<float> front, rest;
  };
  Query prepare(std::span<const float> query, std::span<const float> keyNorm) const;
  /// The sum of values as the layer's: rotated back, padding zero.
  std::vector<float> restore(std::vector<float> sum) const;

  /// The score of a query with the key at a position.
  float score(const Query &query, int64_t position, int64_t head) const;
  Stored value(int64_t position, int64_t head) const { return values.at(position, head); }

  int64_t headCount() const { return heads; }
  int64_t paddedHead() const { return padded; }
  /// The first position that the row at `position` sees.
  int64_t firstSeen(int64_t position) const;

private:
  /// The turned elements of a head, each half padded to 16.
  std::vector<float> turnedOf(std::span<const float> x) const;

  int64_t heads, headDim, padded, window, turned;
  Store keys, values;
};

} // namespace gemmac::interp

#endif // GEMMAC_TARGETS_INTERP_CACHES_H
