#include "targets/interp/Frame.h"

namespace gemmac::interp {

const Weights &Memory::weights(mlir::FlatSymbolRefAttr name) {
  auto [found, isNew] = unpacked.try_emplace(name.getValue().str());
  if (isNew)
    found->second = unpack(symbols.lookup<gemma::PackedOp>(name.getValue()), data);
  return found->second;
}

std::span<const float> Memory::vector(mlir::FlatSymbolRefAttr name) {
  return name ? weights(name).valueRow(0) : std::span<const float>();
}

Cache &Memory::cache(mlir::FlatSymbolRefAttr name) {
  return caches.try_emplace(name.getValue().str(), symbols.lookup<gemma::KvCacheOp>(name.getValue())).first->second;
}

int64_t Frame::rows(mlir::Value buffer) const {
  return rows() * (mlir::cast<gemma::BufferType>(buffer.getType()).getRows() / maxRows);
}

Rows &Frame::operator[](mlir::Value buffer) {
  auto [found, isNew] = buffers.try_emplace(buffer.getAsOpaquePointer());
  if (isNew)
    found->second = Rows(mlir::cast<gemma::BufferType>(buffer.getType()));
  return found->second;
}

} // namespace gemmac::interp
