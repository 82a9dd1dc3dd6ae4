#include "targets/cpu/kernels/Kernels.h"

#include "llvm/ADT/bit.h"
#include "llvm/Support/FormatVariadic.h"

using namespace mlir;

namespace gemmac {

std::string bitsText(double value) { return llvm::formatv("{0:x-}", llvm::bit_cast<uint64_t>(value)).str(); }

PackedShape::PackedShape(gemma::PackedOp packed)
    : format(packed.getFormat()), layout(packed.getLayout()), batch(packed.getBatch()), rows(packed.getRows()),
      cols(packed.getCols()), scaleBlocks(packed.getScaleBlocks()), interleave(packed.getInterleave()) {}

std::string PackedShape::text() const {
  std::string table = layout != Layout::Table ? "" : rowScales() ? "_rows" + std::to_string(scaleBlocks) : "_rows";
  return llvm::formatv("{0}_n{1}{2}{3}", panelText(), rows, table, batch > 1 ? "_e" + std::to_string(batch) : "").str();
}

std::string PackedShape::panelText() const {
  return llvm::formatv("{0}_k{1}{2}{3}", nameOf(format), cols, staticInput ? "_static" : "", wideInput ? "_wide" : "")
      .str();
}

CacheShape::CacheShape(gemma::KvCacheOp cache)
    : format(*cache.getFormat()), heads(cache.getHeads()), headDim(cache.getHeadDim()),
      padded(paddedHeadDim(cache.getHeadDim())), capacity(*cache.getCapacity()), window(cache.getWindow()),
      rotated(cache.getRotated()), turnedPairs(cache.getTurnedPairs().value_or(0)),
      keyExponent(cache.getKeyExponent().value_or(0)), valueExponent(cache.getValueExponent().value_or(0)),
      paddedKey(cache.getPaddedKeyDim()) {}

CacheShape::CacheShape(int64_t heads, int64_t headDim)
    : format(Format::F32), heads(heads), headDim(headDim), padded(paddedHeadDim(headDim)), capacity(0), window(0),
      rotated(false), turnedPairs(0), keyExponent(0), valueExponent(0), paddedKey(padded) {}

std::string CacheShape::text() const {
  std::string text = llvm::formatv("{0}{1}_h{2}_d{3}_c{4}_w{5}", nameOf(format), rotated ? "_rotated" : "", heads,
                                   headDim, capacity, window);
  if (turnedPairs)
    text += "_turned" + std::to_string(turnedPairs);
  if (keyExponent || valueExponent)
    text += llvm::formatv("_exponents{0}_{1}", keyExponent, valueExponent);
  return text;
}

Value CallRows::field(Value row, size_t offset) {
  Value place = b.at(b.at(rows, b.mul(row, int64_t{sizeof(gemmac_row)})), static_cast<int64_t>(offset));
  return arith::ExtSIOp::create(b, b.getI64Type(), b.load(b.getI32Type(), place));
}

func::FuncOp KernelLibrary::get(const std::string &name, int64_t pointers, int64_t counts, Body body, int64_t floats) {
  if (auto known = module.lookupSymbol<func::FuncOp>(name))
    return known;
  KernelBuilder b(module.getLoc(), module.getContext());
  b.setInsertionPointToEnd(module.getBody());
  SmallVector<Type> types(pointers, b.ptrType());
  types.append(counts, b.getI64Type());
  types.append(floats, b.getF32Type());
  auto function = func::FuncOp::create(b, name, b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr("llvm.linkage", LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  b.setInsertionPointToStart(function.addEntryBlock());
  body(b, function.getArguments());
  func::ReturnOp::create(b);
  return function;
}

} // namespace gemmac
