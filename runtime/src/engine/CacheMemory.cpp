#include "engine/CacheMemory.h"

#include <algorithm>
#include <cstring>
#include <sys/mman.h>
#include <unistd.h>

namespace gemmac::runtime {

static constexpr size_t blockBytes = 4096;

namespace {
/// What packed memory begins with.
struct Head {
  uint64_t origin, bytes;
};
} // namespace

static bool allZero(std::span<const uint8_t> bytes) {
  return bytes.empty() || (bytes[0] == 0 && memcmp(bytes.data(), bytes.data() + 1, bytes.size() - 1) == 0);
}

static size_t blockCount(size_t bytes) { return (bytes + blockBytes - 1) / blockBytes; }

static std::span<const uint8_t> block(std::span<const uint8_t> memory, size_t index) {
  return memory.subspan(index * blockBytes, std::min(blockBytes, memory.size() - index * blockBytes));
}

/// Without touching what is zero already, which would make its pages resident.
static void fillWithZeros(std::span<uint8_t> bytes) {
  if (!allZero(bytes))
    memset(bytes.data(), 0, bytes.size());
}

void releaseMemory(std::span<uint8_t> memory) {
  const auto page = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
  const auto begin = reinterpret_cast<uintptr_t>(memory.data()), end = begin + memory.size();
  const uintptr_t first = (begin + page - 1) / page * page, last = end / page * page;
  if (first >= last || madvise(reinterpret_cast<void *>(first), last - first, MADV_DONTNEED) != 0)
    return fillWithZeros(memory);
  fillWithZeros(memory.first(first - begin));
  fillWithZeros(memory.last(end - last));
}

void copyMemory(std::span<const uint8_t> from, std::span<uint8_t> to) {
  releaseMemory(to);
  for (size_t i = 0; i < blockCount(from.size()); ++i)
    if (const std::span<const uint8_t> bytes = block(from, i); !allZero(bytes))
      memcpy(to.data() + i * blockBytes, bytes.data(), bytes.size());
}

std::vector<uint8_t> packMemory(std::span<const uint8_t> memory, uint64_t origin) {
  std::vector<uint8_t> packed;
  const Head head = {origin, memory.size()};
  auto append = [&](const void *bytes, size_t count) {
    const auto *begin = static_cast<const uint8_t *>(bytes);
    packed.insert(packed.end(), begin, begin + count);
  };
  append(&head, sizeof(head));
  for (uint64_t i = 0; i < blockCount(memory.size()); ++i)
    if (const std::span<const uint8_t> bytes = block(memory, i); !allZero(bytes)) {
      append(&i, sizeof(i));
      append(bytes.data(), bytes.size());
    }
  return packed;
}

/// Visits the packed blocks. \returns whether they are blocks of such memory.
template <typename Visit>
static bool visitBlocks(std::span<const uint8_t> packed, const Head &expected, std::span<const uint8_t> memory,
                        Visit visit) {
  if (packed.size() < sizeof(Head) || memcmp(packed.data(), &expected, sizeof(Head)) != 0)
    return false;
  for (packed = packed.subspan(sizeof(Head)); !packed.empty();) {
    uint64_t number = 0;
    if (packed.size() < sizeof(number))
      return false;
    memcpy(&number, packed.data(), sizeof(number));
    packed = packed.subspan(sizeof(number));
    if (number >= blockCount(memory.size()) || packed.size() < block(memory, number).size())
      return false;
    const size_t bytes = block(memory, number).size();
    visit(number, packed.first(bytes));
    packed = packed.subspan(bytes);
  }
  return true;
}

bool unpackMemory(std::span<const uint8_t> packed, std::span<uint8_t> memory, uint64_t origin) {
  const Head expected = {origin, memory.size()};
  if (!visitBlocks(packed, expected, memory, [](uint64_t, std::span<const uint8_t>) {}))
    return false;
  releaseMemory(memory);
  return visitBlocks(packed, expected, memory, [&](uint64_t index, std::span<const uint8_t> bytes) {
    memcpy(memory.data() + index * blockBytes, bytes.data(), bytes.size());
  });
}

} // namespace gemmac::runtime
