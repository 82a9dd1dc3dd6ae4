// `PROG media`: what the model sees of pictures and videos and hears of sounds.
#include "commands/Commands.h"
#include "commands/Npy.h"

#include "base/Files.h"
#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaFile.h"
#include "encode/MediaPlan.h"
#include "encode/SoundParts.h"
#include "encode/VideoFrames.h"
#include "terminal/ProgressLine.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <optional>
#include <unistd.h>

namespace gemmac::runtime {

namespace {
using Json = nlohmann::ordered_json;
using Rows = std::shared_ptr<const SoftRows>;

/// What is told of a file.
struct Description {
  std::string file, kind, text, note;
  Json json;
};

/// Looks at files one after the other.
struct Teller {
  const gemmac_program &program;
  const MediaOptions &options;
  const int64_t context;
  MediaEncoder *encoder; ///< null: no tower runs

  Status picture(MediaFile &file, Description &result, std::vector<Rows> &rows) const;
  Status sound(const MediaFile &file, Description &result, std::vector<Rows> &rows) const;
  Status video(MediaFile &file, Description &result, std::vector<Rows> &rows) const;
  Status tell(const MediaOption &option, Description &result, std::vector<Rows> &rows) const;
};
} // namespace

static long long number(int64_t value) { return value; }

static Json jsonOf(ImageSize size, const ImagePlan &plan) {
  return {{"width", size.width},
          {"height", size.height},
          {"resized_width", plan.size.width},
          {"resized_height", plan.size.height},
          {"columns", plan.columns},
          {"rows", plan.rows}};
}

static std::string textOf(ImageSize size, const ImagePlan &plan) {
  return format("%lld x %lld pixels, seen as %lld x %lld: %lld x %lld patches, %lld tokens", number(size.width),
                number(size.height), number(plan.size.width), number(plan.size.height), number(plan.columns),
                number(plan.rows), number(plan.tokens));
}

Status Teller::picture(MediaFile &file, Description &result, std::vector<Rows> &rows) const {
  const ImageSize size{file.picture.height, file.picture.width};
  ImagePlan plan;
  if (Status status = about(file, planImage(program, size, options.imageTokens, plan)); !status.ok())
    return status;
  result.text = textOf(size, plan) + format(" of at most %lld", number(plan.budget));
  result.json.update(jsonOf(size, plan));
  result.json.update({{"tokens", plan.tokens}, {"most_tokens", plan.budget}});
  if (!encoder)
    return {};
  return about(file, encoder->image(std::move(file.picture), options.imageTokens, rows.emplace_back()));
}

/// One after another: "750 + 250".
static std::string sumOf(const std::vector<AudioPlan> &parts, int64_t AudioPlan::*member) {
  std::string text;
  for (const AudioPlan &part : parts)
    text += (text.empty() ? "" : " + ") + std::to_string(part.*member);
  return text;
}

Status Teller::sound(const MediaFile &file, Description &result, std::vector<Rows> &rows) const {
  const auto samples = static_cast<int64_t>(file.sound.samples.size());
  const bool cut = isCut(program, samples, file.sound.rate), split = cut && options.audioSplit;
  std::vector<Sound> cuts;
  if (split)
    cuts = soundParts(file.sound);
  const std::span<const Sound> heard = split ? std::span<const Sound>(cuts) : std::span(&file.sound, 1);
  std::vector<AudioPlan> plans;
  auto parts = Json::array();
  int64_t frames = 0, tokens = 0;
  for (const Sound &part : heard) {
    const auto count = static_cast<int64_t>(part.samples.size());
    AudioPlan &plan = plans.emplace_back();
    if (Status status = about(file, planAudio(program, count, part.rate, plan)); !status.ok())
      return status;
    if (encoder)
      if (Status status = about(file, encoder->audio(part, rows.emplace_back())); !status.ok())
        return status;
    frames += plan.frames;
    tokens += plan.tokens;
    parts.push_back({{"seconds", static_cast<double>(count) / part.rate}, {"tokens", plan.tokens}});
  }
  const double seconds = static_cast<double>(samples) / file.sound.rate;
  result.text = format("%.2f s at %u Hz: %s frames, %s tokens", seconds, file.sound.rate,
                       sumOf(plans, &AudioPlan::frames).c_str(), sumOf(plans, &AudioPlan::tokens).c_str());
  if (split)
    result.text += format(" in %zu parts", plans.size());
  else if (cut)
    result.text += "; only the first 30 seconds are heard";
  result.json.update({{"seconds", seconds},
                      {"rate", file.sound.rate},
                      {"frames", frames},
                      {"tokens", tokens},
                      {"cut", cut && !split}});
  if (split)
    result.json["parts"] = std::move(parts);
  result.note = file.sound.note;
  if (seconds >= MediaLimits().seconds)
    result.note = format("%s: no more than its first %u seconds were read", file.name.c_str(), MediaLimits().seconds);
  return {};
}

Status Teller::video(MediaFile &file, Description &result, std::vector<Rows> &rows) const {
  ImagePlan plan;
  ImageSize size{};
  auto frames = Json::array();
  std::string times;
  auto take = [&](Picture &&picture, double begin, int64_t &tokens) -> Status {
    size = {picture.height, picture.width};
    if (Status status = planImage(program, size, frameTokens, plan); !status.ok())
      return status;
    tokens = plan.tokens;
    const std::string time = frameTime(begin);
    times += " " + time;
    frames.push_back({{"time", time}, {"seconds", begin}, {"number", file.video->chosenFrame(frames.size())}});
    return encoder ? encoder->image(std::move(picture), frameTokens, rows.emplace_back()) : Status();
  };
  ProgressLine progress(encoder ? "encoding frames" : "reading frames");
  if (Status status = takeFrames(*file.video, file.name, {options.frames, context, &progress}, take, result.note);
      !status.ok())
    return status;
  const auto count = static_cast<int64_t>(frames.size()), all = static_cast<int64_t>(file.video->frames());
  result.text = format("%.2f s, %lld of %lld frames: %s each of at most %lld, %lld in all; at%s", file.video->seconds(),
                       number(count), number(all), textOf(size, plan).c_str(), number(plan.budget),
                       number(count * plan.tokens), times.c_str());
  result.json.update(jsonOf(size, plan));
  result.json.update({{"tokens", count * plan.tokens},
                      {"frame_tokens", plan.tokens},
                      {"most_frame_tokens", plan.budget},
                      {"seconds", file.video->seconds()},
                      {"all_frames", all},
                      {"frames", std::move(frames)}});
  return {};
}

Status Teller::tell(const MediaOption &option, Description &result, std::vector<Rows> &rows) const {
  MediaFile file;
  ReadRequest request{option.kind, {options.frameRate, options.ffmpeg}};
  // How long it is, is told; but where only its beginning is heard, no length is too much.
  if (hearsPart(program) && !options.audioSplit)
    request.seconds = MediaLimits().seconds;
  if (Status status = readMediaFile(option.path, request, file); !status.ok())
    return status;
  result.file = option.path;
  result.kind = nameOf(file.kind);
  result.json["file"] = option.path;
  Status status = file.kind == MediaKind::picture ? picture(file, result, rows)
                  : file.kind == MediaKind::video ? video(file, result, rows)
                                                  : sound(file, result, rows);
  result.json["kind"] = result.kind;
  if (!result.note.empty()) {
    notice("note: " + result.note);
    result.json["note"] = result.note;
  }
  return status;
}

static std::string textOf(const std::vector<Description> &all) {
  size_t width = 0;
  for (const Description &one : all)
    width = std::max(width, one.file.size());
  std::string text;
  for (const Description &one : all)
    text += format("%-*s  %-7s  %s\n", static_cast<int>(width), one.file.c_str(), one.kind.c_str(), one.text.c_str());
  return text;
}

static std::string jsonOf(const std::vector<Description> &all) {
  auto list = Json::array();
  for (const Description &one : all)
    list.push_back(one.json);
  return list.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

/// Writes soft tokens, one part after the other, to `out`, which is not committed.
static Status writeSoftTokens(const std::vector<Rows> &all, const std::string &path, NewFile &out) {
  size_t count = 0;
  for (const Rows &rows : all)
    count += rows->count();
  if (Status status = out.create(path); !status.ok())
    return status;
  const std::string header = npyHeader(count, all.front()->width);
  if (Status status = out.write(header.data(), header.size()); !status.ok())
    return status;
  for (const Rows &rows : all)
    if (Status status = out.write(rows->values.data(), rows->values.size() * sizeof(float)); !status.ok())
      return status;
  return {};
}

Status runMedia(Model &model, const Options &options) {
  const TellOptions &told = options.tell;
  const int64_t context = options.engine.context, compiled = model.program.context;
  const bool encodes = !told.soft.empty();
  ProgressLine progress("encoding");
  std::optional<MediaEncoder> encoder;
  if (encodes)
    encoder.emplace(model.engine(), model.cpu.threadPool(), &interruption(), &progress);
  const Teller teller{model.program, told.media, context > 0 ? std::min(context, compiled) : compiled,
                      encodes ? &*encoder : nullptr};
  std::vector<Description> all;
  std::vector<Rows> rows;
  for (const MediaOption &file : told.media.files)
    if (Status status = teller.tell(file, all.emplace_back(), rows); !status.ok())
      return status;
  NewFile softTokens;
  if (encodes)
    if (Status status = writeSoftTokens(rows, told.soft, softTokens); !status.ok())
      return status;
  Output out(STDOUT_FILENO, "standard output");
  out.write(options.json ? jsonOf(all) : textOf(all));
  if (Status status = out.finish(); !status.ok())
    return status;
  return encodes ? softTokens.commit() : Status();
}

} // namespace gemmac::runtime
