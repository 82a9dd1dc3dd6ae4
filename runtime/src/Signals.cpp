#include "Signals.h"

#include <atomic>
#include <cerrno>
#include <csignal>
#include <poll.h>
#include <string_view>
#include <unistd.h>

namespace gemmac::runtime {

static std::atomic<int> presses{0};
static std::atomic<const char *> unfinishedFile{nullptr};
static_assert(std::atomic<int>::is_always_lock_free && std::atomic<const char *>::is_always_lock_free,
              "a signal handler may only touch lock-free atomics");

static std::atomic<bool> terminalStyled{false};

static void cleanUp() {
  if (const char *path = unfinishedFile.load())
    ::unlink(path);
  static constexpr std::string_view plain = "\x1b[0m";
  if (terminalStyled.load() && ::write(STDOUT_FILENO, plain.data(), plain.size()) < 0)
    return; // a terminal that is gone keeps no style
}

static void onInterrupt(int) {
  if (presses.fetch_add(1) == 0)
    return;
  cleanUp();
  ::_exit(static_cast<int>(ExitCode::interrupted));
}

static void onTermination(int signal) {
  cleanUp();
  struct sigaction action = {};
  action.sa_handler = SIG_DFL;
  sigaction(signal, &action, nullptr);
  raise(signal);
}

// Safe in a signal handler.
void endProgram(ExitCode code, std::string_view message) {
  cleanUp();
  for (std::string_view part : {std::string_view("error: "), message, std::string_view("\n")})
    if (::write(STDERR_FILENO, part.data(), part.size()) < 0)
      break; // nobody listens
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
  sigaction(signal, &action, nullptr);
}

void installSignalHandlers() {
  install(SIGINT, onInterrupt);
  install(SIGTERM, onTermination);
  install(SIGHUP, onTermination);
  install(SIGBUS, onBusError);
  install(SIGPIPE, SIG_IGN);
}

bool interruptRequested() { return presses.load(std::memory_order_relaxed) != 0; }

// Ctrl-C is held off but for the wait itself, which lets it in atomically: none can slip in between looking and
// waiting.
bool waitForInput(int fd, bool evenSo) {
  sigset_t interrupt, before;
  sigemptyset(&interrupt);
  sigaddset(&interrupt, SIGINT);
  pthread_sigmask(SIG_BLOCK, &interrupt, &before);
  pollfd input = {fd, POLLIN, 0};
  bool stopped;
  do
    stopped = interruptRequested() && !evenSo;
  while (!stopped && ppoll(&input, 1, nullptr, &before) < 0 && errno == EINTR);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return !stopped;
}

void clearInterrupt() { presses.store(0); }

void styledOnSignal(bool styled) { terminalStyled.store(styled); }

void removeOnSignal(const char *path) { unfinishedFile.store(path); }

} // namespace gemmac::runtime
