#include "compiler/import/Scalars.h"

#include "compiler/import/Json.h"

#include "llvm/ADT/APFloat.h"
#include "llvm/ADT/StringSwitch.h"

using namespace gemmac;
using llvm::StringRef;

static float toFloat(const llvm::fltSemantics &type, StringRef littleEndian) {
  uint64_t bits = 0;
  for (size_t i = 0; i < littleEndian.size(); ++i)
    bits |= static_cast<uint64_t>(static_cast<uint8_t>(littleEndian[i])) << (8 * i);
  return llvm::APFloat(type, llvm::APInt(llvm::APFloat::getSizeInBits(type), bits)).convertToFloat();
}

llvm::Expected<float> gemmac::readScalar(StringRef name, const StoredTensor &tensor, const TensorFiles &stored) {
  StringRef file = stored.files[tensor.file];
  const auto *type = llvm::StringSwitch<const llvm::fltSemantics *>(tensor.dtype)
                         .Case("F32", &llvm::APFloat::IEEEsingle())
                         .Case("F16", &llvm::APFloat::IEEEhalf())
                         .Case("BF16", &llvm::APFloat::BFloat())
                         .Default(nullptr);
  if (!type || !llvm::all_of(tensor.shape, [](int64_t size) { return size == 1; }))
    return importError(file, "tensor {0} has type {1} and shape {2}, expected one number, F32, F16 or BF16",
                       inQuotes(name), tensor.dtype, shapeText(tensor.shape));
  llvm::Expected<std::string> bytes = stored.read(tensor);
  if (!bytes)
    return bytes.takeError();
  return toFloat(*type, *bytes);
}
