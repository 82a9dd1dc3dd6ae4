// gemmac_the_program is read back by this test's own C++ compiler: the object is loaded by LLVM's JIT, and every field
// must be where gemmac/program.h puts it.
#include "compiler/artifact/ProgramObject.h"

#include "compiler/artifact/SummaryJson.h"
#include "gemmac/abi.h"

#include "llvm/ExecutionEngine/Orc/LLJIT.h"
#include "llvm/Object/ELFObjectFile.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/TargetParser/Host.h"

#include <gtest/gtest.h>

using namespace gemmac;

namespace {

class TestTarget : public TargetBackend {
public:
  explicit TestTarget(std::string triple) : tripleName(std::move(triple)) {
    for (auto [name, features] : {std::pair{"base", 1u}, {"best", 3u}}) {
      known.push_back({name, features, ""});
    }
  }
  llvm::StringRef name() const override { return "test-linux"; }
  llvm::StringRef triple() const override { return tripleName; }
  std::vector<TargetLevel> levels() const override { return known; }
  bool runsHere(const TargetLevel &) const override { return false; }
  std::unique_ptr<TargetBackend> withLevels(llvm::ArrayRef<std::string>) const override { return nullptr; }
  void buildLowering(mlir::OpPassManager &) const override {}
  llvm::Expected<std::string> emit(mlir::ModuleOp, llvm::StringRef, CodeKind) const override { return ""; }

private:
  std::string tripleName;
  std::vector<TargetLevel> known;
};

ProgramSummary testSummary() {
  ProgramSummary summary;
  summary.name = "tiny \"model\"";
  summary.target = "test-linux";
  summary.weights = "q4";
  summary.vocab = 500, summary.hidden = 96, summary.layers = 7, summary.context = 2048;
  summary.arenaBytes = 1 << 20, summary.scratchBytes = 8192, summary.slotBytes = (int64_t{5} << 32) + 64;
  summary.functions = {
      {"decode", 1, {}, {{"logits", 64, 2048, 500}}, 1000, 2000, 3000, {}},
      {"prefill", 128, {}, {}, 1001, 2001, 3001, {{"matmul q4 64 x 32", "p.gate", 1152}, {"barrier", "", 0}}},
      {"encode",
       9,
       {{"patches", 128, 64, 16}, {"places", 256, 8, 2, 9, GEMMAC_I32}},
       {{"soft", 512, 384, 96}},
       1002,
       2002,
       3002,
       {}},
      {"verify", 8, {}, {{"logits", 0, 2048, 500}}, 1003, 2003, 3003, {}}};
  summary.caches = {{{0, 1, 3}, Format::F16, 2, 64, 64, 32, 48, 1 << 20, -1},
                    {{4}, Format::F32, 1, 128, 32, 0, 64, 0, 2}};
  return summary;
}

Checkpoint testCheckpoint() {
  Checkpoint checkpoint;
  checkpoint.bosId = 2;
  checkpoint.chat = {"<bos>",
                     "<t>",
                     "<|channel>",
                     "<channel|>",
                     GEMMAC_CHAT_EXISTS | GEMMAC_CHAT_TRIMS_USER,
                     {{"a", "b", "c", "d", "e", "f"}, {"g", "h", "i", "j", "k", "l"}, {"m", "n", "o", "p", "q", ""}}};
  checkpoint.sampling.temperature = 0.75;
  checkpoint.sampling.topK = 64;
  checkpoint.sampling.topP = 0.95;
  checkpoint.sampling.stopIds = {1, 106};
  return checkpoint;
}

void someLevelFunction(const gemmac_call *, int64_t) {}

void expectValues(const gemmac_value *values, int64_t count, llvm::ArrayRef<ValueSummary> expected) {
  ASSERT_EQ(count, static_cast<int64_t>(expected.size()));
  EXPECT_EQ(values == nullptr, expected.empty());
  for (auto [value, wanted] : llvm::zip(llvm::ArrayRef(values, expected.size()), expected)) {
    EXPECT_EQ(value.name, wanted.name);
    EXPECT_EQ(value.offset, wanted.offset);
    EXPECT_EQ(value.row_bytes, wanted.rowBytes);
    EXPECT_EQ(value.width, wanted.width);
    EXPECT_EQ(value.per_row, wanted.perRow);
    EXPECT_EQ(value.element, wanted.element);
  }
}

void expectFunction(const gemmac_function &function, const FunctionSummary &expected) {
  SCOPED_TRACE(expected.name);
  EXPECT_EQ(function.name, expected.name);
  EXPECT_EQ(function.max_rows, expected.maxRows);
  expectValues(function.inputs, function.input_count, expected.inputs);
  expectValues(function.outputs, function.output_count, expected.outputs);
  EXPECT_EQ(function.weight_bytes, expected.weightBytes);
  EXPECT_EQ(function.multiply_adds, expected.multiplyAdds);
  EXPECT_EQ(function.barriers, expected.barriers);
  ASSERT_EQ(function.steps.count, static_cast<int64_t>(expected.steps.size()));
  EXPECT_EQ(function.steps.steps == nullptr, expected.steps.empty());
  for (auto [step, wanted] : llvm::zip(llvm::ArrayRef(function.steps.steps, expected.steps.size()), expected.steps)) {
    EXPECT_EQ(step.what, wanted.what);
    EXPECT_EQ(step.memory, wanted.memory);
    EXPECT_EQ(step.weight_bytes, wanted.weightBytes);
  }
}

} // namespace

TEST(ProgramObject, fields_lie_where_abi_h_says) {
  llvm::InitializeNativeTarget();
  llvm::InitializeNativeTargetAsmPrinter();
  TestTarget target(llvm::sys::getProcessTriple());
  ProgramSummary summary = testSummary();
  llvm::Expected<std::string> object = programObject(summary, testCheckpoint(), {4096, 777}, target);
  ASSERT_TRUE(static_cast<bool>(object)) << llvm::toString(object.takeError());

  auto jit = llvm::cantFail(llvm::orc::LLJITBuilder().create());
  // Every function gets an address of its own, so that a mix-up shows.
  llvm::orc::SymbolMap functions;
  auto base = llvm::orc::ExecutorAddr::fromPtr(&someLevelFunction);
  int number = 0;
  for (const TargetLevel &level : target.levels())
    for (const FunctionSummary &function : summary.functions)
      functions[jit->mangleAndIntern(functionSymbol(function.name, level.name))] = {base + number++,
                                                                                    llvm::JITSymbolFlags::Exported};
  llvm::cantFail(jit->getMainJITDylib().define(llvm::orc::absoluteSymbols(functions)));
  llvm::cantFail(jit->addObjectFile(llvm::MemoryBuffer::getMemBufferCopy(*object)));
  llvm::Expected<llvm::orc::ExecutorAddr> address = jit->lookup("gemmac_the_program");
  ASSERT_TRUE(static_cast<bool>(address)) << llvm::toString(address.takeError());
  const auto &program = *address->toPtr<const gemmac_program *>();

  EXPECT_EQ(program.abi_version, GEMMAC_ABI_VERSION);
  EXPECT_EQ(program.struct_bytes, sizeof(gemmac_program));
  EXPECT_STREQ(program.name, "tiny \"model\"");
  EXPECT_STREQ(program.target, "test-linux");
  EXPECT_STREQ(program.weights, "q4");
  EXPECT_EQ(program.info_json, summaryJson(summary));
  EXPECT_EQ(program.vocab, 500);
  EXPECT_EQ(program.hidden, 96);
  EXPECT_EQ(program.layers, 7);
  EXPECT_EQ(program.context, 2048);
  EXPECT_EQ(program.arena_bytes, 1 << 20);
  EXPECT_EQ(program.scratch_bytes, 8192);
  EXPECT_EQ(program.slot_bytes, (int64_t{5} << 32) + 64);
  EXPECT_EQ(program.bos_id, 2);
  EXPECT_EQ(program.tokenizer.offset, 4096u);
  EXPECT_EQ(program.tokenizer.bytes, 777u);
  ASSERT_EQ(program.function_count, 4);
  for (int i = 0; i < 4; ++i)
    expectFunction(program.functions[i], summary.functions[static_cast<size_t>(i)]);
  ASSERT_EQ(program.code_count, 2);
  EXPECT_STREQ(program.code[0].name, "base");
  EXPECT_STREQ(program.code[1].name, "best");
  EXPECT_EQ(program.code[1].kind, GEMMAC_CODE_CPU);
  EXPECT_EQ(program.code[1].features, 3u);
  for (int level = 0; level < 2; ++level)
    for (int i = 0; i < 4; ++i)
      EXPECT_EQ(reinterpret_cast<uint64_t>(program.code[level].run[i]), base.getValue() + level * 4 + i);
  EXPECT_STREQ(program.chat.bos, "<bos>");
  EXPECT_STREQ(program.chat.turn_close, "<t>");
  EXPECT_STREQ(program.chat.thought_open, "<|channel>");
  EXPECT_STREQ(program.chat.thought_close, "<channel|>");
  EXPECT_EQ(program.chat.flags, GEMMAC_CHAT_EXISTS | GEMMAC_CHAT_TRIMS_USER);
  std::string modes;
  for (const gemmac_chat_mode &mode : program.chat.modes)
    for (const char *text : {mode.start, mode.system_open, mode.system_close, mode.prompt, mode.answered, mode.next})
      modes += text;
  EXPECT_EQ(modes, "abcdefghijklmnopq");
  EXPECT_EQ(program.sampling.temperature, 0.75f);
  EXPECT_EQ(program.sampling.top_k, 64);
  EXPECT_EQ(program.sampling.top_p, 0.95f);
  ASSERT_EQ(program.sampling.stop_count, 2);
  EXPECT_EQ(program.sampling.stop_ids[1], 106);
  EXPECT_EQ(program.sampling.suppress_count, 0);
  EXPECT_EQ(program.sampling.suppress_ids, nullptr);
  ASSERT_EQ(program.cache_count, 2);
  EXPECT_STREQ(program.caches[0].layers, "0-1, 3");
  EXPECT_STREQ(program.caches[0].format, "f16");
  EXPECT_EQ(program.caches[0].heads, 2);
  EXPECT_EQ(program.caches[0].head_dim, 64);
  EXPECT_EQ(program.caches[0].window, 32);
  EXPECT_EQ(program.caches[0].positions, 48);
  EXPECT_EQ(program.caches[0].bytes, 1 << 20);
  EXPECT_EQ(program.caches[0].shared_from, -1);
  EXPECT_STREQ(program.caches[1].layers, "4");
  EXPECT_EQ(program.caches[1].window, 0);
  EXPECT_EQ(program.caches[1].shared_from, 2);
  EXPECT_EQ(program.caches[1].head_dim, 128);
  EXPECT_EQ(program.caches[1].key_dim, 32);
}

TEST(ProgramObject, is_the_same_each_time_and_for_each_target) {
  for (const char *triple : {"x86_64-unknown-linux-gnu", "aarch64-unknown-linux-gnu"}) {
    TestTarget target(triple);
    llvm::Expected<std::string> first = programObject(testSummary(), testCheckpoint(), {64, 8}, target);
    llvm::Expected<std::string> second = programObject(testSummary(), testCheckpoint(), {64, 8}, target);
    ASSERT_TRUE(first && second);
    EXPECT_EQ(*first, *second);
    auto file = llvm::object::ObjectFile::createObjectFile(llvm::MemoryBufferRef(*first, "program.o"));
    ASSERT_TRUE(static_cast<bool>(file)) << llvm::toString(file.takeError());
    EXPECT_EQ((*file)->makeTriple().getArch(), llvm::Triple(triple).getArch());
    uint64_t found = 0;
    for (const llvm::object::ELFSymbolRef symbol : (*file)->symbols())
      if (llvm::cantFail(symbol.getName()) == "gemmac_the_program")
        found = symbol.getSize();
    EXPECT_EQ(found, sizeof(gemmac_program));
  }
}

TEST(ProgramObject, unknown_triple) {
  TestTarget target("nonsense-unknown-none");
  llvm::Expected<std::string> object = programObject(testSummary(), testCheckpoint(), {0, 0}, target);
  ASSERT_FALSE(static_cast<bool>(object));
  EXPECT_NE(llvm::toString(object.takeError()).find("target 'nonsense-unknown-none': error: "), std::string::npos);
}
