// gemma-lower-steps: phase functions as straight code that calls kernels.
#include "targets/Targets.h"
#include "targets/cpu/Passes.h"
#include "targets/cpu/kernels/Kernels.h"

#include "gemmac/abi.h"

#include "llvm/ADT/TypeSwitch.h"

#include <cstddef>

using namespace mlir;

namespace gemmac {

#define GEN_PASS_DEF_LOWERSTEPS
#include "targets/cpu/Passes.h.inc"

namespace {

/// Emits one phase function of one level.
class PhaseEmitter {
public:
  PhaseEmitter(ModuleOp planned, gemma::PhaseOp phase, KernelLibrary &kernels, KernelBuilder &b, SymbolTable &symbols)
      : planned(planned), phase(phase), kernels(kernels), b(b), symbols(symbols) {}

  /// `barrier` and `mark` are what the runtime provides; `mark` is null in a phase without gemma.mark.
  LogicalResult emit(func::FuncOp function, func::FuncOp barrier, func::FuncOp mark) {
    call = function.getArgument(0);
    thread = function.getArgument(1);
    loadCall();
    int64_t marks = 0;
    for (Operation &op : phase.getBody().front()) {
      if (isa<gemma::BufferOp>(op))
        continue;
      if (isa<gemma::MarkOp>(op)) {
        func::CallOp::create(b, mark, ValueRange{call, thread, b.i64(marks++)});
        continue;
      }
      if (isa<gemma::BarrierOp>(op)) {
        func::CallOp::create(b, barrier, ValueRange{call, thread});
        continue;
      }
      LogicalResult done =
          TypeSwitch<Operation *, LogicalResult>(&op)
              .Case<gemma::EmbedStep, gemma::RopeTableStep, gemma::NormStep, gemma::AddNormStep, gemma::QuantizeStep,
                    gemma::PleCombineStep, gemma::RouteStep, gemma::MatmulStep, gemma::QkvStep, gemma::AttentionStep,
                    gemma::AttentionSplitsStep, gemma::AttentionMergeStep, gemma::ExpertUpStep, gemma::ExpertDownStep,
                    gemma::ObserveStep>([&](auto step) { return emitStep(step); })
              .Default([](Operation *other) { return other->emitError("has no tile kernel on CPU targets"); });
      if (failed(done))
        return failure();
    }
    return success();
  }

private:
  ModuleOp planned;
  gemma::PhaseOp phase;
  KernelLibrary &kernels;
  KernelBuilder &b;
  SymbolTable &symbols;
  Value call, thread, threads, data, arena, scratch, cacheBase, tableRows, rowsAt, rows, runsAt, runs;

  void loadCall() {
    auto field = [&](size_t offset, Type type) { return b.load(type, b.at(call, static_cast<int64_t>(offset)), 8); };
    data = field(offsetof(gemmac_call, data), b.ptrType());
    arena = field(offsetof(gemmac_call, arena), b.ptrType());
    Value scratches = field(offsetof(gemmac_call, scratch), b.ptrType());
    cacheBase = field(offsetof(gemmac_call, cache), b.ptrType());
    tableRows = field(offsetof(gemmac_call, table_rows), b.ptrType());
    rowsAt = field(offsetof(gemmac_call, rows), b.ptrType());
    threads = field(offsetof(gemmac_call, threads), b.getI64Type());
    rows = oneRow() ? b.i64(1) : field(offsetof(gemmac_call, row_count), b.getI64Type());
    runsAt = field(offsetof(gemmac_call, runs), b.ptrType());
    runs = field(offsetof(gemmac_call, run_count), b.getI64Type());
    // All threads stride by the program's figure, which is the largest of its phases.
    auto stride = planned->getAttrOfType<IntegerAttr>("gemma.scratch_bytes");
    scratch = b.at(scratches, b.mul(thread, stride ? stride.getInt() : *phase.getScratchBytes()));
  }

  int64_t maxRows() { return static_cast<int64_t>(phase.getMaxRows()); }
  bool oneRow() { return maxRows() == 1; }

  Value pointer(Value buffer) {
    auto op = buffer.getDefiningOp<gemma::BufferOp>();
    return b.at(op.getScope() == Scope::Shared ? arena : scratch, static_cast<int64_t>(*op.getOffset()));
  }
  gemma::PackedOp packed(StringRef name) { return symbols.lookup<gemma::PackedOp>(name); }
  Value weight(StringRef name) { return b.at(data, static_cast<int64_t>(*packed(name).getOffset())); }
  /// Where a kernel finds the rows of a table: panels are mapped, tables read by row were read for the call's tokens.
  Value table(StringRef name) {
    gemma::PackedOp op = packed(name);
    return op.getRowAt() ? b.at(tableRows, static_cast<int64_t>(*op.getRowAt())) : weight(name);
  }
  int64_t tableRowBytes() {
    auto bytes = planned->getAttrOfType<IntegerAttr>("gemma.table_row_bytes");
    return bytes ? bytes.getInt() : 0;
  }
  gemma::KvCacheOp cache(StringRef name) { return symbols.lookup<gemma::KvCacheOp>(name); }
  Value cachePointer(StringRef name) { return b.at(cacheBase, static_cast<int64_t>(*cache(name).getOffset())); }

  using Range = std::pair<Value, Value>;
  /// This thread's part of `count` tiles.
  Range share(Value count) {
    return {b.div(b.mul(count, thread), threads), b.div(b.mul(count, b.add(thread, 1)), threads)};
  }
  Range rowRange(bool replicated, int64_t perRow = 1) {
    Range range = replicated ? Range{b.i64(0), rows} : share(rows);
    return {b.mul(range.first, perRow), b.mul(range.second, perRow)};
  }
  LogicalResult callKernel(func::FuncOp kernel, ArrayRef<Value> arguments) {
    func::CallOp::create(b, kernel, ValueRange(arguments));
    return success();
  }
  /// Adds the static scale of a row step to what its kernel gets, if there is one.
  void addScale(SmallVectorImpl<Value> &arguments, std::optional<llvm::APFloat> scale) {
    if (scale)
      arguments.push_back(b.f32(static_cast<float>(scale->convertToDouble())));
  }
  /// Adds `count` scales of the grids of products, as the sources of `weight` have them; those beyond are 0.
  void addOutputScales(SmallVectorImpl<Value> &arguments, gemma::PackedOp weight, size_t count) {
    if (!weight.getOutputScales())
      return;
    SmallVector<double> scales(*weight.getOutputScales());
    scales.resize(count);
    for (double scale : scales)
      arguments.push_back(b.f32(static_cast<float>(scale)));
  }

  LogicalResult emitStep(gemma::EmbedStep step) {
    PackedShape shape(packed(step.getTable()));
    auto [first, last] = rowRange(step.getReplicated());
    auto kernel = kernels.embed(shape, tableRowBytes(), step.getResult().getType().getRowBytes(),
                                step.getScale().convertToDouble());
    return callKernel(kernel, {table(step.getTable()), rowsAt, pointer(step.getResult()), first, last});
  }

  LogicalResult emitStep(gemma::RopeTableStep step) {
    auto [first, last] = rowRange(step.getReplicated());
    return callKernel(kernels.ropeTable(step.getHeadDim(), step.getRope()),
                      {pointer(step.getResult()), rowsAt, first, last});
  }

  LogicalResult emitStep(gemma::NormStep step) {
    auto [first, last] = rowRange(step.getReplicated());
    SmallVector<Value> arguments{pointer(step.getInput()), pointer(step.getResult())};
    if (step.getWeight())
      arguments.push_back(weight(*step.getWeight()));
    arguments.append({first, last});
    addScale(arguments, step.getStaticScale());
    return callKernel(kernels.norm(step), arguments);
  }

  LogicalResult emitStep(gemma::AddNormStep step) {
    auto [first, last] = rowRange(step.getReplicated());
    auto kernel = kernels.addNorm(step.getInput().getType(), step.getLayerScale().has_value(),
                                  step.getEps().convertToDouble(), step.getCount());
    Value input = pointer(step.getInput()), branch = pointer(step.getBranch()), result = pointer(step.getResult());
    if (!step.getLayerScale())
      return callKernel(kernel, {input, branch, result, weight(step.getWeight()), first, last});
    return callKernel(kernel,
                      {input, branch, result, weight(step.getWeight()), weight(*step.getLayerScale()), first, last});
  }

  LogicalResult emitStep(gemma::QuantizeStep step) {
    auto [first, last] = rowRange(step.getReplicated(), step.getPerRow());
    SmallVector<Value> arguments{pointer(step.getInput()), pointer(step.getResult()), first, last};
    addScale(arguments, step.getStaticScale());
    return callKernel(kernels.quantize(step), arguments);
  }

  LogicalResult emitStep(gemma::PleCombineStep step) {
    PackedShape shape(packed(step.getTable()));
    auto [first, last] = rowRange(step.getReplicated());
    return callKernel(kernels.pleCombine(step, shape, tableRowBytes()),
                      {pointer(step.getContext_()), pointer(step.getResult()), table(step.getTable()),
                       weight(step.getNorm()), first, last});
  }

  LogicalResult emitStep(gemma::RouteStep step) {
    auto [first, last] = rowRange(step.getReplicated());
    return callKernel(kernels.route(step), {pointer(step.getScores()), pointer(step.getPicks()),
                                            pointer(step.getWeights()), weight(step.getPerExpertScale()), first, last});
  }

  LogicalResult emitStep(gemma::MatmulStep step) {
    gemma::PackedOp matrix = packed(step.getWeight());
    KernelLibrary::Matmul shape{.weight = PackedShape(matrix, step.getInput().getType()),
                                .inputRowBytes = step.getInput().getType().getRowBytes(),
                                .resultRowBytes = step.getResult().getType().getRowBytes(),
                                .epilogue = step.getEpilogue(),
                                .outputGrids = matrix.getOutputScales().has_value(),
                                .maxRows = maxRows()};
    Value result = pointer(step.getResult()), factor = result;
    if (step.getFactor()) {
      auto type = cast<gemma::BufferType>(step.getFactor().getType());
      shape.factorRowBytes = type.getRowBytes();
      factor = b.at(pointer(step.getFactor()), static_cast<int64_t>(step.getFactorOffset()) * 4);
    }
    if (step.getCap())
      shape.cap = step.getCap()->convertToDouble();
    int64_t tiles = shape.weight.rows / panelRows / (shape.epilogue == Epilogue::GeGlu ? 2 : 1);
    auto [first, last] = share(b.i64(tiles));
    SmallVector<Value> arguments{pointer(step.getInput()), weight(step.getWeight()), result, factor, rows, first, last};
    addOutputScales(arguments, matrix, 2);
    return callKernel(kernels.matmul(shape), arguments);
  }

  LogicalResult emitStep(gemma::QkvStep step) {
    gemma::PackedOp matrix = packed(step.getWeight());
    PackedShape shape(matrix, step.getInput().getType());
    std::optional<CacheShape> cacheShape;
    Value unused = pointer(step.getRaw()), keysNorm = unused, cacheAt = unused;
    if (step.getCache()) {
      cacheShape.emplace(cache(*step.getCache()));
      keysNorm = weight(*step.getKNorm());
      cacheAt = cachePointer(*step.getCache());
    }
    auto [first, last] = share(b.i64(shape.rows / paddedHeadDim(step.getHeadDim())));
    SmallVector<Value> arguments{pointer(step.getInput()),
                                 weight(step.getWeight()),
                                 pointer(step.getRopeTable()),
                                 pointer(step.getQuery()),
                                 pointer(step.getRaw()),
                                 weight(step.getQNorm()),
                                 keysNorm,
                                 cacheAt,
                                 rowsAt,
                                 rows,
                                 first,
                                 last};
    addOutputScales(arguments, matrix, 3);
    return callKernel(kernels.qkv(step, shape, cacheShape, matrix.getOutputScales().has_value(), maxRows()), arguments);
  }

  LogicalResult emitStep(gemma::AttentionStep step) {
    CacheShape shape(cache(step.getCache()));
    Value cacheAt = cachePointer(step.getCache()), keyNorm = step.getKeyNorm() ? weight(*step.getKeyNorm()) : cacheAt;
    return callKernel(kernels.attention(step, shape), {pointer(step.getQuery()), pointer(step.getResult()), cacheAt,
                                                       keyNorm, rowsAt, runsAt, rows, runs, thread, threads});
  }

  LogicalResult emitStep(gemma::AttentionSplitsStep step) {
    CacheShape shape(cache(step.getCache()));
    Value cacheAt = cachePointer(step.getCache()), keyNorm = step.getKeyNorm() ? weight(*step.getKeyNorm()) : cacheAt;
    return callKernel(kernels.attentionSplits(step, shape),
                      {pointer(step.getQuery()), pointer(step.getParts()), cacheAt, keyNorm, rowsAt, thread, threads});
  }

  LogicalResult emitStep(gemma::AttentionMergeStep step) {
    CacheShape shape(cache(step.getCache()));
    auto [first, last] = rowRange(step.getReplicated());
    SmallVector<Value> arguments{pointer(step.getParts()), pointer(step.getResult()), rowsAt, first, last};
    addScale(arguments, step.getStaticScale());
    return callKernel(kernels.attentionMerge(step, shape), arguments);
  }

  LogicalResult emitStep(gemma::ExpertUpStep step) {
    PackedShape shape(packed(step.getWeight()), step.getInput().getType());
    auto [first, last] = share(b.i64(shape.rows / panelRows / 2));
    return callKernel(kernels.expertUp(step, shape, maxRows()),
                      {pointer(step.getInput()), weight(step.getWeight()), pointer(step.getPicks()),
                       pointer(step.getResult()), rows, first, last});
  }

  LogicalResult emitStep(gemma::ExpertDownStep step) {
    PackedShape shape(packed(step.getWeight()), step.getInput().getType());
    auto [first, last] = share(b.i64(shape.rows / panelRows));
    return callKernel(kernels.expertDown(step, shape, maxRows()),
                      {pointer(step.getInput()), weight(step.getWeight()), pointer(step.getPicks()),
                       pointer(step.getWeights()), pointer(step.getResult()), rows, first, last});
  }

  LogicalResult emitStep(gemma::ObserveStep step) {
    gemma::PackedOp weight = packed(step.getWeight());
    int64_t topK = step.getTopK().value_or(1);
    MomentLayout layout = MomentLayout::of(weight.getCols(), step.getPicks() ? weight.getBatch() : 1);
    auto [first, last] = share(b.i64(layout.panelCount()));
    Value input = pointer(step.getInput()), picks = step.getPicks() ? pointer(step.getPicks()) : input;
    Value moments = b.at(cacheBase, static_cast<int64_t>(step.getOffset()));
    return callKernel(kernels.observe(step, layout), {input, moments, picks, b.mul(rows, topK), first, last});
  }
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
    if (!cpu || failed(checkPlanned()))
      return signalPassFailure();
    for (const IsaLevel &level : cpu->isaLevels())
      if ((levels.empty() || llvm::is_contained(levels, level.name)) && failed(lowerLevel(level)))
        return signalPassFailure();
  }

private:
  const CpuTarget *given = nullptr; // null: as the options say

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

  // What the plan phase must have left behind; the note names the pass at fault.
  LogicalResult checkPlanned() {
    auto result = getOperation()->walk([&](Operation *op) {
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
    return llvm::any_of(getOperation().getOps<gemma::PhaseOp>(),
                        [](gemma::PhaseOp phase) { return !phase.getBody().getOps<gemma::MarkOp>().empty(); });
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
    auto slotBytes = planned->getAttrOfType<IntegerAttr>("gemma.slot_bytes");
    KernelLibrary kernels(module, level, slotBytes ? slotBytes.getInt() : 0);
    b.setInsertionPointToEnd(module.getBody());
    auto type = b.getFunctionType({b.ptrType(), b.getI64Type()}, {});
    auto barrier = func::FuncOp::create(b, "gemmac_barrier", type);
    barrier.setPrivate();
    func::FuncOp mark = hasMarks() ? declareMark(b) : func::FuncOp();
    for (auto phase : planned.getOps<gemma::PhaseOp>()) {
      b.setInsertionPointToEnd(module.getBody());
      std::string name = ("gemmac_" + stringifyPhaseKind(phase.getKind()) + "_" + level.name).str();
      auto function = func::FuncOp::create(b, name, type);
      b.setInsertionPointToStart(function.addEntryBlock());
      if (failed(PhaseEmitter(planned, phase, kernels, b, symbols).emit(function, barrier, mark)))
        return failure();
      func::ReturnOp::create(b);
    }
    return success();
  }
};

} // namespace

std::unique_ptr<Pass> createLowerSteps(const CpuTarget &target) { return std::make_unique<LowerSteps>(target); }

void registerCpuPasses() {
  registerPass([] { return createLowerSteps(); });
}

} // namespace gemmac
