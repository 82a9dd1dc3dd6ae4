#include "generate/Scheduler.h"

#include "base/Clock.h"
#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

Scheduler::Scheduler(const Model &model, Engine &engine) : model(model), engine(engine) {
  const size_t most = mostTextRows(engine);
  parts.reserve(most);
  rows.reserve(most);
}

Status Scheduler::checkTokens(const Feed &prompt) const {
  const auto &[decode, verify, prefill, block] = engine.functions();
  const bool takesSoft = findInput(prefill, GEMMAC_SOFT_TOKENS);
  for (size_t i = 0; i < prompt.size(); ++i) {
    const int32_t token = prompt[i];
    const size_t width = prompt.row(i).size();
    const bool soft = takesSoft && i + 1 < prompt.size() && width == static_cast<size_t>(model.program.hidden);
    if (token >= model.program.vocab || (token < 0 && !soft))
      return {ExitCode::usage, format("the prompt has token %d, expected 0 to %lld", token,
                                      static_cast<long long>(model.program.vocab - 1))};
  }
  for (size_t at = 0; at < prompt.size();) {
    const Feed::Piece piece = prompt.piece(at, prompt.size());
    if (piece.block && (!block || static_cast<int64_t>(piece.rows) > engine.maxRows(*block)))
      return {ExitCode::usage, format("%zu soft tokens of the prompt see each other, but this program takes %lld",
                                      piece.rows, static_cast<long long>(block ? engine.maxRows(*block) : 0))};
    at += piece.rows;
  }
  return {};
}

/// What is wrong with one request must not fail a call that others are in.
Status Scheduler::check(const Request &request) const {
  if (request.prompt.empty())
    return {ExitCode::usage, "the prompt is empty"};
  if (Status status = checkTokens(request.prompt); !status.ok())
    return status;
  for (const std::unique_ptr<Running> &one : running)
    if (!one->ended && &one->request.sequence == &request.sequence)
      return {ExitCode::usage, "the sequence answers another request; wait for its end"};
  if (static_cast<int64_t>(request.prompt.size()) > request.sequence.remaining())
    return {ExitCode::context, format("the prompt has %zu tokens, but only %lld fit", request.prompt.size(),
                                      static_cast<long long>(request.sequence.remaining()))};
  return {};
}

Status Scheduler::add(const Request &request) {
  if (Status status = check(request); !status.ok())
    return status;
  auto one = std::make_unique<Running>(model, request);
  request.result = {};
  request.result.tokens.reserve(static_cast<size_t>(request.sequence.remaining()) + 1);
  one->text.begin();
  for (int32_t token : request.prompt)
    request.sampler.accept(token);
  engine.announce(request.prompt.tokens());
  one->began = monotonicSeconds();
  running.push_back(std::move(one));
  return {};
}

void Scheduler::step() {
  decode();
  prefill();
  std::erase_if(running, [](const std::unique_ptr<Running> &one) { return one->ended; });
}

/// A prompt is left off between two calls; an answer ends after a token (endAfter()).
bool Scheduler::cancelled(Running &one) {
  if (one.ended || one.begun() || !one.request.cancel || !one.request.cancel->requested())
    return one.ended;
  one.request.result.promptSeconds = monotonicSeconds() - one.began;
  end(one, EndReason::interrupted);
  return true;
}

void Scheduler::decode() {
  parts.clear();
  rows.clear();
  const auto most = static_cast<size_t>(engine.maxRows(engine.functions().verify));
  const size_t count = running.size(), first = decodeTurn;
  for (size_t i = 0; i < count && rows.size() < most; ++i) {
    Running &one = *running[(first + i) % count];
    if (one.readsPrompt() || cancelled(one))
      continue;
    parts.push_back({&one, 1});
    rows.push_back(one.request.sequence.row(one.next(), true));
    decodeTurn = (first + i + 1) % count;
  }
  if (rows.empty())
    return;
  Logits logits;
  if (!call(rows.size() == 1 ? engine.functions().decode : engine.functions().verify, logits).ok())
    return;
  for (size_t i = 0; i < parts.size(); ++i)
    take(*parts[i].whose, logits.row(i));
}

/// Puts the next piece of a prompt into the call of `function`, where it goes there and has room.
void Scheduler::takePrompt(Running &one, const gemmac_function &function) {
  const auto room = static_cast<size_t>(engine.maxRows(function)) - rows.size();
  const auto [count, block] = one.nextPiece(room);
  if (block != (&function == engine.functions().prefillBlock) || count > room)
    return;
  const Request &request = one.request;
  for (size_t i = 0; i < count; ++i) {
    const int32_t token = request.prompt[one.fed + i];
    const auto ahead = static_cast<int64_t>(i);
    rows.push_back(block ? request.sequence.blockRow(token, ahead) : request.sequence.row(token, false, ahead));
  }
  if (findInput(function, GEMMAC_SOFT_TOKENS))
    writeSoftRows(engine, function, request.prompt.subspan(one.fed).first(count), rows.size() - count);
  parts.push_back({&one, count});
}

void Scheduler::prefill() {
  parts.clear();
  rows.clear();
  const gemmac_function *function = nullptr; // what the first one needs
  const size_t count = running.size(), first = promptTurn;
  for (size_t i = 0; i < count; ++i) {
    Running &one = *running[(first + i) % count];
    if (!one.readsPrompt() || cancelled(one))
      continue;
    if (!function) {
      function = one.nextPiece(1).block ? engine.functions().prefillBlock : &engine.functions().prefill;
      promptTurn = (first + i + 1) % count; // others come first next time
    }
    if (rows.size() < static_cast<size_t>(engine.maxRows(*function)))
      takePrompt(one, *function);
  }
  Logits none;
  if (rows.empty() || !call(*function, none).ok())
    return;
  for (const Part &part : parts) {
    const auto total = static_cast<int64_t>(part.whose->request.prompt.size());
    part.whose->request.listener.on(
        {.kind = Event::Kind::prompt, .fed = part.whose->request.result.promptTokens, .total = total});
  }
}

/// Runs `rows`, which are those of `parts`; an error ends all of them.
Status Scheduler::call(const gemmac_function &function, Logits &logits) {
  Status status = engine.run(function, rows, logits);
  size_t at = 0;
  for (const auto &[whose, count] : parts) {
    Sequence &sequence = whose->request.sequence;
    for (size_t i = 0; i < count && status.ok(); ++i)
      sequence.fed({&rows[at + i].token, 1});
    at += count;
    if (!status.ok()) {
      whose->request.result.status = status;
      end(*whose, EndReason::failed);
    } else if (!whose->begun()) {
      whose->fed += count;
      whose->request.result.promptTokens += static_cast<int64_t>(count);
    }
  }
  return status;
}

/// \returns -1 where the logits are no numbers.
int32_t Scheduler::choose(Running &one, const float *logits) {
  const Request &request = one.request;
  const size_t at = request.result.tokens.size();
  return at < request.given.size() ? request.given[at] : request.sampler.sample(logits);
}

void Scheduler::take(Running &one, const float *logits) {
  const Request &request = one.request;
  if (!one.begun()) {
    one.promptRead = monotonicSeconds();
    request.result.promptSeconds = one.promptRead - one.began;
    const auto total = static_cast<int64_t>(request.prompt.size());
    request.listener.on({.kind = Event::Kind::prompt, .fed = total, .total = total});
  }
  const int32_t token = choose(one, logits);
  if (token < 0) {
    request.result.status = {ExitCode::internal, format("the model yielded no finite logits at position %lld",
                                                        static_cast<long long>(request.sequence.position() - 1))};
    return end(one, EndReason::failed);
  }
  engine.announce({&token, 1});
  request.sampler.accept(token);
  request.result.tokens.push_back(token);
  const bool stopString = one.text.push(token);
  const bool heard = request.listener.on({.kind = Event::Kind::token, .token = token, .logits = logits});
  endAfter(one, token, stopString, heard);
}

/// Ends a request after `token` where there is a reason to.
void Scheduler::endAfter(Running &one, int32_t token, bool stopString, bool heard) {
  const Request &request = one.request;
  const size_t count = request.result.tokens.size();
  const bool sampled = request.given.empty();
  if (sampled && model.isStop(token))
    return end(one, EndReason::stopToken);
  if (stopString)
    return end(one, EndReason::stopString);
  if (static_cast<int64_t>(count) == request.limit || (!sampled && count == request.given.size()))
    return end(one, EndReason::limit);
  if (request.sequence.remaining() == 0)
    return end(one, EndReason::context);
  if (!heard)
    return end(one, EndReason::outputFailed);
  if (request.cancel && request.cancel->requested())
    return end(one, EndReason::interrupted);
}

void Scheduler::end(Running &one, EndReason reason) {
  const Request &request = one.request;
  request.result.reason = reason;
  one.ended = true;
  one.text.finish();
  if (one.begun())
    request.result.answerSeconds = monotonicSeconds() - one.promptRead;
  request.listener.on({.kind = Event::Kind::end, .generation = &request.result});
}

Status generate(const Model &model, const Request &request) {
  Scheduler scheduler(model, request.sequence.engine());
  if (Status status = scheduler.add(request); !status.ok())
    return status;
  while (!scheduler.idle())
    scheduler.step();
  return request.result.status;
}

std::string summarize(const Engine &engine, const Generation &result) {
  auto rate = [](size_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0.0; };
  const size_t decoded = result.tokens.empty() ? 0 : result.tokens.size() - 1; // the prompt yields the first token
  return format("%lld prompt tokens in %.2f s (%.1f/s), %zu tokens in %.2f s (%.1f/s), %s",
                static_cast<long long>(result.promptTokens), result.promptSeconds,
                rate(static_cast<size_t>(result.promptTokens), result.promptSeconds), result.tokens.size(),
                result.answerSeconds, rate(decoded, result.answerSeconds), engine.describe().c_str());
}

} // namespace gemmac::runtime
