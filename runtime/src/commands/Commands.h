// One function per thing that a compiled program does. Each writes results to standard output and returns its status;
// notices and statistics go to standard error.
#ifndef GEMMAC_RUNTIME_COMMANDS_H
#define GEMMAC_RUNTIME_COMMANDS_H

#include "generate/Model.h"
#include "generate/Options.h"
#include "generate/Prompt.h"
#include "generate/TextEvents.h"

namespace gemmac::runtime {

class MediaEncoder;

/// What of an answer in a chat is told: the stop strings asked for and the end of a turn where it is text.
TextOptions chatText(const Model &model, const AnswerOptions &options);
/// A sampler that also leaves out what the checkpoint says.
Sampler samplerFor(const gemmac_program &program, const SamplingOptions &options);

/// Reads a picture, a sound or a video and has its tower make soft tokens of it, which join `media`, a video as its
/// frames. Tells what people should know, unless they want quiet.
/// \param kind  gets what the file is.
Status addMedium(MediaEncoder &encoder, const AnswerOptions &options, const MediaOption &file,
                 std::vector<Medium> &media, MediaKind &kind);

// The model's data is open in all of them, its engine only where said.

/// One prompt, one answer. Engine open.
Status runAnswer(Model &model, const AnswerOptions &options, const SamplingOptions &sampling);
/// A conversation on the terminal. Engine open.
Status runChat(Model &model, const AnswerOptions &options, const SamplingOptions &sampling);
Status runInfo(Model &model, const Options &options);
/// What the model sees of pictures and videos and hears of sounds. Engine open where soft tokens are wanted.
Status runMedia(Model &model, const Options &options);
/// Standard input to token ids and back.
Status runTokenize(Model &model, bool special);
Status runDetokenize(Model &model, bool special);
/// Engine open.
Status runBench(Model &model, const BenchOptions &options, bool json);
/// Engine open.
Status runScore(Model &model, const ScoreOptions &options, bool json);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_COMMANDS_H
