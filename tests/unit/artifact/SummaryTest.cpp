// The facts of a planned module and how they are shown.
#include "compiler/artifact/MemoryModel.h"
#include "compiler/artifact/SummaryJson.h"
#include "compiler/artifact/SummaryText.h"
#include "compiler/base/ByteSize.h"

#include "dialects/Gemma/GemmaDialect.h"
#include "mlir/Parser/Parser.h"
#include "llvm/Support/JSON.h"

#include <gtest/gtest.h>

using namespace gemmac;

static constexpr const char *planned = R"(
module attributes {gemma.model = {name = "tiny", architecture = "Gemma4ForCausalLM", vocab = 50 : i64,
                                  hidden = 32 : i64, layers = 2 : i64, context = 128 : i64}} {
  gemma.program context 64 slots 1 slot_bytes 640 activation_bits 16
    data_bytes 4736 mapped_bytes 2432 table_row_bytes 64 arena_bytes 4096 scratch_bytes 8192
  gemma.weight @norm.weight : tensor<32xbf16> from <"model.safetensors", 64, 64>
  gemma.weight @embed : tensor<50x32xbf16> from <"model.safetensors", 128, 3200>
  gemma.packed @packed.embed from [@embed] as q8 panels batch 1 rows 64 <50 -> 64> cols 32 <32 -> 32>
    bytes 2304 at 128
  gemma.packed @packed.norm from [@norm.weight] as f32 vector batch 1 rows 1 <1 -> 16> cols 32 <32 -> 32>
    bytes 128 at 0
  gemma.function @decode max_rows 1 weight_bytes 2432 multiply_adds 1600 {
    %l = gemma.buffer shared at 256 : !gemma.buffer<1 x 64, f32>
    gemma.output "logits" %l : <1 x 64, f32>
  }
  gemma.function @verify max_rows 8 weight_bytes 2432 multiply_adds 1600 {
    %l = gemma.buffer shared at 512 : !gemma.buffer<8 x 64, f32>
    gemma.output "logits" %l : <8 x 64, f32>
  }
  gemma.function @prefill max_rows 16 weight_bytes 100 multiply_adds 90 arena_bytes 4096 scratch_bytes 8192 {
    gemma.barrier
    gemma.barrier
  }
}
)";

static llvm::Expected<ProgramSummary> summarize(std::string text) {
  mlir::MLIRContext context;
  context.loadDialect<gemma::GemmaDialect>();
  auto module = mlir::parseSourceString<mlir::ModuleOp>(text, mlir::ParserConfig(&context, /*verifyAfterParse=*/false));
  if (!module)
    return llvm::createStringError("does not parse");
  llvm::Expected<std::vector<PackedMatrix>> matrices = packedMatrices(*module);
  if (!matrices)
    return matrices.takeError();
  return summarizeProgram(*module, *matrices, {.text = 5000, .all = 7000});
}

static std::string replaced(std::string text, const std::string &what, const std::string &by) {
  size_t at = text.find(what);
  EXPECT_NE(at, std::string::npos) << what;
  return text.replace(at, what.size(), by);
}

static std::string problem(const std::string &what, const std::string &by) {
  llvm::Expected<ProgramSummary> summary = summarize(replaced(planned, what, by));
  return summary ? "no error" : llvm::toString(summary.takeError());
}

TEST(ProgramSummary, reads_a_planned_module) {
  llvm::Expected<ProgramSummary> summary = summarize(planned);
  ASSERT_TRUE(static_cast<bool>(summary)) << llvm::toString(summary.takeError());
  EXPECT_EQ(summary->name, "tiny");
  EXPECT_EQ(summary->vocab, 50);
  EXPECT_EQ(summary->context, 64);
  EXPECT_EQ(summary->chunk, 16);
  ASSERT_EQ(summary->functions.size(), 3u);
  const FunctionSummary &verify = summary->function("verify"), &prefill = summary->function("prefill");
  ASSERT_EQ(verify.outputs.size(), 1u);
  EXPECT_EQ(verify.outputs[0].name, "logits");
  EXPECT_EQ(verify.outputs[0].offset, 512);
  EXPECT_EQ(verify.outputs[0].rowBytes, 256);
  EXPECT_EQ(verify.outputs[0].width, 50);
  EXPECT_EQ(summary->function("decode").outputs[0].offset, 256);
  EXPECT_TRUE(prefill.outputs.empty());
  EXPECT_EQ(prefill.multiplyAdds, 90);
  EXPECT_EQ(prefill.barriers, 2);
  EXPECT_EQ(summary->scratchBytes, 8192);
  ASSERT_EQ(summary->formats.size(), 2u);
  EXPECT_EQ(summary->formats[1].values, 1600);
  EXPECT_EQ(summary->formats[1].bytes, 2304);
}

TEST(ProgramSummary, json_and_text) {
  llvm::Expected<ProgramSummary> summary = summarize(planned);
  ASSERT_TRUE(static_cast<bool>(summary)) << llvm::toString(summary.takeError());
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(summaryJson(*summary));
  ASSERT_TRUE(static_cast<bool>(json)) << llvm::toString(json.takeError());
  const llvm::json::Object *object = json->getAsObject();
  EXPECT_EQ(object->getInteger("context"), 64);
  EXPECT_EQ(object->getInteger("activation_bits"), 16);
  EXPECT_EQ(object->getObject("bytes")->getInteger("kv_cache"), 640);
  EXPECT_EQ((*object->getArray("phases"))[1].getAsObject()->getInteger("max_rows"), 8);
  EXPECT_NE(summaryText(*summary).find("; activations of 16 bits\n"), std::string::npos);
  EXPECT_NE(summaryText(*summary).find("11.52"), std::string::npos) << "2304 bytes for 1600 values";
}

TEST(ProgramSummary, reports_what_a_pass_forgot) {
  EXPECT_EQ(
      problem(
          "  gemma.program context 64 slots 1 slot_bytes 640 activation_bits 16\n    data_bytes 4736 mapped_bytes 2432 "
          "table_row_bytes 64 arena_bytes 4096 scratch_bytes 8192\n",
          ""),
      "planned module: error: no gemma.program; this is a defect of the plan stage");
  EXPECT_EQ(problem(" arena_bytes 4096", ""),
            "planned module: error: no integer attribute 'arena_bytes'; this is a defect of the plan stage");
  EXPECT_EQ(problem(" multiply_adds 90", ""),
            "planned module: error: no integer attribute 'multiply_adds'; this is a defect of the plan stage");
  EXPECT_EQ(problem("    gemma.output \"logits\" %l : <8 x 64, f32>\n", ""),
            "planned module: error: function 'verify' has no output 'logits'; this is a defect of the plan stage");
  EXPECT_EQ(problem("shared at 512", "shared"),
            "planned module: error: 'logits' of function 'verify' has no offset; this is a defect of the plan stage");
  EXPECT_EQ(problem("data_bytes 4736", "data_bytes 2000"),
            "planned module: error: data_bytes of gemma.program is 2000, but 'packed.embed' ends at 2432; this is a "
            "defect of the plan stage");
}

TEST(PackedMatrices, reports_symbols_that_do_not_fit) {
  EXPECT_EQ(problem("bytes 2304 at 128", "bytes 2304"),
            "packed weight 'packed.embed': error: has no offset; run the plan stage first");
  EXPECT_EQ(problem("bytes 2304 at 128", "bytes 2304 at 64"),
            "packed weight 'packed.embed': error: overlaps 'packed.norm' in the data section");
  EXPECT_EQ(problem("rows 64 <50", "rows 96 <50"),
            "packed weight 'packed.embed': error: has 96 padded rows, expected 64");
  EXPECT_EQ(problem("[@embed]", "[@nothing]"),
            "packed weight 'packed.embed': error: source 'nothing' is no gemma.weight of the module");
}

TEST(FormatBytes, three_digits) {
  EXPECT_EQ(formatBytes(0), "0 B");
  EXPECT_EQ(formatBytes(999), "999 B");
  EXPECT_EQ(formatBytes(1000), "0.98 KiB");
  EXPECT_EQ(formatBytes(1536), "1.50 KiB");
  EXPECT_EQ(formatBytes(20 << 20), "20.0 MiB");
  EXPECT_EQ(formatBytes(uint64_t{640} << 30), "640 GiB");
}

static constexpr const char *withCaches = R"(
  gemma.kv_cache @ring heads 1 head_dim 32 window 16
    as f16 capacity 32 bytes 4096 at 0
  gemma.kv_cache @whole heads 1 head_dim 32 window 0
    as f16 capacity 64 bytes 8192 at 4096
  gemma.packed @table from [@embed] as q8 table batch 1 rows 50 <50 -> 64> cols 32 <32 -> 32> bytes 1728 at 2432
    row_at 0
  gemma.function @decode)";

TEST(ProgramSummary, resident_memory) {
  llvm::Expected<ProgramSummary> summary = summarize(replaced(planned, "\n  gemma.function @decode", withCaches));
  ASSERT_TRUE(static_cast<bool>(summary)) << llvm::toString(summary.takeError());
  const gemmac_memory &memory = summary->memory;
  EXPECT_EQ(memory.weights, 2432u);
  EXPECT_EQ(memory.working, 4096u + 16 * 64); // the arena; a table row for each row of the widest phase
  EXPECT_EQ(memory.thread, 8192u + 5000u);
  EXPECT_EQ(memory.thread_media, 2000u);
  EXPECT_EQ(memory.weights_image + memory.weights_audio, 0u);
  EXPECT_EQ(memory.media, 0u);
  EXPECT_EQ(memory.ring_cache, 4096u);
  EXPECT_EQ(memory.ring_positions, 32u);
  EXPECT_EQ(memory.whole_cache, 8192u);
  ASSERT_EQ(summary->tables.size(), 1u);
  EXPECT_EQ(summary->tables[0].offset, 2432u);
  EXPECT_EQ(summary->tables[0].rowBytes, 34u);
  uint64_t rest = memory.program + memory.weights + memory.working;
  auto resident = [&](uint64_t threads, uint64_t positions) {
    return gemmac_resident_bytes(&memory, threads, 1, positions, 64);
  };
  EXPECT_EQ(resident(1, 0), rest + memory.thread);
  EXPECT_EQ(resident(1, 16), rest + memory.thread + 2048 + 2048); // half of the ring, a quarter of the whole
  EXPECT_EQ(resident(3, 64), rest + 3 * memory.thread + 4096 + 8192);
  EXPECT_EQ(resident(3, 1000), resident(3, 64));
  EXPECT_EQ(residentBytes(*summary), resident(GEMMAC_CONTRACT_THREADS, 64) + 8 * memory.thread_media);
  EXPECT_NE(summaryText(*summary).find("resident at most "), std::string::npos);
}

static constexpr const char *attentions = R"(: !gemma.buffer<1 x 64, f32>
    %q = gemma.buffer shared at 512 : !gemma.buffer<1 x 32, f32>
    %p = gemma.buffer shared at 640 : !gemma.buffer<1 x 64, f32>
    gemma.step.attention_splits %q, @ring -> %p heads 1 : !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 64, f32>
    gemma.step.attention_splits %q, @whole -> %p heads 1 : !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 64, f32>
    gemma.step.attention_splits %q, @ring2 -> %p heads 1 : !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 64, f32>
    gemma.step.attention_splits %q, @whole -> %p heads 1 : !gemma.buffer<1 x 32, f32> -> !gemma.buffer<1 x 64, f32>)";

TEST(ProgramSummary, caches) {
  std::string text = replaced(planned, "\n  gemma.function @decode", withCaches);
  text = replaced(text, "\n  gemma.packed @table", R"(
  gemma.kv_cache @ring2 heads 1 head_dim 32 window 16
    as f16 capacity 32 bytes 4096 at 12288
  gemma.packed @table)");
  text = replaced(text, ": !gemma.buffer<1 x 64, f32>", attentions);
  llvm::Expected<ProgramSummary> summary = summarize(text);
  ASSERT_TRUE(static_cast<bool>(summary)) << llvm::toString(summary.takeError());
  ASSERT_EQ(summary->caches.size(), 3u);
  const CacheSummary &ring = summary->caches[0], &whole = summary->caches[1], &reader = summary->caches[2];
  EXPECT_EQ(ring.layers, (std::vector<int64_t>{0, 2}));
  EXPECT_EQ(ring.window, 16);
  EXPECT_EQ(ring.positions, 32);
  EXPECT_EQ(ring.bytes, 8192); // of both
  EXPECT_EQ(ring.sharedFrom, -1);
  EXPECT_EQ(whole.layers, (std::vector<int64_t>{1}));
  EXPECT_EQ(whole.bytes, 8192);
  EXPECT_EQ(reader.layers, (std::vector<int64_t>{3}));
  EXPECT_EQ(reader.sharedFrom, 1);
  EXPECT_EQ(reader.bytes, 0);
  EXPECT_EQ(summary->cacheFormat, "f16");
  llvm::Expected<llvm::json::Value> json = llvm::json::parse(summaryJson(*summary));
  ASSERT_TRUE(static_cast<bool>(json)) << llvm::toString(json.takeError());
  const llvm::json::Array *caches = json->getAsObject()->getArray("caches");
  ASSERT_EQ(caches->size(), 3u);
  EXPECT_EQ((*caches)[0].getAsObject()->getString("kind"), "sliding");
  EXPECT_EQ((*caches)[1].getAsObject()->getString("format"), "f16");
  EXPECT_EQ((*caches)[2].getAsObject()->getInteger("shared_from"), 1);
}

TEST(ProgramSummary, words_of_caches) {
  EXPECT_EQ(layersText({}), "");
  EXPECT_EQ(layersText({3}), "3");
  EXPECT_EQ(layersText({0, 1, 2, 4, 6, 7}), "0-2, 4, 6-7");
  CacheSummary ring, whole;
  ring.window = 512;
  EXPECT_EQ(cacheFormatText({ring, whole}), "f16");
  whole.format = Format::F32;
  EXPECT_EQ(cacheFormatText({ring, whole}), "sliding=f16,full=f32");
  EXPECT_EQ(cacheFormatText({whole}), "f32");
  EXPECT_EQ(cacheFormatText({}), "");
}

TEST(ProgramSummary, sizes) {
  EXPECT_EQ(parseBytes("1400MB"), 1'400'000'000u);
  EXPECT_EQ(parseBytes("1.1GB"), 1'100'000'000u);
  EXPECT_EQ(parseBytes("1GiB"), uint64_t(1) << 30);
  EXPECT_EQ(parseBytes(" 1.5 gib "), uint64_t(3) << 29);
  EXPECT_EQ(parseBytes("640k"), 640'000u);
  EXPECT_EQ(parseBytes("4096"), 4096u);
  EXPECT_EQ(parseBytes("4096B"), 4096u);
  for (const char *wrong : {"", "GB", "0", "0.0GB", "-1GB", "1e3", "1,5GB", "1.2.3GB", "0x10", "1GBs", "inf", "nan",
                            "99999999999999999999999", "5000000TB", "1.1 G B"})
    EXPECT_FALSE(parseBytes(wrong)) << wrong;
}
