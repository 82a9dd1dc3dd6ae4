// From the words of a command line to CompileOptions: a reader for each kind of value.
#ifndef GEMMAC_COMPILER_PIPELINE_OPTIONREADERS_H
#define GEMMAC_COMPILER_PIPELINE_OPTIONREADERS_H

#include "compiler/base/ByteSize.h"
#include "compiler/base/Errors.h"
#include "compiler/pipeline/CompileOptions.h"

#include <functional>
#include <limits>

namespace gemmac {

/// Stores a word that was given. \param option its name, for messages. Errors: UsageError.
using OptionReader = std::function<llvm::Error(llvm::StringRef option, llvm::StringRef word, CompileOptions &options)>;

/// The word as it is. `place` is where it goes, as for all templates here: a member of CompileOptions, or a function
/// from CompileOptions to a reference.
template <typename Place> OptionReader textReader(Place place) {
  return [place](llvm::StringRef, llvm::StringRef word, CompileOptions &options) {
    std::invoke(place, options) = word.str();
    return llvm::Error::success();
  };
}

/// Nothing where a word is a whole number of at least 1, else what is wrong; to be asked before countReader.
std::string positiveProblem(const std::string &word);

/// A whole number of at least 1.
template <typename Place> OptionReader countReader(Place place) {
  return [place](llvm::StringRef option, llvm::StringRef word, CompileOptions &options) -> llvm::Error {
    auto &result = std::invoke(place, options);
    int64_t value = 0;
    if (word.getAsInteger(10, value) || value < 1 || value > std::numeric_limits<int32_t>::max())
      return usageError("{0}: error: got '{1}', expected a whole number from 1 to {2}", option, word,
                        std::numeric_limits<int32_t>::max());
    result = value;
    return llvm::Error::success();
  };
}

/// A size in bytes, as parseBytes reads it.
template <typename Place> OptionReader sizeReader(Place place) {
  return [place](llvm::StringRef option, llvm::StringRef word, CompileOptions &options) -> llvm::Error {
    std::optional<uint64_t> bytes = parseBytes(word);
    if (!bytes)
      return usageError("{0}: error: got '{1}', expected a size such as 1.1GB, 1400MB or 1GiB", option, word);
    std::invoke(place, options) = *bytes;
    return llvm::Error::success();
  };
}

/// One of choosableFormats. \param others what else the option takes, for the message.
llvm::Expected<Format> readFormat(llvm::StringRef option, llvm::StringRef word, llvm::StringRef others = "");

template <typename Place> OptionReader formatReader(Place place) {
  return [place](llvm::StringRef option, llvm::StringRef word, CompileOptions &options) -> llvm::Error {
    llvm::Expected<Format> format = readFormat(option, word);
    if (!format)
      return format.takeError();
    std::invoke(place, options) = *format;
    return llvm::Error::success();
  };
}

/// A format, or auto.
llvm::Error readWeights(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
/// "q8", "sliding=q8", "full=q4" or both kinds with a comma between them.
llvm::Error readCache(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
/// "image", "audio" or both with a comma between them.
llvm::Error readWithout(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
llvm::Error readActivations(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
llvm::Error readRounding(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
/// A file, or "default".
llvm::Error readCalibration(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
llvm::Error readDivergence(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
llvm::Error readEmit(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);
llvm::Error readStopAfter(llvm::StringRef option, llvm::StringRef word, CompileOptions &options);

std::string roundingWords();             ///< "plain, search, ..."
llvm::StringRef emitWord(EmitKind kind); ///< "exe"

} // namespace gemmac

#endif // GEMMAC_COMPILER_PIPELINE_OPTIONREADERS_H
