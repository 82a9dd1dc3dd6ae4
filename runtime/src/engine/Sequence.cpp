#include "engine/Sequence.h"

#include "base/Text.h"

#include <algorithm>
#include <cassert>

namespace gemmac::runtime {

size_t commonPrefix(std::span<const int32_t> one, std::span<const int32_t> other) {
  const auto most = static_cast<ptrdiff_t>(std::min(one.size(), other.size()));
  return static_cast<size_t>(std::mismatch(one.begin(), one.begin() + most, other.begin()).first - one.begin());
}

Sequence::Sequence(Engine &engine, int64_t slot) : device(engine), slot(slot) {
  const auto &[decode, verify, prefill] = engine.functions();
  fedTokens.reserve(static_cast<size_t>(engine.context()));
  rows.reserve(
      static_cast<size_t>(std::max({engine.maxRows(decode), engine.maxRows(verify), engine.maxRows(prefill)})));
}

Sequence::~Sequence() { device.clear(slot); }

void Sequence::reset() {
  fedTokens.clear();
  highest = 0;
}

int64_t Sequence::rewind(int64_t position) {
  assert(position >= 0 && position <= this->position());
  const gemmac_program &program = device.program();
  for (const gemmac_cache &cache : std::span(program.caches, static_cast<size_t>(program.cache_count))) {
    const int64_t needed = std::max<int64_t>(0, position - cache.window + 1), kept = highest - cache.positions;
    if (cache.window > 0 && cache.shared_from < 0 && position < this->position() && needed < kept) {
      reset();
      return 0;
    }
  }
  fedTokens.resize(static_cast<size_t>(position));
  return position;
}

int64_t Sequence::keepCommon(std::span<const int32_t> wanted) {
  return wanted.empty() ? rewind(0)
                        : rewind(static_cast<int64_t>(commonPrefix(fedTokens, wanted.first(wanted.size() - 1))));
}

void Sequence::pretendPosition(int64_t position) {
  device.occupy(slot);
  fedTokens.assign(static_cast<size_t>(position), 0);
  highest = position;
}

void Sequence::copyFrom(const Sequence &other) {
  assert(&device == &other.device);
  device.copy(other.slot, slot);
  fedTokens.assign(other.fedTokens.begin(), other.fedTokens.end());
  highest = other.highest;
}

Sequence::Saved Sequence::save() const { return {fedTokens, highest, device.save(slot)}; }

Status Sequence::restore(const Saved &saved) {
  if (static_cast<int64_t>(saved.tokens.size()) > device.context())
    return {ExitCode::usage, format("the snapshot holds %zu tokens, but the context %lld", saved.tokens.size(),
                                    static_cast<long long>(device.context()))};
  if (Status status = device.restore(slot, saved.snapshot); !status.ok())
    return status;
  fedTokens.assign(saved.tokens.begin(), saved.tokens.end());
  highest = saved.highest;
  return {};
}

gemmac_row Sequence::row(int32_t token, bool logits, int64_t ahead) const {
  const uint16_t flags = logits ? GEMMAC_ROW_LOGITS : 0;
  return {token, static_cast<int32_t>(position() + ahead), static_cast<int32_t>(slot), flags, 0};
}

void Sequence::fed(std::span<const int32_t> tokens) {
  fedTokens.insert(fedTokens.end(), tokens.begin(), tokens.end());
  highest = std::max(highest, position());
}

Status Sequence::run(const gemmac_function &function, std::span<const int32_t> tokens, Logits &logits,
                     const Cancel *cancel) {
  const bool wanted = &function != &device.functions().prefill;
  rows.clear();
  for (int32_t token : tokens)
    rows.push_back(row(token, wanted, static_cast<int64_t>(rows.size())));
  Status status = device.run(function, rows, logits, cancel);
  if (status.ok())
    fed(tokens);
  return status;
}

Status Sequence::prefill(std::span<const int32_t> tokens, const Cancel *cancel) {
  Logits none;
  const auto chunk = static_cast<size_t>(device.maxRows(device.functions().prefill));
  while (!tokens.empty()) {
    const std::span<const int32_t> part = tokens.first(std::min(tokens.size(), chunk));
    if (Status status = run(device.functions().prefill, part, none, cancel); !status.ok())
      return status;
    tokens = tokens.subspan(part.size());
  }
  return {};
}

Status Sequence::decode(int32_t token, Logits &logits, const Cancel *cancel) {
  return run(device.functions().decode, {&token, 1}, logits, cancel);
}

Status Sequence::verify(std::span<const int32_t> tokens, Logits &logits, const Cancel *cancel) {
  return run(device.functions().verify, tokens, logits, cancel);
}

Status Sequence::feed(std::span<const int32_t> tokens, Logits &logits, const Cancel *cancel) {
  device.announce(tokens);
  if (Status status = prefill(tokens.first(tokens.size() - 1), cancel); !status.ok())
    return status;
  return decode(tokens.back(), logits, cancel);
}

} // namespace gemmac::runtime
