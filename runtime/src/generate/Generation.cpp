#include "generate/Generation.h"

#include "base/Signals.h"
#include "base/Text.h"

namespace gemmac::runtime {

// Why to stop after `token`, the last of result.tokens; false to go on.
static bool ends(const Model &model, int32_t token, bool stopString, int64_t limit, const Answer &answer,
                 Generation &result) {
  auto because = [&](EndReason reason) {
    result.reason = reason;
    return true;
  };
  if (model.isStop(token))
    return because(EndReason::stopToken);
  if (stopString)
    return because(EndReason::stopString);
  if (static_cast<int64_t>(result.tokens.size()) == limit)
    return because(EndReason::limit);
  if (model.session.remaining() == 0)
    return because(EndReason::context);
  if (answer.outputFailed())
    return because(EndReason::outputFailed);
  if (interruptRequested())
    return because(EndReason::interrupted);
  return false;
}

Status generate(Model &model, Sampler &sampler, std::span<const int32_t> prompt, int64_t limit, Answer &answer,
                Generation &result) {
  Session &session = model.session;
  result = {};
  result.tokens.reserve(static_cast<size_t>(session.remaining()) + 1);
  answer.begin();
  for (int32_t token : prompt)
    sampler.accept(token);
  const int64_t start = session.position();
  const double begin = monotonicSeconds();
  const float *logits = session.feed(prompt);
  const double fed = monotonicSeconds();
  result.promptTokens = session.position() - start;
  result.promptSeconds = fed - begin;
  if (!logits) {
    result.reason = EndReason::interrupted;
    return {};
  }
  for (;;) {
    const int32_t token = sampler.sample(logits);
    if (token < 0)
      return {ExitCode::internal, format("the model yielded no finite logits at position %lld",
                                         static_cast<long long>(session.position() - 1))};
    session.announce({&token, 1});
    sampler.accept(token);
    result.tokens.push_back(token);
    const bool stopString = answer.push(token);
    if (ends(model, token, stopString, limit, answer, result))
      break;
    logits = session.decode(token);
  }
  answer.finish();
  result.answerSeconds = monotonicSeconds() - fed;
  return {};
}

std::string summarize(const Model &model, const Generation &result) {
  auto rate = [](size_t count, double seconds) { return seconds > 0 ? static_cast<double>(count) / seconds : 0.0; };
  const size_t decoded = result.tokens.empty() ? 0 : result.tokens.size() - 1; // the prompt yields the first token
  return format("%lld prompt tokens in %.2f s (%.1f/s), %zu tokens in %.2f s (%.1f/s), %s, %s",
                static_cast<long long>(result.promptTokens), result.promptSeconds,
                rate(static_cast<size_t>(result.promptTokens), result.promptSeconds), result.tokens.size(),
                result.answerSeconds, rate(decoded, result.answerSeconds), model.level->name,
                model.threads->describe().c_str());
}

} // namespace gemmac::runtime
