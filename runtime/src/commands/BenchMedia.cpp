#include "commands/BenchMedia.h"

#include "base/Clock.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaPlan.h"
#include "features/Resample.h"
#include "generate/Sampler.h"

namespace gemmac::runtime {

static long long number(int64_t value) { return value; }

BenchMedia::BenchMedia(Model &model, const BenchOptions &options)
    : model(model), options(options), encoder(model.engine(), model.cpu.threadPool(), &interruption()) {}

/// Takes note of what will be measured.
Status BenchMedia::take(MediaRuns runs) {
  if (runs.tokens + 2 > model.engine().context())
    return {ExitCode::context, format("bench: a %s of %lld tokens does not fit into the context of %lld", runs.kind,
                                      number(runs.tokens), number(model.engine().context()))};
  all.push_back(std::move(runs));
  return {};
}

/// Its pixels are the same every time.
static Status randomPicture(ImageSize size, Picture &picture) {
  picture.width = static_cast<uint32_t>(size.width);
  picture.height = static_cast<uint32_t>(size.height);
  const size_t bytes = picture.rowBytes() * picture.height;
  picture.pixels.reset(static_cast<uint8_t *>(malloc(bytes)));
  if (!picture.pixels)
    return {ExitCode::inputOutput, "bench: no memory for a picture of " + formatBytes(bytes)};
  Random random(1);
  for (size_t i = 0; i < bytes; ++i)
    picture.pixels[i] = static_cast<uint8_t>(i % 4 == 3 ? 255 : random.next() >> 56);
  return {};
}

Status BenchMedia::preparePicture() {
  ImagePlan plan;
  const ImageSize size{options.imageHeight, options.imageWidth};
  if (Status status = planImage(model.program, size, options.imageTokens, plan); !status.ok())
    return status;
  return take({.kind = "picture",
               .what = format("%lld x %lld pixels", number(size.width), number(size.height)),
               .function = plan.function,
               .tokens = plan.tokens,
               .frontEndBytes = frontEndBytes(size, plan)});
}

Status BenchMedia::prepareSound() {
  sound.rate = static_cast<uint32_t>(modelRate);
  sound.samples.resize(static_cast<size_t>(options.audioSeconds * static_cast<double>(modelRate)));
  Random random(1);
  for (float &sample : sound.samples)
    sample = static_cast<float>(random.uniform() - 0.5);
  AudioPlan plan;
  const auto samples = static_cast<int64_t>(sound.samples.size());
  if (Status status = planAudio(model.program, samples, modelRate, plan); !status.ok())
    return status;
  return take({.kind = "sound",
               .what = format("%g s", options.audioSeconds),
               .function = plan.function,
               .tokens = plan.tokens,
               .frontEndBytes = frontEndBytes(samples, plan)});
}

Status BenchMedia::prepare() {
  if (options.imageWidth > 0)
    if (Status status = preparePicture(); !status.ok())
      return status;
  return options.audioSeconds > 0 ? prepareSound() : Status();
}

Status BenchMedia::measureOne(Sequence &sequence, const MediaRuns &one, MediaRuns &measured) {
  const gemmac_media &media = model.program.media;
  const bool image = one.function->name != std::string_view(GEMMAC_ENCODE_AUDIO);
  std::shared_ptr<const SoftRows> rows;
  encoder.forget();
  Picture picture; // the encoder takes it
  Status status = image ? randomPicture({options.imageHeight, options.imageWidth}, picture) : Status();
  if (status.ok())
    status = image ? encoder.image(std::move(picture), options.imageTokens, rows) : encoder.audio(sound, rows);
  if (!status.ok())
    return status;
  SoftPrompt prompt;
  prompt.tokens.push_back(image ? media.image_begin : media.audio_begin);
  prompt.append(rows);
  prompt.tokens.push_back(image ? media.image_end : media.audio_end);
  sequence.reset();
  Logits logits;
  const double begin = monotonicSeconds();
  if (status = sequence.feed(prompt, logits, &interruption()); !status.ok())
    return status;
  const auto &[prepareSeconds, encodeSeconds] = encoder.times();
  measured.prepare.values.push_back(prepareSeconds);
  measured.encode.values.push_back(encodeSeconds);
  measured.firstToken.values.push_back(prepareSeconds + encodeSeconds + monotonicSeconds() - begin);
  return {};
}

Status BenchMedia::measure(Sequence &sequence, std::vector<MediaRuns> &measured) {
  if (measured.empty())
    measured = all;
  for (size_t i = 0; i < all.size(); ++i)
    if (Status status = measureOne(sequence, all[i], measured[i]); !status.ok())
      return status;
  return {};
}

static double tokensPerSecond(const MediaRuns &one) { return static_cast<double>(one.tokens) / one.encode.median(); }

static double multiplyAddsPerSecond(const MediaRuns &one) {
  return tokensPerSecond(one) * static_cast<double>(one.function->multiply_adds);
}

static std::string milliseconds(const Runs &runs) {
  return format("%10.2f ms (%.2f to %.2f)", runs.median() * 1e3, runs.lowest() * 1e3, runs.highest() * 1e3);
}

std::string mediaText(const std::vector<MediaRuns> &media) {
  std::string text;
  for (const MediaRuns &one : media) {
    text += format("%-8s %s, %lld tokens, %zu runs\n", one.kind, one.what.c_str(), number(one.tokens),
                   one.encode.values.size());
    text += format("  prepare %s: from decoded pixels or samples to what the tower reads\n",
                   milliseconds(one.prepare).c_str());
    text += format("  encode  %s: %.2f tokens/s, %.2f G multiply-adds/s (attention not counted)\n",
                   milliseconds(one.encode).c_str(), tokensPerSecond(one), multiplyAddsPerSecond(one) / 1e9);
    text += format("  first   %s: until the logits behind it, all of the above included\n",
                   milliseconds(one.firstToken).c_str());
  }
  return text;
}

nlohmann::ordered_json mediaJson(const std::vector<MediaRuns> &media) {
  auto list = nlohmann::ordered_json::array();
  for (const MediaRuns &one : media)
    list.push_back({{"kind", one.kind},
                    {"what", one.what},
                    {"function", one.function->name},
                    {"tokens", one.tokens},
                    {"prepare_seconds", one.prepare.median()},
                    {"encode_seconds", one.encode.median()},
                    {"first_token_seconds", one.firstToken.median()},
                    {"tokens_per_second", tokensPerSecond(one)},
                    {"multiply_adds_per_second", multiplyAddsPerSecond(one)},
                    {"prepare_runs", one.prepare.values},
                    {"encode_runs", one.encode.values},
                    {"first_token_runs", one.firstToken.values}});
  return list;
}

} // namespace gemmac::runtime
