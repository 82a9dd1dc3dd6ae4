#include "engine/Sequence.h"

#include "base/Text.h"

#include <algorithm>
#include <cassert>

namespace gemmac::runtime {

size_t commonPrefix(std::span<const int32_t> one, std::span<const int32_t> other) {
  const auto most = static_cast<ptrdiff_t>(std::min(one.size(), other.size()));
  return static_cast<size_t>(std::mismatch(one.begin(), one.begin() + most, other.begin()).first - one.begin());
}

size_t mostTextRows(const Engine &engine) {
  const auto &[decode, verify, prefill, block] = engine.functions();
  const int64_t most = std::max({engine.maxRows(decode), engine.maxRows(verify), engine.maxRows(prefill)});
  return static_cast<size_t>(block ? std::max(most, engine.maxRows(*block)) : most);
}

void writeSoftRows(const Engine &engine, const gemmac_function &function, const Feed &feed, size_t first) {
  for (size_t i = 0; i < feed.size(); ++i)
    if (feed[i] < 0)
      engine.input(function, GEMMAC_SOFT_TOKENS).write(first + i, feed.row(i));
}

Sequence::Sequence(Engine &engine, int64_t slot) : device(engine), slot(slot) {
  fedTokens.reserve(static_cast<size_t>(engine.context()));
  rows.reserve(mostTextRows(engine));
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

int64_t Sequence::keepCommon(const Feed &wanted) {
  if (wanted.empty())
    return rewind(0);
  const size_t common = commonPrefix(fedTokens, wanted.tokens().first(wanted.size() - 1));
  return rewind(static_cast<int64_t>(wanted.wholeBlocks(common)));
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

gemmac_row Sequence::blockRow(int32_t token, int64_t ahead) const {
  gemmac_row result = row(token, false, ahead);
  result.group = 1;
  return result;
}

void Sequence::fed(std::span<const int32_t> tokens) {
  fedTokens.insert(fedTokens.end(), tokens.begin(), tokens.end());
  highest = std::max(highest, position());
}

Status Sequence::run(const gemmac_function &function, const Feed &tokens, Logits &logits, const Cancel *cancel) {
  const bool block = &function == device.functions().prefillBlock;
  const bool wanted = !block && &function != &device.functions().prefill;
  rows.clear();
  for (int32_t token : tokens) {
    const auto ahead = static_cast<int64_t>(rows.size());
    rows.push_back(block ? blockRow(token, ahead) : row(token, wanted, ahead));
  }
  if (findInput(function, GEMMAC_SOFT_TOKENS))
    writeSoftRows(device, function, tokens, 0);
  Status status = device.run(function, rows, logits, cancel);
  if (status.ok())
    fed(tokens.tokens());
  return status;
}

Status Sequence::prefill(Feed tokens, const Cancel *cancel) {
  Logits none;
  const auto &[decode, verify, prefill, prefillBlock] = device.functions();
  const auto chunk = static_cast<size_t>(device.maxRows(prefill));
  while (!tokens.empty()) {
    const auto [count, block] = tokens.piece(0, chunk);
    if (Status status = run(block ? *prefillBlock : prefill, tokens.first(count), none, cancel); !status.ok())
      return status;
    tokens = tokens.subspan(count);
  }
  return {};
}

Status Sequence::decode(int32_t token, Logits &logits, const Cancel *cancel) {
  return run(device.functions().decode, std::span<const int32_t>(&token, 1), logits, cancel);
}

Status Sequence::verify(std::span<const int32_t> tokens, Logits &logits, const Cancel *cancel) {
  return run(device.functions().verify, tokens, logits, cancel);
}

Status Sequence::feed(const Feed &tokens, Logits &logits, const Cancel *cancel) {
  device.announce(tokens.tokens());
  if (Status status = prefill(tokens.first(tokens.size() - 1), cancel); !status.ok())
    return status;
  return decode(tokens.back(), logits, cancel);
}

} // namespace gemmac::runtime
