#include "compiler/choose/SizeLimit.h"

#include "compiler/artifact/ProgramFile.h"
#include "compiler/base/ByteSize.h"
#include "compiler/base/Errors.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

namespace gemmac {

static uint64_t dataBytes(const FileParts &parts, uint64_t matrixBytes) {
  return roundUp(static_cast<int64_t>(matrixBytes), bufferAlign) + parts.tokenizer;
}

uint64_t programBytes(const FileParts &parts, uint64_t matrixBytes) {
  uint64_t data = dataBytes(parts, matrixBytes);
  return dataSectionOffset(parts.elf, data) + data;
}

int64_t mostMatrixBytes(const FileParts &parts, uint64_t limit) {
  auto without = [&](uint64_t data) {
    return static_cast<int64_t>(limit) - static_cast<int64_t>(dataSectionOffset(parts.elf, data) + parts.tokenizer);
  };
  int64_t small = std::min(without(0), static_cast<int64_t>(hugePageBytes) - static_cast<int64_t>(parts.tokenizer));
  int64_t most = std::max(small, without(hugePageBytes + 1));
  return most < 0 ? -1 : most / bufferAlign * bufferAlign;
}

std::string fileText(const FileParts &parts, uint64_t matrixBytes) {
  return llvm::formatv("code and runtime {0}, weights {1}, tokenizer {2}", formatBytes(parts.elf),
                       formatBytes(matrixBytes), formatBytes(parts.tokenizer));
}

/// The widest formats, for everything that the user left open, with which the file would fit; else the narrowest.
static std::string advice(const CompileOptions &options, const FileParts &parts, const Planner &planner) {
  if (options.chooseFormats)
    return "\n  the choice of formats did not settle: code takes more with each; a little more than this would fit";
  std::string text;
  std::vector<const FormatInfo *> formats;
  for (const FormatInfo &info : formatTable)
    if (info.scales == ScaleKind::Group && info.bits < formatInfo(options.formats.weights).bits)
      formats.push_back(&info);
  llvm::sort(formats, [](auto *a, auto *b) { return a->bits > b->bits; });
  for (const FormatInfo *info : formats) {
    CompileOptions narrower = options;
    narrower.formats.weights = info->format;
    llvm::Expected<ProgramSummary> summary = planner(narrower);
    if (!summary) {
      llvm::consumeError(summary.takeError());
      continue;
    }
    uint64_t bytes = programBytes(parts, summary->weightBytes);
    bool fits = bytes <= options.maxFile;
    text = llvm::formatv("\n  --weights {0} {1}: about {2}", nameOf(info->format),
                         fits ? "would fit" : "would be the least, and too much", bothUnits(bytes));
    if (fits)
      break;
  }
  return text + "\n  --weights auto chooses a format for each matrix";
}

llvm::Error fileTooLarge(const CompileOptions &options, const FileParts &parts, uint64_t matrixBytes,
                         const Planner &planner) {
  return llvm::make_error<UsageError>(
      llvm::formatv("--max-size: error: the program would take {0}, more than {1}: {2}{3}",
                    bothUnits(programBytes(parts, matrixBytes)), bothUnits(options.maxFile),
                    fileText(parts, matrixBytes), advice(options, parts, planner))
          .str());
}

} // namespace gemmac
