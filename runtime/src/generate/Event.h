// What happens while an answer is generated, told to whoever asked for it.
#ifndef GEMMAC_RUNTIME_EVENT_H
#define GEMMAC_RUNTIME_EVENT_H

#include "base/Status.h"

#include <cstdint>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

enum class EndReason { stopToken, stopString, limit, context, interrupted, outputFailed, failed };

/// What came of a request.
struct Generation {
  EndReason reason = EndReason::stopToken;
  Status status;               ///< what went wrong where the reason is failed
  int64_t promptTokens = 0;    ///< fed, fewer than given after an interrupt
  std::vector<int32_t> tokens; ///< generated, a stop token included; all but the last were fed
  double promptSeconds = 0, answerSeconds = 0;
};

struct Event {
  enum class Kind {
    prompt,      ///< some of the prompt was fed: `fed` of `total` tokens
    thoughtOpen, ///< what follows is a thought
    thought,     ///< `text` of a thought
    thoughtClose,
    text,    ///< `text` of the answer, which no stop string can begin in
    control, ///< `text` of a control token; where they are asked for
    token,   ///< `token` was generated; what it says came before
    end      ///< the last event: `generation`
  };
  Kind kind;
  std::string_view text = {};
  int32_t token = -1;
  const float *logits = nullptr; ///< f32 [vocab] that the token was chosen from
  int64_t fed = 0, total = 0;
  const Generation *generation = nullptr;
};

/// Who asked. Events come from the thread that generates, one at a time; what they point to is valid until the return.
class Listener {
public:
  virtual ~Listener() = default;
  /// \returns false where nobody needs more: the answer ends then, with its next token at the latest.
  virtual bool on(const Event &event) = 0;
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_EVENT_H
