// The resident memory that the compiler promised, and the threads that keep it.
#ifndef GEMMAC_RUNTIME_MEMORYLIMIT_H
#define GEMMAC_RUNTIME_MEMORYLIMIT_H

#include "base/Status.h"
#include "gemmac/program.h"

namespace gemmac::runtime {

/// Peak resident memory with so many threads and positions fed to each of `slots` slots, pictures and sounds aside, as
/// the compiler predicts it.
uint64_t residentBytes(const gemmac_program &program, int64_t threads, int64_t positions, int64_t slots);

/// What pictures, sounds, or both, of any size and number, take beyond that.
uint64_t mediaBytes(const gemmac_program &program, int64_t threads, bool image, bool audio);

/// Most soft tokens of pictures and sounds that may be in memory at once: as many as the context has positions, at
/// least GEMMAC_MEDIA_CACHE_ROWS, which mediaBytes() counts, and where the program has a limit no more beyond these
/// than it leaves room for.
/// \param context  positions of each slot that are used
int64_t softRowsWithinMemory(const gemmac_program &program, int64_t threads, int64_t context);

/// Most of `threads` that stay below the program's limit in any conversation, at least 1.
/// \param context  positions of each slot that are used; 0: all
int64_t threadsWithinMemory(const gemmac_program &program, int64_t threads, int64_t context);

/// \returns usage where `asked` threads would take more than the limit.
Status checkThreads(const gemmac_program &program, int64_t asked, int64_t context);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEMORYLIMIT_H
