#include "compiler/compile/Report.h"

#include "compiler/artifact/SummaryText.h"
#include "compiler/base/ByteSize.h"
#include "compiler/base/Messages.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"

#include <sys/resource.h>

namespace gemmac {

void printNotes(llvm::ArrayRef<std::string> notes, const CompileOptions &options) {
  if (!options.quiet)
    for (const std::string &note : notes)
      llvm::errs() << "note: " << printable(note) << "\n";
}

/// Integers of the checkpoint whose scales a format cannot hold, or which it groups otherwise, were rounded.
static void warnOfInexact(const Back &back) {
  int64_t rounded = 0;
  const PackSource *first = nullptr;
  for (auto [matrix, count] : llvm::zip(back.program.section.matrices, back.file.counts))
    for (const PackSource &source : matrix.sources)
      if (source.scales && count.exact != count.groups) {
        first = first ? first : &source;
        ++rounded;
      }
  if (first)
    llvm::errs() << printable(
        llvm::formatv("warning: {0} tensors that the checkpoint stores quantized were rounded once more, '{1}' first\n",
                      rounded, first->name)
            .str());
}

void printReport(const Back &back, std::chrono::steady_clock::time_point began) {
  if (back.options().quiet)
    return;
  double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  warnOfInexact(back);
  llvm::errs() << printable(summaryText(back.program.summary));
  if (back.file.fileBytes != 0)
    llvm::errs() << llvm::formatv("\n{0}: {1}, of which code and runtime {2}", printable(back.options().output),
                                  formatBytes(back.file.fileBytes), formatBytes(back.file.elfBytes));
  struct rusage usage = {};
  ::getrusage(RUSAGE_SELF, &usage);
  llvm::errs() << llvm::formatv("\ncompiled in {0:F1} s, peak memory {1}\n", seconds,
                                formatBytes(static_cast<uint64_t>(usage.ru_maxrss) * 1024));
}

} // namespace gemmac
