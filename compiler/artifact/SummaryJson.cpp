#include "compiler/artifact/SummaryJson.h"

#include "compiler/artifact/MemoryModel.h"

#include "llvm/Support/JSON.h"
#include "llvm/Support/raw_ostream.h"

namespace gemmac {

/// Attribute "caches".
static void writeCaches(llvm::json::OStream &json, llvm::ArrayRef<CacheSummary> caches) {
  json.attributeArray("caches", [&] {
    for (const CacheSummary &row : caches)
      json.object([&] {
        json.attributeArray("layers", [&] {
          for (int64_t layer : row.layers)
            json.value(layer);
        });
        json.attribute("kind", row.window ? "sliding" : "full");
        if (row.window)
          json.attribute("window", row.window);
        json.attribute("format", nameOf(row.format));
        json.attribute("kv_heads", row.heads);
        json.attribute("head_dim", row.headDim);
        json.attribute("stored_key_dim", row.keyDim);
        json.attribute("positions", row.positions);
        json.attribute("bytes", row.bytes);
        if (row.sharedFrom >= 0)
          json.attribute("shared_from", row.sharedFrom);
      });
  });
}

/// Attribute "phases".
static void writeFunctions(llvm::json::OStream &json, llvm::ArrayRef<FunctionSummary> functions) {
  json.attributeArray("phases", [&] {
    for (const FunctionSummary &function : functions)
      json.object([&] {
        json.attribute("name", function.name);
        json.attribute("max_rows", function.maxRows);
        json.attribute("weight_bytes_per_row", function.weightBytes);
        json.attribute("multiply_adds_per_row", function.multiplyAdds);
        json.attribute("barriers", function.barriers);
      });
  });
}

static void writeQuality(llvm::json::OStream &json, const ProgramQuality &quality) {
  json.attribute("kl", quality.divergence);
  json.attribute("top1", quality.agreement);
  json.attribute("tokens", quality.tokens);
}

static void writeParts(llvm::json::OStream &json, llvm::StringRef name, llvm::ArrayRef<PartSummary> parts) {
  json.attributeArray(name, [&] {
    for (const PartSummary &row : parts)
      json.object([&] {
        json.attribute("part", row.part);
        json.attributeObject("formats", [&] {
          for (const auto &[format, count] : row.weights)
            json.attribute(nameOf(format), count);
        });
      });
  });
}

static void writeChoice(llvm::json::OStream &json, const FormatChoiceSummary &choice) {
  json.attributeObject("auto", [&] {
    json.attribute("predicted_kl", choice.predicted);
    json.attributeArray("measured", [&] {
      for (const FormatTrial &trial : choice.trials)
        json.object([&] {
          json.attribute("weights", trial.name);
          json.attribute("bytes", trial.bytes);
          json.attribute("bits_per_weight", trial.bitsPerValue);
          writeQuality(json, trial.quality);
        });
    });
    writeParts(json, "parts", choice.parts);
  });
}

static void writeChat(llvm::json::OStream &json, const ChatSummary &chat) {
  json.attributeObject("chat", [&] {
    json.attribute("format", chat.format);
    if (chat.format == "none")
      return;
    json.attribute("takes_instructions", chat.takesInstructions);
    json.attribute("thinking_switch", chat.thinkingSwitch);
    json.attribute("thinks_by_default", chat.thinksByDefault);
    json.attribute("keeps_thoughts", chat.keepsThoughts);
    json.attributeArray("differences", [&] {
      for (const std::string &difference : chat.differences)
        json.value(llvm::json::fixUTF8(difference));
    });
  });
}

/// What identifies the program, its target and the options that made it.
static void writeProgram(llvm::json::OStream &json, const ProgramSummary &summary) {
  json.attribute("name", llvm::json::fixUTF8(summary.name));
  json.attribute("architecture", llvm::json::fixUTF8(summary.architecture));
  json.attribute("target", summary.target);
  json.attributeArray("levels", [&] {
    for (const std::string &level : summary.levels)
      json.value(level);
  });
  json.attribute("weights", summary.weights);
  json.attribute("activation_bits", summary.activationBits);
  json.attribute("cache", summary.cacheFormat);
  json.attribute("vocab", summary.vocab);
  json.attribute("hidden", summary.hidden);
  json.attribute("layers", summary.layers);
  json.attribute("context", summary.context);
  json.attribute("chunk", summary.chunk);
  json.attribute("slots", summary.slots);
}

static void writeBytes(llvm::json::OStream &json, const ProgramSummary &summary) {
  json.attributeObject("bytes", [&] {
    json.attribute("weights", summary.weightBytes);
    json.attribute("tokenizer", summary.tokenizerBytes);
    json.attribute("data", summary.dataBytes);
    json.attribute("arena", summary.arenaBytes);
    json.attribute("scratch_per_thread", summary.scratchBytes);
    json.attribute("kv_cache", summary.slots * summary.slotBytes);
    json.attribute("table_rows", summary.tableRowBytes);
  });
}

static void writeResident(llvm::json::OStream &json, const ProgramSummary &summary) {
  json.attributeObject("resident", [&] {
    const gemmac_memory &memory = summary.memory;
    json.attribute("peak", residentBytes(summary));
    json.attribute("limit", memory.limit);
    json.attribute("changed", summary.memoryChanges);
    json.attribute("weights", memory.weights);
    json.attribute("kv_cache", (memory.ring_cache + memory.whole_cache) * static_cast<uint64_t>(summary.slots));
    json.attribute("working", memory.working);
    json.attribute("per_thread", memory.thread);
    json.attribute("threads", GEMMAC_CONTRACT_THREADS);
    json.attribute("tokenizer", memory.tokenizer);
    json.attribute("program", memory.program);
    json.attributeObject("media", [&] {
      json.attribute("image_weights", memory.weights_image);
      json.attribute("audio_weights", memory.weights_audio);
      json.attribute("working", memory.media);
      json.attribute("per_thread", memory.thread_media);
    });
  });
}

static void writeFormats(llvm::json::OStream &json, llvm::ArrayRef<FormatSummary> formats) {
  json.attributeArray("formats", [&] {
    for (const FormatSummary &row : formats)
      json.object([&] {
        json.attribute("format", nameOf(row.format));
        json.attribute("weights", row.weights);
        json.attribute("values", row.values);
        json.attribute("bytes", row.bytes);
        if (row.groups.groups != 0) {
          json.attribute("exact_weights", row.exactWeights);
          json.attribute("groups", row.groups.groups);
          json.attribute("exact_groups", row.groups.exact);
        }
      });
  });
}

std::string summaryJson(const ProgramSummary &summary) {
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::json::OStream json(os);
  json.object([&] {
    writeProgram(json, summary);
    writeBytes(json, summary);
    writeResident(json, summary);
    writeCaches(json, summary.caches);
    writeFormats(json, summary.formats);
    writeParts(json, "towers", summary.towers);
    if (!summary.rounding.empty())
      json.attribute("rounding", summary.rounding);
    if (summary.quality)
      json.attributeObject("quality", [&] { writeQuality(json, *summary.quality); });
    if (summary.choice)
      writeChoice(json, *summary.choice);
    writeChat(json, summary.chat);
    writeFunctions(json, summary.functions);
  });
  return text;
}

} // namespace gemmac
