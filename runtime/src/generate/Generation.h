// The token loop: feed a prompt, then sample and decode until something ends it.
#ifndef GEMMAC_RUNTIME_GENERATION_H
#define GEMMAC_RUNTIME_GENERATION_H

#include "generate/Answer.h"
#include "generate/Sampler.h"

#include <span>
#include <vector>

namespace gemmac::runtime {

enum class EndReason { stopToken, stopString, limit, context, interrupted, outputFailed };

struct Generation {
  EndReason reason = EndReason::stopToken;
  int64_t promptTokens = 0;    ///< fed, fewer than given after an interrupt
  std::vector<int32_t> tokens; ///< generated, a stop token included; all but the last were fed
  double promptSeconds = 0, answerSeconds = 0;
};

/// Feeds `prompt` and generates at most `limit` tokens (0: no limit) into `answer` and `result`.
/// The prompt must not be empty and must fit into the session. After the prompt nothing is allocated.
/// \returns internal when the model yields no usable logits.
Status generate(Model &model, Sampler &sampler, std::span<const int32_t> prompt, int64_t limit, Answer &answer,
                Generation &result);

/// One line for people: counts, speeds, level, threads.
std::string summarize(const Model &model, const Generation &result);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_GENERATION_H
