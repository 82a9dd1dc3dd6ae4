#include "CacheReference.h"

#include <bit>

namespace gemmac::test {

// H[i][j] = (-1)^popcount(i & j) in blocks, times `factor`.
static Row timesHadamard(const Row &row, int64_t block, double factor) {
  Row result(row.size());
  for (size_t i = 0; i < row.size(); ++i)
    for (int64_t j = 0; j < block; ++j) {
      int64_t begin = static_cast<int64_t>(i) / block * block;
      double x = row[begin + j];
      result[i] += factor * (std::popcount(static_cast<uint64_t>((static_cast<int64_t>(i) - begin) & j)) % 2 ? -x : x);
    }
  return result;
}

static int64_t blockOf(const Row &row) {
  int64_t block = 1;
  while (row.size() % (2 * block) == 0)
    block *= 2;
  return block;
}

// A power of two, 1/sqrt(block) or the next above it.
static double storedFactor(int64_t block) { return std::exp2(-std::floor(std::log2(static_cast<double>(block)) / 2)); }

static Row timesPower(Row row, int64_t exponent) {
  for (double &x : row)
    x = std::ldexp(x, static_cast<int>(exponent));
  return row;
}

static int64_t exponentOf(const Cache &cache, Part part) {
  return part == Part::keys ? cache.exponents.key : cache.exponents.value;
}

Row adapted(const Cache &cache, Part part, const Row &row) {
  int64_t block = blockOf(row);
  return timesPower(cache.rotated ? timesHadamard(row, block, storedFactor(block)) : row, -exponentOf(cache, part));
}

Row restored(const Cache &cache, Part part, const Row &row) {
  int64_t block = blockOf(row);
  double factor = 1.0 / storedFactor(block) / static_cast<double>(block);
  return timesPower(cache.rotated ? timesHadamard(row, block, factor) : row, exponentOf(cache, part));
}

Row storedKey(const Cache &cache, const Row &key) {
  if (!cache.turnedPairs)
    return key;
  Row stored(cache.paddedKey);
  for (int64_t i = 0; i < cache.turnedPairs; ++i) {
    stored[i] = key[i];
    stored[cache.paddedKey / 2 + i] = key[cache.padded / 2 + i];
  }
  return stored;
}

Row wholeKey(const Cache &cache, const Row &stored, const Row &value, const std::vector<float> &norm) {
  if (!cache.turnedPairs)
    return stored;
  Row key(cache.padded);
  for (int64_t i = 0; i < cache.padded; ++i) {
    int64_t half = i / (cache.padded / 2), pair = i % (cache.padded / 2);
    key[i] = pair < cache.turnedPairs ? stored[half * cache.paddedKey / 2 + pair] : value[i] * norm[i];
  }
  return key;
}

static int64_t lengthOf(const Cache &cache, Part part) { return part == Part::keys ? cache.paddedKey : cache.padded; }

namespace {
/// Where an element lies: its first byte, for q4 also the bit; and its scale.
struct Place {
  int64_t byte, shift, scale;
};
} // namespace

static Place placeOf(const Cache &cache, Part part, int64_t head, int64_t slot, int64_t j) {
  int64_t bits = formatInfo(cache.format).bits, lane = slot % 16, group = j / 32, i = j % 32;
  int64_t valueBytes = 16 * 32 * bits / 8, groupBytes = valueBytes + (isQuantized(cache.format) ? 32 : 0);
  int64_t block = head * (cache.capacity / 16) + slot / 16;
  int64_t begin = cache.offset + block * (lengthOf(cache, part) / 32) * groupBytes + group * groupBytes;
  if (part == Part::values)
    begin += cache.heads * (cache.capacity / 16) * (cache.paddedKey / 32) * groupBytes;
  int64_t rows = bits == 4 ? 16 : 32, row = i % rows, place = part == Part::keys ? row * 16 + lane : lane * rows + row;
  return {begin + place * std::max<int64_t>(bits / 8, 1), i / rows * 4, begin + valueBytes + lane * 2};
}

template <typename T> static T load(const std::vector<uint8_t> &memory, int64_t at) {
  T value;
  std::memcpy(&value, memory.data() + at, sizeof(T));
  return value;
}

template <typename T> static void store(std::vector<uint8_t> &memory, int64_t at, T value) {
  std::memcpy(memory.data() + at, &value, sizeof(T));
}

Row readRow(const std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot) {
  Row row;
  for (int64_t j = 0; j < lengthOf(cache, part); ++j) {
    Place place = placeOf(cache, part, head, slot, j);
    if (cache.format == Format::F32) {
      row.push_back(load<float>(memory, place.byte));
    } else if (cache.format == Format::F16) {
      row.push_back(static_cast<double>(load<_Float16>(memory, place.byte)));
    } else {
      int integer = load<int8_t>(memory, place.byte);
      if (cache.format == Format::Q4)
        integer = ((integer >> place.shift & 15) ^ 8) - 8;
      row.push_back(integer * static_cast<double>(load<_Float16>(memory, place.scale)));
    }
  }
  return row;
}

// The scale of a group of 32, rounded to f16.
static double scaleOf(Format format, const double *group) {
  double largest = *std::max_element(group, group + 32, [](double a, double b) { return std::fabs(a) < std::fabs(b); });
  double scale = format == Format::Q4 ? largest / -8 : std::fabs(largest) / 127;
  return static_cast<double>(static_cast<_Float16>(scale));
}

static void writeGroup(std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot,
                       int64_t first, const double *group) {
  double scale = scaleOf(cache.format, group);
  bool narrow = cache.format == Format::Q4;
  for (int64_t i = 0; i < 32; ++i) {
    Place place = placeOf(cache, part, head, slot, first + i);
    double rounded = scale == 0 ? 0 : std::nearbyint(group[i] / scale);
    int integer = static_cast<int>(narrow ? std::clamp(rounded, -8.0, 7.0) : std::clamp(rounded, -127.0, 127.0));
    auto old = load<uint8_t>(memory, place.byte);
    store<uint8_t>(
        memory, place.byte,
        static_cast<uint8_t>(narrow ? (old & (240 >> place.shift)) | (integer & 15) << place.shift : integer));
    store(memory, place.scale, static_cast<_Float16>(scale));
  }
}

void writeRow(std::vector<uint8_t> &memory, const Cache &cache, Part part, int64_t head, int64_t slot, const Row &row) {
  Row turned = adapted(cache, part, row);
  if (isQuantized(cache.format)) {
    for (int64_t first = 0; first < lengthOf(cache, part); first += 32)
      writeGroup(memory, cache, part, head, slot, first, &turned[first]);
    return;
  }
  for (int64_t j = 0; j < lengthOf(cache, part); ++j) {
    Place place = placeOf(cache, part, head, slot, j);
    if (cache.format == Format::F32)
      store(memory, place.byte, static_cast<float>(turned[j]));
    else
      store(memory, place.byte, static_cast<_Float16>(turned[j]));
  }
}

double roundingError(const Cache &cache, const Row &adaptedRow, int64_t j) {
  if (cache.format == Format::F32)
    return 0;
  if (cache.format == Format::F16)
    return 0x1p-11 * std::fabs(adaptedRow[j]);
  double scale = scaleOf(cache.format, &adaptedRow[j / 32 * 32]), integer = adaptedRow[j] / scale;
  // Half a step; more where q4 cuts off. A scale that rounds the other way moves its integer's product by 2^-11 of it.
  double cut = cache.format == Format::Q4 ? std::max(0.0, integer - 7) : 0;
  return std::fabs(scale) * (std::max(0.5, cut) + std::fabs(integer) * 0x1p-10);
}

} // namespace gemmac::test
