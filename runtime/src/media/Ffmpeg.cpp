#include "media/Ffmpeg.h"

#include "base/Text.h"
#include "media/Source.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

namespace gemmac::runtime {

static constexpr double patience = 600; // seconds; a frame a minute of a large film may take one to come
static_assert(std::endian::native == std::endian::little, "samples are asked for in this order");

Status Ffmpeg::start(const std::string &program, const std::string &path, const std::vector<std::string> &words) {
  const std::string file = findProgram(program);
  if (file.empty())
    return {
        ExitCode::inputOutput,
        program.find('/') != program.npos
            ? format("there is no program '%s'", program.c_str())
            : format("there is no program '%s' in PATH; install it or name its file with --ffmpeg", program.c_str())};
  std::vector<std::string> arguments = {"-nostdin",  "-hide_banner", "-v",          "error", "-protocol_whitelist",
                                        "file,pipe", "-i",           "file:" + path};
  arguments.insert(arguments.end(), words.begin(), words.end());
  arguments.emplace_back("pipe:1");
  buffer.resize(size_t{1} << 16);
  at = held = 0;
  return process.start(file, arguments, patience);
}

Status Ffmpeg::fill() {
  at = 0;
  return process.read(buffer.data(), buffer.size(), held);
}

Status Ffmpeg::readLine(std::string &line, size_t most, bool &ended) {
  line.clear();
  for (;;) {
    if (at == held)
      if (Status status = fill(); !status.ok())
        return status;
    ended = held == 0;
    if (ended)
      return {};
    const std::string_view rest(buffer.data() + at, held - at);
    const size_t end = std::min(rest.find('\n'), rest.size());
    line.append(rest.substr(0, end));
    at += std::min(end + 1, rest.size());
    if (line.size() > most)
      return {ExitCode::inputOutput, format("ffmpeg wrote a line of more than %zu bytes", most)};
    if (end < rest.size())
      return {};
  }
}

Status Ffmpeg::read(char *bytes, size_t size, size_t &got) {
  got = 0;
  while (got < size) {
    if (at == held)
      if (Status status = fill(); !status.ok())
        return status;
    if (held == 0)
      break;
    const size_t piece = std::min(size - got, held - at);
    memcpy(bytes + got, buffer.data() + at, piece);
    got += piece;
    at += piece;
  }
  return {};
}

static Status about(std::string_view name, Status status) {
  if (status.message().empty())
    return status;
  return {status.code(), format("cannot read %.*s as a sound: %s", static_cast<int>(name.size()), name.data(),
                                status.message().c_str())};
}

Status readSoundByFfmpeg(const std::string &path, std::string_view name, const std::string &program, uint32_t seconds,
                         Sound &sound) {
  const MediaLimits limits;
  const bool all = seconds == 0;
  if (all)
    seconds = limits.seconds + 1;
  sound = {.rate = 16000, .samples = {}, .note = ""};
  const std::vector<std::string> words = {
      "-map", "0:a:0", "-t", std::to_string(seconds), "-ac", "1", "-ar", "16000", "-c:a", "pcm_f32le", "-f", "f32le"};
  Ffmpeg ffmpeg;
  if (Status status = ffmpeg.start(program, path, words); !status.ok())
    return about(name, status);
  const size_t most = size_t{seconds} * sound.rate;
  std::vector<float> piece(size_t{1} << 14);
  for (size_t got = 1; got > 0;) {
    if (Status status = ffmpeg.read(reinterpret_cast<char *>(piece.data()), piece.size() * sizeof(float), got);
        !status.ok())
      return about(name, status);
    for (size_t i = 0; i < got / sizeof(float); ++i) {
      if (!std::isfinite(piece[i]))
        return about(name, {ExitCode::inputOutput, "ffmpeg gave a sample that is no number that can be used"});
      if (sound.samples.size() < most)
        sound.samples.push_back(piece[i]);
    }
  }
  if (Status status = ffmpeg.finish(); !status.ok())
    return about(name, status);
  if (sound.samples.empty())
    return about(name, {ExitCode::inputOutput, "it has no samples"});
  return all ? checkSound({{}, name, "sound", limits}, sound.rate, 1, sound.samples.size()) : Status();
}

/// Whether ffmpeg finds a stream in a file, by whether it lists something of it.
static Status findStream(const std::string &path, const std::string &program, const std::vector<std::string> &words,
                         bool &found) {
  Ffmpeg ffmpeg;
  if (Status status = ffmpeg.start(program, path, words); !status.ok())
    return status;
  std::string line;
  for (bool ended = false;;) {
    if (Status status = ffmpeg.readLine(line, longestListLine, ended); !status.ok())
      return status;
    if (ended)
      return ffmpeg.finish();
    found = !line.starts_with('#');
    if (found)
      return {};
  }
}

Status findKindByFfmpeg(const std::string &path, const std::string &program, MediaKind &kind) {
  bool found = false;
  Status status = findStream(path, program, {"-map", "0:V:0", "-c", "copy", "-frames:v", "1", "-f", "framecrc"}, found);
  kind = MediaKind::video;
  if (found || status.code() == ExitCode::interrupted || findProgram(program).empty())
    return status;
  status = findStream(path, program, {"-map", "0:a:0", "-c", "copy", "-frames:a", "1", "-f", "framecrc"}, found);
  kind = MediaKind::sound;
  if (found || status.code() == ExitCode::interrupted)
    return status;
  return {ExitCode::inputOutput,
          "ffmpeg finds neither a video nor a sound in it" + (status.message().empty() ? "" : ": " + status.message())};
}

} // namespace gemmac::runtime
