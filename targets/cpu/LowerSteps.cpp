// gemma-lower-steps: functions as straight code that calls kernels.
#include "targets/Targets.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/StackModel.h"
#include "targets/cpu/kernels/StepLowering.h"

#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gemmac {

#define GEN_PASS_DEF_LOWERSTEPS
#include "targets/cpu/Passes.h.inc"

namespace {

/// Lowers an op that is one of `Steps`.
template <typename... Steps> struct StepSwitch {
  static LogicalResult lowerStep(Operation &op, StepLowering &lowering) {
    return TypeSwitch<Operation *, LogicalResult>(&op)
        .Case<Steps...>([&](auto step) { return lower(step, lowering); })
        .Default([](Operation *other) { return other->emitError("has no tile kernel on CPU targets"); });
  }
};

/// The functions of the runtime that functions call; `mark` is null in programs without gemma.mark.
struct RuntimeCalls {
  func::FuncOp barrier, mark;
};

class LowerSteps : public impl::LowerStepsBase<LowerSteps> {
public:
  using LowerStepsBase::LowerStepsBase;
  /// The options then say the same, for pipelines that are printed.
  explicit LowerSteps(const CpuTarget &cpu) : given(&cpu) {
    target = cpu.name().str();
    for (const IsaLevel &level : cpu.isaLevels())
      levels.push_back(level.name);
  }

  void runOnOperation() override {
    std::unique_ptr<CpuTarget> named = given ? nullptr : targetNamed();
    const CpuTarget *cpu = given ? given : named.get();
    program = cpu ? gemma::ProgramOp::of(getOperation()) : gemma::ProgramOp();
    if (!program || failed(checkPlanned()))
      return signalPassFailure();
    for (const IsaLevel &level : cpu->isaLevels())
      if ((levels.empty() || llvm::is_contained(levels, level.name)) && failed(lowerLevel(level)))
        return signalPassFailure();
  }

private:
  const CpuTarget *given = nullptr; // null: as the options say
  gemma::ProgramOp program;

  /// The target that the options name; null after an error.
  std::unique_ptr<CpuTarget> targetNamed() {
    std::unique_ptr<CpuTarget> found = createCpuTarget(target);
    if (!found) {
      getOperation().emitError("unknown target '") << target << "'";
      return nullptr;
    }
    for (const std::string &name : levels)
      if (llvm::none_of(found->isaLevels(), [&](const IsaLevel &level) { return level.name == name; })) {
        getOperation().emitError("target '") << target << "' has no ISA level '" << name << "'";
        return nullptr;
      }
    return found;
  }

  // What the plan stage must have left behind; the note names the pass at fault.
  LogicalResult checkPlanned() {
    if (!program.getScratchBytes())
      return program.emitError("has no scratch_bytes").attachNote()
             << "run gemma-place-buffers before gemma-lower-steps";
    auto result = getOperation()->walk([&](Operation *op) {
      if (auto function = dyn_cast<gemma::FunctionOp>(op); function && function.getSerial()) {
        function.emitError("is serial: its steps would run at once on threads; run gemma-plan-steps with spmd");
        return WalkResult::interrupt();
      }
      StringRef missing, what = "offset";
      auto packed = dyn_cast<gemma::PackedOp>(op);
      if (auto buffer = dyn_cast<gemma::BufferOp>(op); buffer && !buffer.getOffset())
        missing = "gemma-place-buffers";
      else if (packed && !packed.getOffset())
        missing = "gemma-plan-steps";
      else if (packed && packed.getLayout() == Layout::Table && !packed.getRowAt())
        missing = "gemma-plan-steps", what = "row_at";
      else if (auto cache = dyn_cast<gemma::KvCacheOp>(op); cache && !cache.getOffset())
        missing = "gemma-plan-caches";
      if (missing.empty())
        return WalkResult::advance();
      (op->emitError("has no ") << what).attachNote() << "run " << missing << " before gemma-lower-steps";
      return WalkResult::interrupt();
    });
    return failure(result.wasInterrupted());
  }

  bool hasMarks() {
    return llvm::any_of(getOperation().getOps<gemma::FunctionOp>(),
                        [](gemma::FunctionOp function) { return !function.getBody().getOps<gemma::MarkOp>().empty(); });
  }

  static func::FuncOp declareMark(KernelBuilder &b) {
    auto type = b.getFunctionType({b.ptrType(), b.getI64Type(), b.getI64Type()}, {});
    auto mark = func::FuncOp::create(b, "gemmac_mark", type);
    mark.setPrivate();
    return mark;
  }

  LogicalResult lowerLevel(const IsaLevel &level) {
    ModuleOp planned = getOperation();
    KernelBuilder b(planned.getLoc(), &getContext());
    b.setInsertionPointToEnd(planned.getBody());
    auto module = ModuleOp::create(b, StringRef(level.name));
    SymbolTable symbols(planned);
    KernelLibrary kernels(module, level, static_cast<int64_t>(program.getSlotBytes()));
    b.setInsertionPointToEnd(module.getBody());
    auto type = b.getFunctionType({b.ptrType(), b.getI64Type()}, {});
    auto barrier = func::FuncOp::create(b, "gemmac_barrier", type);
    barrier.setPrivate();
    RuntimeCalls runtime{barrier, hasMarks() ? declareMark(b) : func::FuncOp()};
    // All threads stride by the program's figure of scratch, which is the largest of its functions.
    const StepLowering::ProgramBytes bytes{.scratch = static_cast<int64_t>(*program.getScratchBytes()),
                                           .tableRow = static_cast<int64_t>(program.getTableRowBytes().value_or(0))};
    for (auto function : planned.getOps<gemma::FunctionOp>()) {
      b.setInsertionPointToEnd(module.getBody());
      auto entry = func::FuncOp::create(b, ("gemmac_" + function.getSymName() + "_" + level.name).str(), type);
      b.setInsertionPointToStart(entry.addEntryBlock());
      StepLowering lowering(bytes, function, kernels, b, symbols, entry.getArgument(0), entry.getArgument(1));
      if (failed(lowerFunction(function, entry, runtime, lowering)))
        return failure();
      func::ReturnOp::create(b);
    }
    return checkStack(module, level);
  }

  // The memory contract counts what StackModel says.
  LogicalResult checkStack(ModuleOp module, const IsaLevel &level) {
    int64_t taken = stackTaken(module), bound = stackBound(getOperation(), level).all;
    if (taken <= bound)
      return success();
    return program.emitError("kernels of level '")
           << level.name << "' keep " << taken << " bytes on the stack; at most " << bound
           << " were promised (targets/cpu/StackModel.cpp)";
  }

  static LogicalResult lowerFunction(gemma::FunctionOp function, func::FuncOp entry, RuntimeCalls runtime,
                                     StepLowering &lowering) {
    int64_t marks = 0;
    Block &body = function.getBody().front();
    for (auto op = body.begin(); op != body.end(); ++op) {
      auto blocks = dyn_cast<gemma::BlocksOp>(*op);
      if (!blocks) {
        if (failed(lowerOp(*op, entry, runtime, lowering, marks)))
          return failure();
        continue;
      }
      bool lowered = true;
      lowering.inBlocks(static_cast<int64_t>(blocks.getRows()), [&] {
        for (++op; !isa<gemma::EndBlocksOp>(*op); ++op)
          lowered = lowered && succeeded(lowerOp(*op, entry, runtime, lowering, marks));
      });
      if (!lowered)
        return failure();
    }
    return success();
  }

  static LogicalResult lowerOp(Operation &op, func::FuncOp entry, RuntimeCalls runtime, StepLowering &lowering,
                               int64_t &marks) {
    KernelBuilder &b = lowering.b;
    Value call = entry.getArgument(0), thread = entry.getArgument(1);
    if (isa<gemma::BufferOp, gemma::InputOp, gemma::OutputOp>(op))
      return success();
    if (isa<gemma::MarkOp>(op))
      func::CallOp::create(b, runtime.mark, ValueRange{call, thread, b.i64(marks++)});
    else if (isa<gemma::BarrierOp>(op))
      func::CallOp::create(b, runtime.barrier, ValueRange{call, thread});
    else
      return gemma::OfAllSteps<StepSwitch>::lowerStep(op, lowering);
    return success();
  }
};

} // namespace

std::unique_ptr<Pass> createLowerSteps(const CpuTarget &target) { return std::make_unique<LowerSteps>(target); }

void registerCpuPasses() {
  registerPass([] { return createLowerSteps(); });
}

} // namespace gemmac
