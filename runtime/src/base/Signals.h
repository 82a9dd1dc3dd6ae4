// Signals: Ctrl-C asks for a stop once and ends the program when pressed again before the stop was noticed.
#ifndef GEMMAC_RUNTIME_SIGNALS_H
#define GEMMAC_RUNTIME_SIGNALS_H

#include "base/Cancel.h"
#include "base/Status.h"

#include <poll.h>
#include <span>

namespace gemmac::runtime {

/// Ctrl-C as above. Every other signal that ends programs ends this one as the system would, after the file of
/// removeOnSignal() is gone and the terminal is as it was found; as process 1 of a container, which the system does not
/// let signals end, it exits with 128 + signal. SIGPIPE and SIGXFSZ are ignored, so that writing reports EPIPE and
/// EFBIG. SIGBUS says that the program file changed and exits with damagedProgram. Without memory the program ends with
/// one line and inputOutput, and so it does, with internal, where the standard library finds no other way. System calls
/// that wait are interrupted (EINTR), never restarted.
void installSignalHandlers();

/// What Ctrl-C requests, until clearInterrupt(): commands hand it to the work that Ctrl-C is to stop.
const Cancel &interruption();
/// The same for the commands' own loops.
bool interruptRequested();

enum class Wait { ready, interrupted, resized, continued };

/// Waits until `fd` can be read (or has ended).
/// \param evenSo an earlier Ctrl-C does not count; the next one ends the program.
/// \returns interrupted when Ctrl-C was pressed, be it before the call or while it waits; resized when the terminal has
///          another size; continued after Ctrl-Z, when others have written to the screen.
Wait waitForEvent(int fd, bool evenSo);

/// The same, through what happens to the screen. \returns false when Ctrl-C was pressed.
bool waitForInput(int fd, bool evenSo = false);

/// Waits until something happens to one of `files` (poll()'s), or for so many milliseconds. Screens do not matter here.
/// \returns false when Ctrl-C was pressed, be it before the call or while it waits.
bool waitForAny(std::span<pollfd> files, int milliseconds);

/// The stop was carried out; the next Ctrl-C is again a first one.
void clearInterrupt();

/// The file that a signal which ends the program removes; null for none. `path` must stay valid.
void removeOnSignal(const char *path);

/// Whether the terminal on standard output shows a style that a signal which ends the program must take back.
void styledOnSignal(bool styled);

/// What gives the terminal its modes back and takes them again, for signals that end, stop and continue the program.
/// Both must be safe in a signal handler; null for none.
void modesOnSignal(void (*giveBack)(), void (*take)());

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SIGNALS_H
