#include "Allocations.h"

#include <cstdlib>
#include <new>
#include <utility>

static thread_local bool counting = false;
static thread_local size_t allocations = 0;

void *operator new(size_t bytes) {
  allocations += counting;
  if (void *memory = malloc(bytes))
    return memory;
  abort();
}
void operator delete(void *memory) noexcept { free(memory); }
void operator delete(void *memory, size_t) noexcept { free(memory); }

size_t gemmac::test::countAllocations(bool now) {
  counting = now;
  return std::exchange(allocations, 0);
}
