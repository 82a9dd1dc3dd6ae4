#include "base/Signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <exception>
#include <new>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace gemmac::runtime {

static Cancel presses; // of Ctrl-C
static std::atomic<const char *> unfinishedFile{nullptr};
static std::atomic<bool> terminalStyled{false}, resized{false}, continued{false};
static std::atomic<void (*)()> giveBackModes{nullptr}, takeModes{nullptr};
static_assert(std::atomic<const char *>::is_always_lock_free && std::atomic<void (*)()>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

static void restoreTerminal() {
  static constexpr std::string_view plain = "\x1b[0m";
  if (terminalStyled.load() && ::write(STDOUT_FILENO, plain.data(), plain.size()) < 0)
    return; // a terminal that is gone keeps no style
  if (void (*giveBack)() = giveBackModes.load())
    giveBack();
}

static void retakeTerminal() {
  if (void (*take)() = takeModes.load())
    take();
  continued.store(true);
}

static void cleanUp() {
  if (const char *path = unfinishedFile.load())
    ::unlink(path);
  restoreTerminal();
}

// Lets the system do what it does by default for `signal`, also from the handler of that very signal.
static void raiseByDefault(int signal) {
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  sigset_t one, before;
  sigemptyset(&one);
  sigaddset(&one, signal);
  pthread_sigmask(SIG_UNBLOCK, &one, &before);
  raise(signal);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

static void onInterrupt(int) {
  if (presses.request())
    return;
  cleanUp();
  ::_exit(static_cast<int>(ExitCode::interrupted));
}

static void onTermination(int signal) {
  cleanUp();
  raiseByDefault(signal);
  ::_exit(128 + signal); // process 1 of a container survives its signals
}

static void install(int signal, void (*handler)(int));

// Ctrl-Z: whoever has the terminal meanwhile finds it as usual.
static void onStop(int signal) {
  const int error = errno;
  restoreTerminal();
  raiseByDefault(signal); // returns when the program is continued, or at once where nobody could continue it
  install(signal, onStop);
  retakeTerminal();
  errno = error;
}

// Also after SIGSTOP, which nobody can prepare for.
static void onContinue(int) {
  const int error = errno;
  retakeTerminal();
  errno = error;
}

static void onResize(int) { resized.store(true); }

// Ends the program at once, as a signal does, with "error: `message`" on standard error. Safe in a signal handler.
[[noreturn]] static void endProgram(ExitCode code, std::string_view message) {
  cleanUp();
  for (std::string_view part : {std::string_view("error: "), message, std::string_view("\n")})
    while (::write(STDERR_FILENO, part.data(), part.size()) < 0 && errno == EAGAIN) {
      pollfd one = {STDERR_FILENO, POLLOUT, 0};
      if (::poll(&one, 1, 1000) <= 0)
        break; // nobody listens
    }
  ::_exit(static_cast<int>(code));
}

// Reading a mapped page beyond the end of a file that shrank.
static void onBusError(int) {
  endProgram(ExitCode::damagedProgram, "the program file was cut short or changed while it ran");
}

// A signal that whoever started the program chose to ignore (nohup, a background job) stays ignored.
static void install(int signal, void (*handler)(int)) {
  struct sigaction action = {}, previous = {};
  if (sigaction(signal, nullptr, &previous) == 0 && previous.sa_handler == SIG_IGN)
    return;
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_ONSTACK;
  sigaction(signal, &action, nullptr);
}

// A crash by endless recursion has no stack left for its handler.
static void useOwnStack() {
  alignas(16) static char stack[1 << 15];
  stack_t own = {};
  own.ss_sp = stack;
  own.ss_size = sizeof(stack);
  sigaltstack(&own, nullptr);
}

void installSignalHandlers() {
  useOwnStack();
  install(SIGINT, onInterrupt);
  for (int signal : {SIGTERM, SIGHUP, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGXCPU, SIGIO, SIGPWR,
                     SIGSYS, SIGTRAP, SIGSEGV, SIGILL, SIGFPE, SIGABRT})
    install(signal, onTermination);
  install(SIGTSTP, onStop);
  install(SIGCONT, onContinue);
  install(SIGWINCH, onResize);
  install(SIGBUS, onBusError);
  install(SIGPIPE, SIG_IGN);
  install(SIGXFSZ, SIG_IGN);
  std::set_new_handler(
      [] { endProgram(ExitCode::inputOutput, "out of memory; free some, or raise the limit (ulimit -v)"); });
  std::set_terminate([] { endProgram(ExitCode::internal, "the program cannot go on; this is a defect of gemmac"); });
}

const Cancel &interruption() { return presses; }

bool interruptRequested() { return presses.requested(); }

// Signals are held off but for the wait itself, which lets them in atomically: none can slip in between looking and
// waiting.
Wait waitForEvent(int fd, bool evenSo) {
  sigset_t held, before;
  sigemptyset(&held);
  for (int signal : {SIGINT, SIGWINCH, SIGCONT})
    sigaddset(&held, signal);
  pthread_sigmask(SIG_BLOCK, &held, &before);
  Wait result = Wait::ready;
  for (bool done = false; !done;) {
    pollfd input = {fd, POLLIN, 0};
    if (interruptRequested() && !evenSo)
      result = Wait::interrupted;
    else if (continued.exchange(false))
      result = Wait::continued;
    else if (resized.exchange(false))
      result = Wait::resized;
    else if (ppoll(&input, 1, nullptr, &before) < 0 && errno == EINTR)
      continue;
    done = true;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return result;
}

bool waitForInput(int fd, bool evenSo) {
  Wait result;
  do
    result = waitForEvent(fd, evenSo);
  while (result == Wait::continued || result == Wait::resized);
  return result == Wait::ready;
}

bool waitForAny(std::span<pollfd> files, int milliseconds) {
  sigset_t held, before;
  sigemptyset(&held);
  sigaddset(&held, SIGINT);
  pthread_sigmask(SIG_BLOCK, &held, &before);
  for (pollfd &file : files)
    file.revents = 0;
  const timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
  if (!interruptRequested() && ::ppoll(files.data(), files.size(), &time, &before) < 0)
    for (pollfd &file : files)
      file.revents = 0;
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !interruptRequested();
}

void clearInterrupt() { presses.clear(); }

void styledOnSignal(bool styled) { terminalStyled.store(styled); }

void modesOnSignal(void (*giveBack)(), void (*take)()) {
  takeModes.store(take);
  giveBackModes.store(giveBack);
}

void removeOnSignal(const char *path) { unfinishedFile.store(path); }

} // namespace gemmac::runtime
