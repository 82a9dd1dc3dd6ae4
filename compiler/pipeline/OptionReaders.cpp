#include "compiler/pipeline/OptionReaders.h"

#include "compiler/pipeline/Stages.h"
#include "dialects/formats/CacheLayout.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <cmath>

namespace gemmac {

static constexpr std::pair<EmitKind, llvm::StringLiteral> emitWords[] = {{EmitKind::mlir, "mlir"},
                                                                         {EmitKind::llvm, "llvm"},
                                                                         {EmitKind::assembly, "asm"},
                                                                         {EmitKind::object, "obj"},
                                                                         {EmitKind::executable, "exe"}};

std::string roundingWords() { return llvm::join(llvm::ArrayRef(roundingNames), ", "); }

llvm::StringRef emitWord(EmitKind kind) {
  return llvm::find_if(emitWords, [&](auto &row) { return row.first == kind; })->second;
}

std::string positiveProblem(const std::string &word) {
  int64_t value;
  if (llvm::StringRef(word).getAsInteger(10, value) || value < 1)
    return "got '" + word + "', expected a whole number above 0";
  return {};
}

llvm::Expected<Format> readFormat(llvm::StringRef option, llvm::StringRef word, llvm::StringRef others) {
  std::optional<Format> format = parseFormat(word);
  if (!format || !llvm::is_contained(choosableFormats, *format))
    return usageError("{0}: error: unknown format '{1}', expected {2}{3}", option, word, choosableFormatNames(),
                      others);
  return *format;
}

llvm::Error readWeights(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  options.chooseFormats = word == "auto"; // what it does not choose is as with the default
  if (options.chooseFormats)
    return llvm::Error::success();
  llvm::Expected<Format> format = readFormat(option, word, ", or auto");
  if (!format)
    return format.takeError();
  options.formats.weights = *format;
  return llvm::Error::success();
}

llvm::Error readCache(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  llvm::SmallVector<llvm::StringRef> parts;
  word.split(parts, ',');
  for (llvm::StringRef part : parts) {
    auto [kind, name] = part.contains('=') ? part.split('=') : std::pair(llvm::StringRef(), part);
    std::optional<Format> format = parseFormat(name);
    if (!format || !isCacheFormat(*format))
      return usageError("{0}: error: unknown format '{1}' in '{2}', expected {3}", option, name, word,
                        cacheFormatNames());
    bool both = !part.contains('=');
    if (!both && kind != "sliding" && kind != "full")
      return usageError("{0}: error: unknown kind of layers '{1}' in '{2}', expected sliding=F, full=F, or one format "
                        "for both",
                        option, kind, word);
    for (auto [layers, result] : {std::pair("sliding", &options.asked.slidingCache), {"full", &options.asked.cache}}) {
      if (!both && kind != layers)
        continue;
      if (*result)
        return usageError("{0}: error: '{1}' gives {2} layers two formats; give one", option, word, layers);
      *result = *format;
    }
  }
  return llvm::Error::success();
}

llvm::Error readWithout(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  for (llvm::StringRef media : llvm::split(word, ','))
    if (media == "image")
      options.reading.withoutImages = true;
    else if (media == "audio")
      options.reading.withoutAudio = true;
    else
      return usageError("{0}: error: got '{1}', expected image, audio or image,audio", option, word);
  return llvm::Error::success();
}

llvm::Error readActivations(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  if (word != "8" && word != "16")
    return usageError("{0}: error: got '{1}', expected 8 or 16", option, word);
  options.activationBits = word == "16" ? 16 : 8;
  return llvm::Error::success();
}

llvm::Error readRounding(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  auto *found = llvm::find(roundingNames, word);
  if (found == std::end(roundingNames))
    return usageError("{0}: error: unknown rounding '{1}', expected one of {2}", option, word, roundingWords());
  options.asked.rounding = static_cast<Rounding>(found - std::begin(roundingNames));
  return llvm::Error::success();
}

llvm::Error readCalibration(llvm::StringRef, llvm::StringRef word, CompileOptions &options) {
  options.calibration = word == "default" ? "" : word.str();
  return llvm::Error::success();
}

llvm::Error readDivergence(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  double limit = 0;
  if (word.getAsDouble(limit) || !(limit > 0) || !std::isfinite(limit))
    return usageError("{0}: error: got '{1}', expected a number above 0, in nats, such as 0.01", option, word);
  options.maxDivergence = limit;
  return llvm::Error::success();
}

llvm::Error readEmit(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  auto *found = llvm::find_if(emitWords, [&](auto &row) { return row.second == word; });
  if (found == std::end(emitWords))
    return usageError("{0}: error: unknown kind '{1}', expected mlir, llvm, asm, obj or exe", option, word);
  options.asked.emit = found->first;
  return llvm::Error::success();
}

llvm::Error readStopAfter(llvm::StringRef option, llvm::StringRef word, CompileOptions &options) {
  options.stopAfter = parseStage(word);
  if (options.stopAfter)
    return llvm::Error::success();
  auto names = llvm::map_range(stages(), [](const StageInfo &stage) { return stage.name.str(); });
  return usageError("{0}: error: unknown phase '{1}', expected one of {2}", option, word, llvm::join(names, ", "));
}

} // namespace gemmac
