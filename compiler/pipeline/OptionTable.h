// The options of `gemmac compile`, each stated once: its name, its help, how its value is read and where it goes. The
// command line and --help are made of this table; docs/cli.md is the longer reference.
#ifndef GEMMAC_COMPILER_PIPELINE_OPTIONTABLE_H
#define GEMMAC_COMPILER_PIPELINE_OPTIONTABLE_H

#include "compiler/pipeline/OptionReaders.h"

namespace gemmac {

struct CompileOption {
  std::string name;           ///< "-o,--output"; without dashes a word without a name, which must be there
  std::string valueName = {}; ///< of its value in --help: "FILE"
  std::string help = {};
  /// One of these three tells what the option is.
  OptionReader read = nullptr;                                       ///< an option with a value, the last one counts
  bool &(*flag)(CompileOptions &) = nullptr;                         ///< an option without
  std::vector<std::string> &(*list)(CompileOptions &) = nullptr;     ///< an option with a value, all of them count
  std::function<std::string(const std::string &)> problem = nullptr; ///< of a value, told with "--help explains"
  std::string shownDefault = {};                                     ///< in --help
  /// Where it is not given, --max-rss may change what it says.
  bool OpenOptions::*open = nullptr;

  std::string lastName() const { return name.substr(name.rfind(',') + 1); } ///< "--output"
};

/// In the order of --help, which is also that of reading.
std::vector<CompileOption> compileOptionTable();

/// --ignore-config and --mmproj, which `gemmac inspect` has as well.
CompileOption ignoreConfigOption();
CompileOption projectorOption();

/// Reads the words of a command line. \param words one for each row of the table, empty where it was not given.
llvm::Error readOptions(llvm::ArrayRef<CompileOption> table, llvm::ArrayRef<std::string> words,
                        CompileOptions &options);

/// Settles defaults that depend on other options (options.asked) and checks which options go together.
llvm::Error completeOptions(CompileOptions &options);

} // namespace gemmac

#endif // GEMMAC_COMPILER_PIPELINE_OPTIONTABLE_H
