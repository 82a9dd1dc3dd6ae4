// Signals: Ctrl-C asks for a stop once and ends the program when pressed again before the stop was noticed.
#ifndef GEMMAC_RUNTIME_SIGNALS_H
#define GEMMAC_RUNTIME_SIGNALS_H

#include "Status.h"

#include <string_view>

namespace gemmac::runtime {

/// Ctrl-C as above; SIGTERM and SIGHUP end the program; each removes the file of removeOnSignal(). SIGPIPE is ignored,
/// so that writing reports EPIPE. SIGBUS says that the program file changed and exits with damagedProgram.
/// System calls that wait are interrupted (EINTR), never restarted.
void installSignalHandlers();

/// Ctrl-C was pressed and clearInterrupt() not called since. Cheap; meant to be asked once a token.
bool interruptRequested();

/// Waits until `fd` can be read (or has ended). \returns false when Ctrl-C was pressed, be it before the call or while
/// it waits; with `evenSo` it goes on waiting then, and the next Ctrl-C ends the program.
bool waitForInput(int fd, bool evenSo = false);

/// The stop was carried out; the next Ctrl-C is again a first one.
void clearInterrupt();

/// The file that a signal which ends the program removes; null for none. `path` must stay valid.
void removeOnSignal(const char *path);

/// Ends the program at once, as such a signal does, with "error: `message`" on standard error. For what goes wrong
/// where nothing may: under a running phase.
[[noreturn]] void endProgram(ExitCode code, std::string_view message);

/// Whether the terminal on standard output shows a style that a signal which ends the program must take back.
void styledOnSignal(bool styled);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SIGNALS_H
