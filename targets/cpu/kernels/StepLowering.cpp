// Addresses and shares of threads in functions (layout of a call: gemmac/call.h).
#include "targets/cpu/kernels/StepLowering.h"

using namespace mlir;

namespace gemmac {

StepLowering::StepLowering(ProgramBytes bytes, gemma::FunctionOp function, KernelLibrary &kernels, KernelBuilder &b,
                           const SymbolTable &symbols, Value call, Value thread)
    : b(b), kernels(kernels), thread(thread), symbols(symbols), bytes(bytes),
      mostRows(static_cast<int64_t>(function.getMaxRows())) {
  auto field = [&](size_t offset, Type type) { return b.load(type, b.at(call, static_cast<int64_t>(offset)), 8); };
  data = field(offsetof(gemmac_call, data), b.ptrType());
  arena = field(offsetof(gemmac_call, arena), b.ptrType());
  Value scratches = field(offsetof(gemmac_call, scratch), b.ptrType());
  cacheBase = field(offsetof(gemmac_call, cache), b.ptrType());
  tableRows = field(offsetof(gemmac_call, table_rows), b.ptrType());
  rowsAt = field(offsetof(gemmac_call, rows), b.ptrType());
  threads = field(offsetof(gemmac_call, threads), b.getI64Type());
  rows = mostRows == 1 ? b.i64(1) : field(offsetof(gemmac_call, row_count), b.getI64Type());
  runsAt = field(offsetof(gemmac_call, runs), b.ptrType());
  runs = field(offsetof(gemmac_call, run_count), b.getI64Type());
  scratch = b.at(scratches, b.mul(thread, bytes.scratch));
}

void StepLowering::inBlocks(int64_t blockRows, llvm::function_ref<void()> body) {
  const Value allRows = rows, allRowsAt = rowsAt, allTableRows = tableRows;
  const int64_t all = mostRows;
  b.loop(b.i64(0), allRows, blockRows, [&](Value first) {
    blockFirst = first;
    mostRows = blockRows;
    rows = b.minSigned(b.sub(allRows, first), b.i64(blockRows));
    rowsAt = b.at(allRowsAt, b.mul(first, int64_t{sizeof(gemmac_row)}));
    tableRows = b.at(allTableRows, b.mul(first, bytes.tableRow));
    body();
  });
  blockFirst = {};
  mostRows = all;
  rows = allRows;
  rowsAt = allRowsAt;
  tableRows = allTableRows;
}

Value StepLowering::pointer(Value buffer) {
  Value place = wholePointer(buffer);
  if (!blockFirst || buffer.getDefiningOp<gemma::BufferOp>().getBlock())
    return place;
  return b.at(place, b.mul(rowsBefore(buffer), cast<gemma::BufferType>(buffer.getType()).getRowBytes()));
}

Value StepLowering::wholePointer(Value buffer) {
  auto op = buffer.getDefiningOp<gemma::BufferOp>();
  return b.at(op.getScope() == Scope::Shared ? arena : scratch, static_cast<int64_t>(*op.getOffset()));
}

Value StepLowering::table(StringRef name) {
  gemma::PackedOp op = packed(name);
  return op.getRowAt() ? b.at(tableRows, static_cast<int64_t>(*op.getRowAt())) : weight(name);
}

StepLowering::Range StepLowering::share(Value count) {
  return {b.div(b.mul(count, thread), threads), b.div(b.mul(count, b.add(thread, 1)), threads)};
}

// Rows of the call are shared out, whatever the buffer: rows that belong together are one thread's in all row steps.
StepLowering::Range StepLowering::rowRange(bool replicated, Value buffer) {
  Range range = replicated ? Range{b.i64(0), rows} : share(rows);
  return {b.mul(range.first, perRow(buffer)), b.mul(range.second, perRow(buffer))};
}

LogicalResult StepLowering::callKernel(func::FuncOp kernel, ArrayRef<Value> arguments) {
  func::CallOp::create(b, kernel, ValueRange(arguments));
  return success();
}

void StepLowering::addScale(SmallVectorImpl<Value> &arguments, std::optional<llvm::APFloat> scale) {
  if (scale)
    arguments.push_back(b.f32(static_cast<float>(scale->convertToDouble())));
}

void StepLowering::addBounds(SmallVectorImpl<Value> &arguments, std::optional<ArrayRef<double>> bounds) {
  if (bounds)
    for (double bound : *bounds)
      arguments.push_back(b.f32(static_cast<float>(bound)));
}

void StepLowering::addOutputs(SmallVectorImpl<Value> &arguments, gemma::PackedOp weight, size_t count) {
  auto add = [&](std::optional<ArrayRef<double>> given, size_t perSource) {
    if (!given)
      return;
    SmallVector<double> numbers(*given);
    numbers.resize(count * perSource);
    for (double number : numbers)
      arguments.push_back(b.f32(static_cast<float>(number)));
  };
  add(weight.getOutputScales(), 1);
  add(weight.getOutputBounds(), 2);
}

} // namespace gemmac
