#include "compiler/artifact/SummaryText.h"

#include "compiler/artifact/MemoryModel.h"
#include "compiler/base/ByteSize.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

namespace gemmac {

static std::string millions(int64_t count) {
  return llvm::formatv(count < 10'000'000 ? "{0:F2} M" : "{0:F0} M", static_cast<double>(count) / 1e6).str();
}

/// The parts of resident memory, a line for each entry: of text two, and one of pictures and sounds where they come.
static llvm::SmallVector<std::string> residentLines(const ProgramSummary &summary) {
  const gemmac_memory &memory = summary.memory;
  llvm::SmallVector<std::string> lines;
  lines.push_back(
      llvm::formatv("weights {0}, KV cache {1}, working memory {2}", formatBytes(memory.weights),
                    formatBytes((memory.ring_cache + memory.whole_cache) * static_cast<uint64_t>(summary.slots)),
                    formatBytes(memory.working)));
  lines.push_back(llvm::formatv("{0} threads {1}, tokenizer {2}, program {3}", GEMMAC_CONTRACT_THREADS,
                                formatBytes(memory.thread * GEMMAC_CONTRACT_THREADS), formatBytes(memory.tokenizer),
                                formatBytes(memory.program)));
  if (uint64_t media = gemmac_media_bytes(&memory, GEMMAC_CONTRACT_THREADS, /*image=*/1, /*audio=*/1))
    lines.push_back(llvm::formatv("pictures and sounds {0}: weights {1} and {2}, working memory {3}, {4} threads {5}",
                                  formatBytes(media), formatBytes(memory.weights_image),
                                  formatBytes(memory.weights_audio), formatBytes(memory.media), GEMMAC_CONTRACT_THREADS,
                                  formatBytes(memory.thread_media * GEMMAC_CONTRACT_THREADS)));
  return lines;
}

std::string residentText(const ProgramSummary &summary) {
  llvm::SmallVector<std::string> lines = residentLines(summary);
  return lines[0] + ", " + lines[1] + (lines.size() > 2 ? "; " + lines[2] : "");
}

static std::string formatCounts(const PartSummary &row) {
  std::vector<std::pair<Format, int64_t>> formats(row.weights.begin(), row.weights.end());
  llvm::sort(formats, [](auto &a, auto &b) { return formatInfo(a.first).bits > formatInfo(b.first).bits; });
  std::string text;
  for (const auto &[format, count] : formats)
    text += llvm::formatv("{0}{1} in {2}", text.empty() ? "" : ", ", count, nameOf(format));
  return text;
}

static void printChoice(llvm::raw_ostream &os, const FormatChoiceSummary &choice) {
  os << llvm::formatv("\n  {0,-8}{1,13}{2,13}{3,15}{4,16}\n", "measured", "weights", "bits/weight", "KL divergence",
                      "likeliest same");
  for (const FormatTrial &trial : choice.trials)
    os << llvm::formatv("  {0,-8}{1,13}{2,13:F2}{3,15:F6}{4,14:F1} %\n", trial.name, formatBytes(trial.bytes),
                        trial.bitsPerValue, trial.quality.divergence, 100 * trial.quality.agreement);
  os << llvm::formatv("  auto (predicted KL divergence {0:F6}) has\n", choice.predicted);
  for (const PartSummary &row : choice.parts)
    os << llvm::formatv("    {0,-16}{1}\n", row.part, formatCounts(row));
}

static std::string chatText(const ChatSummary &chat) {
  std::string text = chat.format == "none"       ? "none: the program continues texts"
                     : chat.format == "template" ? "as the checkpoint's own template has it"
                                                 : chat.format;
  if (chat.thinksByDefault)
    text += ", thinking unless --no-think is given";
  if (!chat.differences.empty())
    text += llvm::formatv("; {0} difference{1} from the template", chat.differences.size(),
                          chat.differences.size() == 1 ? "" : "s");
  return text;
}

static void printHead(llvm::raw_ostream &os, const ProgramSummary &summary) {
  os << llvm::formatv("{0}: {1} layers, {2} wide, vocabulary {3}\n", summary.name, summary.layers, summary.hidden,
                      summary.vocab);
  os << "target " << summary.target << ":";
  for (const std::string &level : summary.levels)
    os << " " << level;
  os << llvm::formatv("; context {0}, prompts in chunks of {1}", summary.context, summary.chunk);
  if (llvm::any_of(summary.formats, [](const FormatSummary &row) { return formatInfo(row.format).quantized; }))
    os << "; activations of " << summary.activationBits << " bits";
  os << "\n\n";
}

static void printFormats(llvm::raw_ostream &os, llvm::ArrayRef<FormatSummary> formats) {
  os << llvm::formatv("  {0,-8}{1,9}{2,13}{3,13}{4,13}\n", "format", "weights", "values", "size", "bits/weight");
  for (const FormatSummary &row : formats)
    os << llvm::formatv("  {0,-8}{1,9}{2,13}{3,13}{4,13:F2}\n", nameOf(row.format), row.weights, millions(row.values),
                        formatBytes(row.bytes), row.bitsPerValue());
  for (const FormatSummary &row : formats)
    if (row.exactWeights != 0)
      os << llvm::formatv(
          "  {0} of {1} weights in {2} hold every value of the checkpoint exactly ({3:F2} % of the groups)\n",
          row.exactWeights, row.weights, nameOf(row.format),
          100.0 * static_cast<double>(row.groups.exact) / static_cast<double>(row.groups.groups));
}

static void printTowers(llvm::raw_ostream &os, llvm::ArrayRef<PartSummary> towers) {
  for (const PartSummary &row : towers)
    os << llvm::formatv("  matrices for {0}: {1}\n", row.part, formatCounts(row));
}

static void printMemory(llvm::raw_ostream &os, const ProgramSummary &summary) {
  os << llvm::formatv("\n  weights {0}, tokenizer {1}\n", formatBytes(summary.weightBytes),
                      formatBytes(summary.tokenizerBytes));
  os << llvm::formatv("  memory beside the weights: arena {0}, KV cache {1} ({2}), scratch {3} per thread\n",
                      formatBytes(summary.arenaBytes), formatBytes(summary.slots * summary.slotBytes),
                      summary.cacheFormat, formatBytes(summary.scratchBytes));
  if (summary.slots > 1)
    os << llvm::formatv("  {0} slots for sequences, KV cache {1} each\n", summary.slots,
                        formatBytes(summary.slotBytes));
  os << "  resident at most " << formatBytes(residentBytes(summary)) << ":\n";
  for (const std::string &line : residentLines(summary))
    os << "    " << line << "\n";
  if (summary.memory.limit)
    os << "  limit " << formatBytes(summary.memory.limit)
       << (summary.memoryChanges.empty() ? "" : ", kept by " + summary.memoryChanges) << "\n";
}

static void printFunctions(llvm::raw_ostream &os, llvm::ArrayRef<FunctionSummary> functions) {
  size_t width = 8;
  for (const FunctionSummary &function : functions)
    width = std::max(width, function.name.size());
  auto line = [&](llvm::StringRef name, const llvm::Twine &rest) {
    os << "  " << llvm::left_justify(name, static_cast<unsigned>(width)) << rest << "\n";
  };
  line("phase", llvm::formatv("{0,9}{1,19}{2,24}", "max rows", "weights read/row", "multiply-adds/row").str());
  for (const FunctionSummary &function : functions)
    line(function.name, llvm::formatv("{0,9}{1,19}{2,24}", function.maxRows, formatBytes(function.weightBytes),
                                      millions(function.multiplyAdds))
                            .str());
}

std::string summaryText(const ProgramSummary &summary) {
  std::string text;
  llvm::raw_string_ostream os(text);
  printHead(os, summary);
  printFormats(os, summary.formats);
  printTowers(os, summary.towers);
  if (summary.quality)
    os << llvm::formatv(
        "\n  against the unquantized program, {0} tokens: KL divergence {1:F6}, likeliest token the same {2:F1} %\n",
        summary.quality->tokens, summary.quality->divergence, 100 * summary.quality->agreement);
  if (summary.choice)
    printChoice(os, *summary.choice);
  printMemory(os, summary);
  os << "  chat format " << chatText(summary.chat) << "\n\n";
  printFunctions(os, summary.functions);
  return text;
}

} // namespace gemmac
