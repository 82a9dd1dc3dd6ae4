// Another program that reads a file for this one and writes what it finds to a pipe.
#ifndef GEMMAC_RUNTIME_CHILDPROCESS_H
#define GEMMAC_RUNTIME_CHILDPROCESS_H

#include "base/Status.h"

#include <cstddef>
#include <string>
#include <sys/types.h>
#include <vector>

namespace gemmac::runtime {

/// A program to run: no shell has a part in it. Its standard input is empty; its standard output is read as it comes, so
/// that no more than the system's buffer of a pipe is ever ahead of who reads; of its standard error the first
/// and the last line are kept for messages. It is in a process group of its own, which Ctrl-C on the terminal does not reach.
class ChildProcess {
public:
  ChildProcess() = default;
  /// Ends the program if it still runs, and all that it started.
  ~ChildProcess() { kill(); }
  ChildProcess(const ChildProcess &) = delete;
  ChildProcess &operator=(const ChildProcess &) = delete;

  /// \param path       of the file, as findProgram() gives it. \param arguments those behind the program's own name.
  /// \param patience   seconds for which it may write nothing before it counts as stuck.
  /// \returns inputOutput where it cannot be started.
  Status start(const std::string &path, const std::vector<std::string> &arguments, double patience);

  /// The next bytes of its standard output, at least one; `got` is 0 at the end of it.
  /// \returns interrupted on Ctrl-C; inputOutput when it writes nothing for too long. The program is ended then.
  Status read(char *bytes, size_t size, size_t &got);

  /// Waits for its end, after all of its output was read.
  /// \returns inputOutput, with the first and the last line of its standard error, where it failed.
  Status finish();

private:
  void kill();
  bool collectErrors();
  Status stop(Status status);

  std::string program, firstErrors, lastErrors;
  pid_t pid = -1;
  int output = -1, errorOutput = -1;
  double patience = 0;
};

/// The file of a program: `name` itself where it has a slash, else the first of that name in the folders of PATH.
/// Folders of PATH that are relative or empty are passed over. \returns empty where there is none that can be run.
std::string findProgram(const std::string &name);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_CHILDPROCESS_H
