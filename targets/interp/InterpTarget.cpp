#include "targets/interp/InterpTarget.h"

#include "llvm/TargetParser/Host.h"

namespace gemmac {

namespace {

class InterpTarget : public TargetBackend {
public:
  InterpTarget(std::string name, PlanModel model) : targetName(std::move(name)), model(model) {}

  llvm::StringRef name() const override { return targetName; }
  llvm::StringRef triple() const override { return host; }
  std::vector<TargetLevel> levels() const override {
    return {{"scalar", /*features=*/0, "planned steps, one number after the other"}};
  }
  bool runsHere(const TargetLevel &) const override { return true; }
  std::unique_ptr<TargetBackend> withLevels(llvm::ArrayRef<std::string>) const override {
    return std::make_unique<InterpTarget>(*this);
  }
  PlanModel planModel() const override { return model; }
  ObjectFormat objectFormat() const override { return ObjectFormat::module; }

  void buildLowering(mlir::OpPassManager &) const override {}
  llvm::Expected<std::string> emit(mlir::ModuleOp planned, llvm::StringRef level, CodeKind kind) const override {
    if (level != "scalar" || kind != CodeKind::object)
      return llvm::createStringError("gemmac: error: target " + targetName +
                                     " has objects of the level scalar and no other code; "
                                     "leave --emit and --isa out");
    std::string text;
    llvm::raw_string_ostream os(text);
    planned.print(os);
    return text + "\n";
  }

private:
  std::string targetName;
  PlanModel model;
  std::string host = llvm::sys::getProcessTriple();
};

} // namespace

std::unique_ptr<TargetBackend> createInterpTarget() {
  return std::make_unique<InterpTarget>("interp", PlanModel{.spmd = false, .splitKeys = false});
}

std::unique_ptr<TargetBackend> createSpmdInterpTarget() {
  return std::make_unique<InterpTarget>("interp-spmd", PlanModel());
}

} // namespace gemmac
