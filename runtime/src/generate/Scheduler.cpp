#include "generate/Scheduler.h"

#include "base/Clock.h"
#include "base/Text.h"

#include <algorithm>

namespace gemmac::runtime {

Scheduler::Scheduler(const Model &model, Engine &engine) : model(model), engine(engine) {
  const auto &[decode, verify, prefill] = engine.functions();
  const auto most =
      static_cast<size_t>(std::max({engine.maxRows(decode), engine.maxRows(verify), engine.maxRows(prefill)}));
  parts.reserve(most);
  rows.reserve(most);
}

/// What is wrong with one request must not fail a call that others are in.
Status Scheduler::check(const Request &request) const {
  if (request.prompt.empty())
    return {ExitCode::usage, "the prompt is empty"};
  for (int32_t token : request.prompt)
    if (token < 0 || token >= model.program.vocab)
      return {ExitCode::usage, format("the prompt has token %d, expected 0 to %lld", token,
                                      static_cast<long long>(model.program.vocab - 1))};
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
  engine.announce(request.prompt);
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

void Scheduler::takePrompt(Running &one, size_t most) {
  const size_t count = std::min(one.request.prompt.size() - 1 - one.fed, most);
  for (size_t i = 0; i < count; ++i)
    rows.push_back(one.request.sequence.row(one.request.prompt[one.fed + i], false, static_cast<int64_t>(i)));
  parts.push_back({&one, count});
}

void Scheduler::prefill() {
  parts.clear();
  rows.clear();
  const auto most = static_cast<size_t>(engine.maxRows(engine.functions().prefill));
  const size_t count = running.size(), first = promptTurn;
  for (size_t i = 0; i < count && rows.size() < most; ++i) {
    Running &one = *running[(first + i) % count];
    if (!one.readsPrompt() || cancelled(one))
      continue;
    takePrompt(one, most - rows.size());
    if (parts.size() == 1) // others come first next time
      promptTurn = (first + i + 1) % count;
  }
  Logits none;
  if (rows.empty() || !call(engine.functions().prefill, none).ok())
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
