// The token loop, for any number of answers at once: feed prompts, then sample and decode until something ends each.
#ifndef GEMMAC_RUNTIME_SCHEDULER_H
#define GEMMAC_RUNTIME_SCHEDULER_H

#include "engine/Sequence.h"
#include "generate/Sampler.h"
#include "generate/TextEvents.h"

#include <memory>
#include <span>
#include <vector>

namespace gemmac::runtime {

/// An answer that is wanted. What it refers to must live, and nobody else use it, until the end event.
struct Request {
  Sequence &sequence; ///< what it holds comes before the prompt
  Feed prompt;        ///< not empty; fits into the sequence; its last token is no soft one
  Sampler &sampler;   ///< gets the prompt to count
  Listener &listener;
  Generation &result; ///< gets what comes of it
  TextOptions text = {};
  int64_t limit = 0;                   ///< tokens to generate; 0: until the model stops or the context is full
  const Cancel *cancel = nullptr;      ///< null: nobody can stop it
  std::span<const int32_t> given = {}; ///< for measurements: these are generated, whatever the logits; no token stops
};

/// Runs requests side by side: each step makes at most one call with the next token of up to
/// maxRows(functions().verify) answers, and one of as much of the prompts as a call takes. Answers, and prompts, take
/// turns where there are more. Requests come and go at any step, and what each of them gets does not depend on the
/// others. After the start of a request nothing is allocated for it. One thread at a time.
class Scheduler {
public:
  /// `model` and `engine` must outlive it.
  Scheduler(const Model &model, Engine &engine);

  /// Takes a request in; also from within an event.
  /// \returns usage for a prompt that is empty, has a token beyond the vocabulary, or soft rows that the program does
  ///          not take, and for a sequence that another request uses; context for a prompt that is too long.
  Status add(const Request &request);

  /// Takes all requests one step further. Errors go to those whom they concern, as their end.
  void step();

  bool idle() const { return running.empty(); }

private:
  /// A request on its way.
  struct Running {
    explicit Running(const Model &model, const Request &request)
        : request(request), text(model, request.listener, request.text) {}
    bool readsPrompt() const { return fed + 1 < request.prompt.size(); }
    /// The token to be fed for the next logits.
    int32_t next() const { return begun() ? request.result.tokens.back() : request.prompt.back(); }
    /// What of its prompt goes into the next call, `chunk` tokens at most.
    Feed::Piece nextPiece(size_t chunk) const {
      return request.prompt.first(request.prompt.size() - 1).piece(fed, chunk);
    }
    bool begun() const { return !request.result.tokens.empty(); }

    const Request request;
    TextEvents text;
    size_t fed = 0; // of the prompt
    double began = 0, promptRead = 0;
    bool ended = false;
  };
  /// What one request puts into a call.
  struct Part {
    Running *whose;
    size_t rows;
  };

  Status check(const Request &request) const;
  Status checkTokens(const Feed &prompt) const;
  bool cancelled(Running &one);
  void decode();
  void prefill();
  void takePrompt(Running &one, const gemmac_function &function);
  Status call(const gemmac_function &function, Logits &logits);
  void take(Running &one, const float *logits);
  int32_t choose(Running &one, const float *logits);
  void endAfter(Running &one, int32_t token, bool stopString, bool heard);
  void end(Running &one, EndReason reason);

  const Model &model;
  Engine &engine;
  std::vector<std::unique_ptr<Running>> running;
  size_t decodeTurn = 0, promptTurn = 0; // who comes first in the next step
  std::vector<Part> parts;               // of a call
  std::vector<gemmac_row> rows;
};

/// Runs one request to its end, alone. \returns as add(), and what went wrong on the way.
Status generate(const Model &model, const Request &request);

/// One line for people: counts, speeds, level, threads.
std::string summarize(const Engine &engine, const Generation &result);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SCHEDULER_H
