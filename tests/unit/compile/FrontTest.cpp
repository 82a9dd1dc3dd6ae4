// Several programs of one Front: for two targets, and with other options, each as if it had been compiled alone.
#include "compiler/base/Errors.h"
#include "compiler/compile/Back.h"
#include "compiler/compile/Preparation.h"

#include <gtest/gtest.h>

using namespace gemmac;

namespace {

class FrontTest : public testing::Test {
protected:
  void SetUp() override {
    registerAllTargets(targets);
    x86 = targets.find("x86_64-linux")->withLevels({"avx2"});
    arm = targets.find("aarch64-linux")->withLevels({"neon"});
  }

  CompileOptions optionsFor(const TargetBackend &target, Format weights = Format::Q4) const {
    CompileOptions options;
    options.input = CHECKPOINT;
    options.emit = EmitKind::object;
    options.target = &target;
    options.formats.weights = weights;
    options.plan.caches.context = 64;
    options.plan.functions.chunk = 16;
    return options;
  }

  std::unique_ptr<Front> front(const CompileOptions &options) {
    llvm::Expected<std::unique_ptr<Front>> front = Front::read(options, progress);
    EXPECT_TRUE(static_cast<bool>(front)) << llvm::toString(front.takeError());
    EXPECT_FALSE(static_cast<bool>((*front)->build(options, progress)));
    return std::move(*front);
  }

  mlir::OwningOpRef<mlir::ModuleOp> quantized(const Front &front, const CompileOptions &options) {
    llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>> module = front.quantized(options, progress);
    EXPECT_TRUE(static_cast<bool>(module)) << llvm::toString(module.takeError());
    return std::move(*module);
  }

  /// Code of the only level, and the constant that describes the program.
  std::string code(const Front &front, mlir::ModuleOp quantized, const CompileOptions &options) {
    Back back(front, {options}, progress);
    EXPECT_FALSE(static_cast<bool>(back.build(quantized.clone())));
    llvm::Expected<std::vector<std::string>> levels = back.emit(CodeKind::object);
    EXPECT_TRUE(static_cast<bool>(levels)) << llvm::toString(levels.takeError());
    llvm::Expected<std::string> constant = back.programObject();
    EXPECT_TRUE(static_cast<bool>(constant)) << llvm::toString(constant.takeError());
    EXPECT_EQ(levels->size(), 1u);
    return levels->front() + *constant;
  }

  std::string codeAlone(const CompileOptions &options) {
    std::unique_ptr<Front> alone = front(options);
    return code(*alone, *quantized(*alone, options), options);
  }

  TargetRegistry targets;
  std::unique_ptr<TargetBackend> x86, arm;
  Progress progress{/*quiet=*/true};
};

TEST_F(FrontTest, TwoTargetsShareImportAndQuantization) {
  CompileOptions forX86 = optionsFor(*x86), forArm = optionsFor(*arm);
  std::unique_ptr<Front> shared = front(forX86);
  mlir::OwningOpRef<mlir::ModuleOp> module = quantized(*shared, forX86);
  std::string x86Code = code(*shared, *module, forX86), armCode = code(*shared, *module, forArm);
  EXPECT_NE(x86Code, armCode);
  EXPECT_EQ(x86Code, codeAlone(forX86));
  EXPECT_EQ(armCode, codeAlone(forArm));
}

// As the programs that run while compiling are: other formats, caches and chunks of the same fused module.
TEST_F(FrontTest, OtherFormatsLeaveTheFusedModuleAsItIs) {
  CompileOptions narrow = optionsFor(*x86), wide = optionsFor(*x86, Format::F32);
  wide.plan.caches.format = Format::F32;
  wide.plan.observe = true;
  std::unique_ptr<Front> shared = front(narrow);
  std::string wideCode = code(*shared, *quantized(*shared, wide), wide);
  std::string narrowCode = code(*shared, *quantized(*shared, narrow), narrow);
  EXPECT_NE(wideCode, narrowCode);
  EXPECT_EQ(narrowCode, codeAlone(narrow));
}

TEST_F(FrontTest, ContextIsAtMostTheModels) {
  CompileOptions options = optionsFor(*x86);
  Checkpoint checkpoint;
  checkpoint.config.context = 2048;
  options.plan.functions.chunk = 4000;
  EXPECT_FALSE(static_cast<bool>(settleContext(options, checkpoint)));
  EXPECT_EQ(options.plan.caches.context, 2048);
  EXPECT_EQ(options.plan.functions.chunk, 2048);
  options.asked.context = 2049;
  llvm::Error error = settleContext(options, checkpoint);
  EXPECT_TRUE(error.isA<UsageError>());
  EXPECT_EQ(llvm::toString(std::move(error)), "--context: error: 2049 positions asked for, the model has 2048");
}

} // namespace
