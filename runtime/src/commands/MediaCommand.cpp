// `PROG media`: what the model sees of pictures and hears of sounds.
#include "commands/Commands.h"
#include "commands/Npy.h"

#include "base/Files.h"
#include "base/Notice.h"
#include "base/Signals.h"
#include "base/Text.h"
#include "encode/MediaFile.h"
#include "encode/MediaPlan.h"
#include "terminal/ProgressLine.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <unistd.h>

namespace gemmac::runtime {

namespace {
/// What is told of a file.
struct Description {
  std::string file, kind, text;
  nlohmann::ordered_json json;
};
} // namespace

static long long number(int64_t value) { return value; }

static Status describePicture(const gemmac_program &program, const MediaFile &file, int64_t budget,
                              Description &result) {
  const ImageSize size{file.picture.height, file.picture.width};
  ImagePlan plan;
  if (Status status = about(file, planImage(program, size, budget, plan)); !status.ok())
    return status;
  result.kind = "picture";
  result.text = format("%lld x %lld pixels, seen as %lld x %lld: %lld x %lld patches, %lld tokens of at most %lld",
                       number(size.width), number(size.height), number(plan.size.width), number(plan.size.height),
                       number(plan.columns), number(plan.rows), number(plan.tokens), number(plan.budget));
  result.json.update({{"width", size.width},
                      {"height", size.height},
                      {"resized_width", plan.size.width},
                      {"resized_height", plan.size.height},
                      {"columns", plan.columns},
                      {"rows", plan.rows},
                      {"tokens", plan.tokens},
                      {"most_tokens", plan.budget}});
  return {};
}

static Status describeSound(const gemmac_program &program, const MediaFile &file, Description &result) {
  const auto samples = static_cast<int64_t>(file.sound.samples.size());
  AudioPlan plan;
  if (Status status = about(file, planAudio(program, samples, file.sound.rate, plan)); !status.ok())
    return status;
  const double seconds = static_cast<double>(samples) / file.sound.rate;
  result.kind = "sound";
  result.text = format("%.2f s at %u Hz: %lld frames, %lld tokens", seconds, file.sound.rate, number(plan.frames),
                       number(plan.tokens));
  if (plan.cut)
    result.text += "; only the first 30 seconds are heard";
  result.json.update({{"seconds", seconds},
                      {"rate", file.sound.rate},
                      {"frames", plan.frames},
                      {"tokens", plan.tokens},
                      {"cut", plan.cut}});
  if (!file.sound.note.empty()) {
    notice("note: " + file.sound.note);
    result.json["note"] = file.sound.note;
  }
  return {};
}

static Status describe(const gemmac_program &program, const MediaFile &file, int64_t budget, Description &result) {
  Status status = file.kind == MediaKind::picture ? describePicture(program, file, budget, result)
                                                  : describeSound(program, file, result);
  result.json["kind"] = result.kind;
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
  auto list = nlohmann::ordered_json::array();
  for (const Description &one : all)
    list.push_back(one.json);
  return list.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

/// Has the tower make soft tokens and writes them to `out`, which is not committed.
static Status writeSoftTokens(Model &model, MediaFile &file, int64_t budget, const std::string &path, NewFile &out) {
  ProgressLine progress("encoding");
  MediaEncoder encoder(model.engine(), model.cpu.threadPool(), &interruption(), &progress);
  std::vector<std::shared_ptr<const SoftRows>> all;
  std::string note; // told already
  if (Status status = encodeMediaFile(encoder, file, {.imageTokens = budget}, all, note); !status.ok())
    return status;
  const std::shared_ptr<const SoftRows> &rows = all.front();
  if (Status status = out.create(path); !status.ok())
    return status;
  const std::string header = npyHeader(rows->count(), rows->width);
  if (Status status = out.write(header.data(), header.size()); !status.ok())
    return status;
  return out.write(rows->values.data(), rows->values.size() * sizeof(float));
}

Status runMedia(Model &model, const MediaOptions &options, bool json) {
  const bool encodes = !options.soft.empty();
  if (encodes && options.files.size() > 1)
    return {ExitCode::usage, format("media: --soft writes the soft tokens of one file, got %zu", options.files.size())};
  if (std::ranges::count(options.files, "-") > 1)
    return {ExitCode::usage, "media: '-' takes all of standard input; give it once"};
  NewFile softTokens;
  std::vector<Description> all;
  for (const std::string &path : options.files) {
    MediaFile file;
    if (Status status = readMediaFile(path, {}, file); !status.ok())
      return status;
    Description &one = all.emplace_back(path);
    one.json["file"] = path;
    if (Status status = describe(model.program, file, options.imageTokens, one); !status.ok())
      return status;
    if (encodes)
      if (Status status = writeSoftTokens(model, file, options.imageTokens, options.soft, softTokens); !status.ok())
        return status;
  }
  Output out(STDOUT_FILENO, "standard output");
  out.write(json ? jsonOf(all) : textOf(all));
  if (Status status = out.finish(); !status.ok())
    return status;
  return encodes ? softTokens.commit() : Status();
}

} // namespace gemmac::runtime
