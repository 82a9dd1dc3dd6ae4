// What the command line asks for. Filled in by CommandLine.cpp; everything else only reads it.
#ifndef GEMMAC_RUNTIME_OPTIONS_H
#define GEMMAC_RUNTIME_OPTIONS_H

#include "engine/Engine.h"
#include "generate/Sampler.h"
#include "media/MediaKind.h"

#include <optional>
#include <string>
#include <vector>

namespace gemmac::runtime {

enum class Command { answer, info, media, tokenize, detokenize, bench, score };

struct ChatOptions {
  std::optional<std::string> system; ///< instructions
  gemmac_thinking thinking = GEMMAC_THINK_DEFAULT;
  bool keepThoughts = false; ///< of earlier answers, whatever the template does
};

/// A file to show or play to the model.
struct MediaOption {
  MediaKind kind; ///< none: what it is, is found out
  std::string path;
};

/// Files to show or play, in order, and how.
struct MediaOptions {
  std::vector<MediaOption> files;
  int64_t imageTokens = 0;       ///< most soft tokens of a picture; 0: as the checkpoint has it
  int64_t frames = 0;            ///< of a video, spread evenly; 0: one a second, at most 60
  double frameRate = 0;          ///< frames per second of videos that do not say; 0: 24, of folders 1
  bool audioSplit = false;       ///< sounds of more than 30 seconds are heard in parts, else only their beginning
  std::string ffmpeg = "ffmpeg"; ///< what reads other kinds of files
};

struct AnswerOptions {
  std::optional<std::string> prompt; ///< absent: chat, or standard input when that is no terminal
  std::string promptIds;             ///< file of token ids; empty: none
  int64_t limit = 0;                 ///< tokens to generate; 0: until the model stops or the context is full
  bool raw = false, special = false, printIds = false, quiet = false;
  bool hideThoughts = false, showThoughts = false;
  ChatOptions chat;
  std::vector<std::string> stops;
  MediaOptions media; ///< come with the first message
};

struct TellOptions {
  MediaOptions media;
  std::string soft; ///< file that gets the soft tokens; empty: none
};

struct BenchOptions {
  int64_t promptTokens = 256, decodeTokens = 64, repetitions = 3;
  int64_t depth = 0;                       ///< position of the first token
  int64_t verifyRows = 0;                  ///< of calls with logits for several rows, after the decoded tokens; 0: none
  std::vector<int64_t> sequences;          ///< numbers of sequences to decode together, one after the other
  int64_t imageWidth = 0, imageHeight = 0; ///< of a picture to encode, in pixels; 0: none
  double audioSeconds = 0;                 ///< of a sound to encode; 0: none
  int64_t imageTokens = 0;                 ///< as in MediaOptions
  bool roof = false;                       ///< also measure how fast the weights can be read
  bool kernels = false;                    ///< also say where the time goes
};

struct ScoreOptions {
  std::string ids, logits, text;  ///< file names
  std::string reference, moments; ///< file names
  bool lines = false;             ///< each line of `ids` begins anew
  int64_t prefill = 0;            ///< tokens fed without scores
  int64_t window = 0;             ///< 0: min(context - 1, 255)
  bool decodeOnly = false;
};

struct Options {
  Command command = Command::answer;
  EngineOptions engine;
  SamplingOptions sampling;
  AnswerOptions answer;
  TellOptions tell;
  BenchOptions bench;
  ScoreOptions score;
  bool json = false;    ///< info, media, bench, score
  bool verify = false;  ///< info
  bool special = false; ///< tokenize, detokenize
};

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_OPTIONS_H
