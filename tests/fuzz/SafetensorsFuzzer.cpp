// A safetensors file's header: the first byte's low bit decides whether the file ends with the input or, as real ones
// do, far behind it. What is accepted must lie inside the file and match its shape.
#include "FuzzSupport.h"
#include "compiler/import/Safetensors.h"

using namespace gemmac;

static void checkTensors(const StoredTensors &tensors, uint64_t fileBytes) {
  uint64_t sum = 0;
  for (const auto &[name, tensor] : tensors) {
    require(tensor.offset <= fileBytes && tensor.bytes <= fileBytes - tensor.offset);
    for (int64_t size : tensor.shape)
      require(size >= 0);
    sum += tensor.bytes;
  }
  require(sum <= fileBytes); // no byte belongs to two tensors
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  llvm::StringRef input = fuzzInput(data, size);
  bool endsLater = !input.empty() && input.front() & 1;
  llvm::StringRef file = input.drop_front(input.empty() ? 0 : 1);
  uint64_t fileBytes = file.size() + (endsLater ? uint64_t(1) << 33 : 0);
  if (std::optional<uint64_t> length = accepted(safetensorsHeaderBytes("f", file.take_front(8), fileBytes))) {
    require(*length <= fileBytes - 8);
    if (auto tensors = accepted(readSafetensorsHeader("f", file.substr(8, *length), fileBytes)))
      checkTensors(*tensors, fileBytes);
  }
  // The JSON alone, so that mutations need not keep the length right.
  if (auto tensors = accepted(readSafetensorsHeader("f", file, fileBytes + 8)))
    checkTensors(*tensors, fileBytes + 8);
  if (auto index = accepted(readSafetensorsIndex("f", file)))
    for (const auto &[tensor, name] : *index)
      require(!name.empty() && !llvm::StringRef(name).contains('/') && !llvm::StringRef(name).starts_with("."));
  return 0;
}
