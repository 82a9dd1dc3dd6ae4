// Y4M (YUV4MPEG2): a line that says what the frames are, then frames, each a line and planes of samples.
#include "base/Text.h"
#include "media/Source.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr const char *kind = "Y4M video";
constexpr size_t longestLine = 4096;

struct Y4mFormat {
  uint32_t width = 0, height = 0;
  double rate = 0;              ///< frames per second; 0: unknown
  uint32_t across = 2, down = 2; ///< pixels that share a sample of chroma; 0: there is no chroma
  bool alpha = false, full = false;
  uint32_t bits = 8; ///< of a sample; more than 8 stand in 16, the lower half first

  uint32_t sampleBytes() const { return bits > 8 ? 2 : 1; }
  uint64_t chromaWidth() const { return across ? (width + across - 1) / across : 0; }
  uint64_t chromaHeight() const { return across ? (height + down - 1) / down : 0; }
  uint64_t lumaBytes() const { return uint64_t{width} * height * sampleBytes(); }
  uint64_t chromaBytes() const { return chromaWidth() * chromaHeight() * sampleBytes(); }
  uint64_t frameBytes() const { return lumaBytes() * (alpha ? 2 : 1) + 2 * chromaBytes(); }
};

/// BT.601 in integers of 16 binary places.
struct YuvToRgb {
  int32_t luma, lumaZero, redOfV, greenOfU, greenOfV, blueOfU;

  void convert(int y, int u, int v, uint8_t *pixel) const {
    const int32_t grey = luma * (y - lumaZero) + (1 << 15);
    pixel[0] = clamped(grey + redOfV * (v - 128));
    pixel[1] = clamped(grey - greenOfU * (u - 128) - greenOfV * (v - 128));
    pixel[2] = clamped(grey + blueOfU * (u - 128));
    pixel[3] = 255;
  }
  static uint8_t clamped(int32_t value) { return static_cast<uint8_t>(std::clamp(value >> 16, 0, 255)); }
};
// 1, 1.402, 0.344136, 0.714136 and 1.772, which limited range widens by 255/219 in luma and 255/224 in chroma.
constexpr YuvToRgb fullRange{65536, 0, 91881, 22553, 46802, 116130};
constexpr YuvToRgb limitedRange{76309, 16, 104597, 25675, 53279, 132201};

class Y4mVideo final : public Video {
public:
  Y4mVideo(VideoBytes bytes, std::string_view name, const MediaLimits &limits)
      : bytes(std::move(bytes)), name(name), limits(limits) {}

  Status open(double rate);

protected:
  Status read(uint64_t index, Picture &picture, bool &ended) override;
  double beginOf(uint64_t index) const override { return static_cast<double>(index) / format.rate; }

private:
  Status refuse(const std::string &problem) const { return refuseVideo(name, kind, problem); }
  Status readLine(uint64_t at, std::string &line) const;
  Status readHeader();
  Status readParameter(std::string_view parameter);
  Status readColours(std::string_view name);
  Status skip(uint64_t &at) const;
  Status countFrames();
  Status readRow(uint64_t at, uint64_t samples, std::vector<uint8_t> &row) const;

  const VideoBytes bytes;
  const std::string name;
  const MediaLimits limits;
  Y4mFormat format;
  uint64_t begin = 0; // of the first frame
  uint64_t at = 0, place = 0; // a frame and where it lies
};
} // namespace

/// A line without its end; empty where the file ends before.
Status Y4mVideo::readLine(uint64_t at, std::string &line) const {
  line.resize(longestLine);
  const ssize_t got = bytes.read(at, line.data(), line.size());
  if (got < 0)
    return {ExitCode::inputOutput, runtime::format("cannot read %s: %s", name.c_str(), strerror(errno))};
  const size_t end = std::string_view(line).substr(0, static_cast<size_t>(got)).find('\n');
  if (end == line.npos && static_cast<size_t>(got) == longestLine)
    return refuse(runtime::format("a line of it has more than %zu bytes; it is damaged", longestLine));
  line.resize(end == line.npos ? 0 : end);
  return {};
}

/// A decimal number above 0 without a sign; 0 for anything else, and for what is too large.
static uint32_t numberOf(std::string_view text) {
  uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : 0;
}

/// What follows C: "420jpeg", "422p10", "mono".
Status Y4mVideo::readColours(std::string_view colours) {
  struct Kind {
    std::string_view name;
    uint32_t across, down;
  };
  static constexpr Kind kinds[] = {{"420", 2, 2}, {"422", 2, 1}, {"444", 1, 1}, {"411", 4, 1}, {"mono", 0, 0}};
  for (const Kind &one : kinds) {
    if (!colours.starts_with(one.name))
      continue;
    format.across = one.across;
    format.down = one.down;
    std::string_view rest = colours.substr(one.name.size());
    const bool deep = rest.starts_with('p') || (one.across == 0 && !rest.empty());
    if (rest.empty() || (one.name == "420" && (rest == "jpeg" || rest == "mpeg2" || rest == "paldv")))
      return {};
    if (one.name == "444" && rest == "alpha") {
      format.alpha = true;
      return {};
    }
    const std::string_view bits = rest.substr(rest.starts_with('p') ? 1 : 0);
    if (deep && numberOf(bits) >= 9 && numberOf(bits) <= 16) {
      format.bits = numberOf(bits);
      return {};
    }
  }
  return refuse(runtime::format("its colours are '%.*s', expected 420, 420jpeg, 420mpeg2, 420paldv, 411, 422, 444, "
                                "444alpha or mono, or one of these with the bits of a sample, as 420p10",
                                static_cast<int>(std::min<size_t>(colours.size(), 32)), colours.data()));
}

Status Y4mVideo::readParameter(std::string_view parameter) {
  const std::string_view value = parameter.substr(1);
  switch (parameter[0]) {
  case 'W':
    format.width = numberOf(value);
    return {};
  case 'H':
    format.height = numberOf(value);
    return {};
  case 'F': {
    const size_t colon = std::min(value.find(':'), value.size());
    const uint32_t count = numberOf(value.substr(0, colon));
    const uint32_t seconds = colon < value.size() ? numberOf(value.substr(colon + 1)) : 0;
    if (count > 0 && seconds > 0)
      format.rate = static_cast<double>(count) / seconds;
    return {};
  }
  case 'C':
    return readColours(value);
  case 'X':
    if (value.starts_with("COLORRANGE="))
      format.full = value == "COLORRANGE=FULL";
    return {};
  default: // how fields follow each other, the shape of a pixel, comments
    return {};
  }
}

Status Y4mVideo::readHeader() {
  std::string line;
  if (Status status = readLine(0, line); !status.ok())
    return status;
  begin = line.size() + 1;
  std::string_view rest = line;
  while (!rest.empty()) {
    const std::string_view word = rest.substr(0, rest.find(' '));
    rest.remove_prefix(std::min(rest.size(), word.size() + 1));
    if (word.empty() || word == "YUV4MPEG2")
      continue;
    if (Status status = readParameter(word); !status.ok())
      return status;
  }
  if (line.empty() || format.width == 0 || format.height == 0)
    return refuse("its first line lacks a width or a height; it is damaged");
  return checkPictureSize({{}, name, kind, limits}, format.width, format.height);
}

/// Past the line of a frame at `at`, to its samples; `at` stays where there is no whole frame any more.
Status Y4mVideo::skip(uint64_t &at) const {
  char head[6];
  const ssize_t got = bytes.read(at, head, sizeof(head));
  if (got == sizeof(head) && memcmp(head, "FRAME\n", sizeof(head)) == 0) { // which nearly all are
    if (bytes.size() - at >= sizeof(head) + format.frameBytes())
      at += sizeof(head);
    return {};
  }
  std::string line;
  if (Status status = readLine(at, line); !status.ok())
    return status;
  if (line.empty() && bytes.size() - at < longestLine && (got <= 0 || head[0] != '\n'))
    return {};
  if (!line.starts_with("FRAME"))
    return refuse(runtime::format("no frame begins at byte %llu, where one should; it is damaged",
                                  static_cast<unsigned long long>(at)));
  if (bytes.size() - at >= line.size() + 1 + format.frameBytes())
    at += line.size() + 1;
  return {};
}

Status Y4mVideo::countFrames() {
  at = begin;
  while (at < bytes.size() && frameCount <= limits.videoFrames) {
    const uint64_t before = at;
    if (Status status = skip(at); !status.ok())
      return status;
    if (at == before) {
      remark = runtime::format("%s ends in the middle of a frame", name.c_str());
      break;
    }
    at += format.frameBytes();
    ++frameCount;
  }
  at = begin;
  return {};
}

Status Y4mVideo::open(double rate) {
  if (Status status = readHeader(); !status.ok())
    return status;
  if (format.rate == 0)
    format.rate = rate > 0 ? rate : 24; // spec 4.6
  if (Status status = countFrames(); !status.ok())
    return status;
  length = static_cast<double>(frameCount) / format.rate;
  return checkVideo(name, kind, limits, frameCount, limits.videoFrames, length);
}

/// Samples of a row, in 8 bits.
Status Y4mVideo::readRow(uint64_t from, uint64_t samples, std::vector<uint8_t> &row) const {
  const uint32_t each = format.sampleBytes();
  row.resize(static_cast<size_t>(samples * each));
  const ssize_t got = bytes.read(from, reinterpret_cast<char *>(row.data()), row.size());
  if (got < 0)
    return {ExitCode::inputOutput, runtime::format("cannot read %s: %s", name.c_str(), strerror(errno))};
  if (static_cast<size_t>(got) < row.size())
    return refuse("it became shorter while it was read");
  for (size_t i = 0; each == 2 && i < samples; ++i) {
    const uint32_t sample = row[2 * i] | uint32_t{row[2 * i + 1]} << 8;
    row[i] = static_cast<uint8_t>(std::min(sample >> (format.bits - 8), 255u));
  }
  return {};
}

Status Y4mVideo::read(uint64_t index, Picture &picture, bool &) {
  for (;; ++place, at += format.frameBytes()) {
    const uint64_t before = at;
    if (Status status = skip(at); !status.ok())
      return status;
    if (at == before)
      return refuse("it became shorter while it was read");
    if (place == index)
      break;
  }
  if (Status status = makePicture({{}, name, kind, limits}, format.width, format.height, picture); !status.ok())
    return status;
  const YuvToRgb &colours = format.full ? fullRange : limitedRange;
  const uint64_t each = format.sampleBytes(), u = at + format.lumaBytes(), v = u + format.chromaBytes();
  std::vector<uint8_t> luma, us(1, 128), vs(1, 128);
  for (uint32_t y = 0; y < format.height; ++y) {
    Status status = readRow(at + uint64_t{y} * format.width * each, format.width, luma);
    if (status.ok() && format.across && y % format.down == 0) {
      const uint64_t row = y / format.down * format.chromaWidth() * each;
      status = readRow(u + row, format.chromaWidth(), us);
      if (status.ok())
        status = readRow(v + row, format.chromaWidth(), vs);
    }
    if (!status.ok())
      return status;
    uint8_t *pixel = picture.row(y);
    for (uint32_t x = 0; x < format.width; ++x, pixel += 4) {
      const uint32_t chroma = format.across ? x / format.across : 0;
      colours.convert(luma[x], us[chroma], vs[chroma], pixel);
    }
  }
  ++place;
  at += format.frameBytes();
  return {};
}

Status openY4mVideo(VideoBytes bytes, std::string_view name, const MediaLimits &limits, double rate,
                    std::unique_ptr<Video> &video) {
  auto y4m = std::make_unique<Y4mVideo>(std::move(bytes), name, limits);
  if (Status status = y4m->open(rate); !status.ok())
    return status;
  video = std::move(y4m);
  return {};
}

} // namespace gemmac::runtime
