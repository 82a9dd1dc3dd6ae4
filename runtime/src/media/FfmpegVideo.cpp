// Videos through ffmpeg, which runs twice: once it lists the frames without decoding them, then it decodes the chosen
// ones. Both times it says what it found in a form made for programs: lines of its "framecrc" format, and PPM pictures.
#include "base/Text.h"
#include "media/Ffmpeg.h"
#include "media/Source.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr const char *kind = "video";

/// Times of a frame, in units of the list.
struct ListedFrame {
  int64_t decode = 0, show = 0, duration = 0;
};

class FfmpegVideo final : public Video {
public:
  FfmpegVideo(std::string path, std::string_view name, const MediaLimits &limits, std::string program)
      : path(std::move(path)), name(name), limits(limits), program(std::move(program)) {}

  Status open();

protected:
  void chosenBegin() override;
  Status read(uint64_t index, Picture &picture, bool &ended) override;
  double beginOf(uint64_t index) const override {
    return static_cast<double>(begins[index] - begins.front()) * timeBase;
  }

private:
  Status about(Status status) const;
  Status readList(Ffmpeg &ffmpeg, std::vector<ListedFrame> &list);
  Status readNumber(size_t &number, bool &ended);

  const std::string path, name;
  const MediaLimits limits;
  const std::string program;
  std::vector<int64_t> begins; // of frames, in their order, in units of timeBase seconds
  double timeBase = 0;
  Ffmpeg decoder;
  Status started;
  uint64_t decoded = 0;
};
} // namespace

Status FfmpegVideo::about(Status status) const {
  if (status.message().empty())
    return status;
  return {status.code(), format("cannot read %s as a video: %s", name.c_str(), status.message().c_str())};
}

/// Takes a whole number, and a comma or slash behind it, after spaces. \returns false where there is none.
static bool takeNumber(std::string_view &rest, int64_t &value) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
  if (error != std::errc())
    return false;
  rest.remove_prefix(std::min(static_cast<size_t>(end - rest.data()) + 1, rest.size()));
  return true;
}

/// Times beyond these stand for none; nor can sums of others overflow.
static bool isKnown(int64_t time) {
  constexpr int64_t latest = int64_t{1} << 60;
  return time >= -latest && time <= latest;
}

/// Lines such as "#tb 0: 1/12800" and "0, -512, 512, 512, 165, 0x38985274": stream, when to decode, when to show, for
/// how long, bytes.
Status FfmpegVideo::readList(Ffmpeg &ffmpeg, std::vector<ListedFrame> &list) {
  constexpr std::string_view timeBaseIs = "#tb 0: ";
  std::string line;
  while (list.size() <= limits.videoFrames) {
    bool ended = false;
    if (Status status = ffmpeg.readLine(line, longestListLine, ended); !status.ok() || ended)
      return about(status);
    std::string_view rest = line;
    ListedFrame frame;
    int64_t stream, one, of;
    if (rest.starts_with(timeBaseIs)) {
      rest.remove_prefix(timeBaseIs.size());
      if (takeNumber(rest, one) && takeNumber(rest, of) && one > 0 && of > 0)
        timeBase = static_cast<double>(one) / static_cast<double>(of);
      continue;
    }
    if (rest.starts_with('#'))
      continue;
    if (!takeNumber(rest, stream) || !takeNumber(rest, frame.decode) || !takeNumber(rest, frame.show) ||
        !takeNumber(rest, frame.duration) || !isKnown(frame.decode) || !isKnown(frame.duration) || frame.duration < 0)
      return refuseVideo(name, kind,
                         "ffmpeg does not say when each frame begins; convert it, for example with ffmpeg "
                         "-i FILE video.mp4");
    list.push_back(frame);
  }
  return {};
}

Status FfmpegVideo::open() {
  Ffmpeg ffmpeg;
  std::vector<ListedFrame> list;
  if (Status status = ffmpeg.start(program, path, {"-map", "0:V:0", "-c", "copy", "-f", "framecrc"}); !status.ok())
    return about(
        {status.code(),
         "it is no GIF, animated WebP, Y4M file or folder of pictures, which can be read without ffmpeg, and " +
             status.message()});
  if (Status status = readList(ffmpeg, list); !status.ok())
    return status;
  if (list.size() <= limits.videoFrames)
    if (Status status = ffmpeg.finish(); !status.ok())
      return about(status);
  // Old containers (AVI) and bare streams have times of decoding alone, which are as many and as far apart.
  const bool shown = std::ranges::all_of(list, [](const ListedFrame &frame) { return isKnown(frame.show); });
  int64_t end = 0;
  for (const ListedFrame &frame : list) {
    const int64_t begin = shown ? frame.show : frame.decode;
    end = begins.empty() ? begin + frame.duration : std::max(end, begin + frame.duration);
    begins.push_back(begin);
  }
  std::sort(begins.begin(), begins.end());
  frameCount = begins.size();
  length = frameCount ? static_cast<double>(end - begins.front()) * timeBase : 0;
  return checkVideo(name, kind, limits, frameCount, limits.videoFrames, length);
}

/// Frame n is the i-th of N chosen ones of T when n = floor(i * T / N) for i = ceil(n * N / T). The frames that are
/// left get new times, 1/25 s apart: else ffmpeg would repeat them to keep the old ones.
void FfmpegVideo::chosenBegin() {
  const auto number = [](uint64_t value) { return static_cast<unsigned long long>(value); };
  const std::string filter = format("select='lt(ceil(n*%llu/%llu)*%llu,(n+1)*%llu)',settb=1/25,setpts=N",
                                    number(chosen), number(frameCount), number(frameCount), number(chosen));
  started = decoder.start(program, path,
                          {"-map", "0:V:0", "-vf", filter, "-frames:v", std::to_string(chosen), "-r", "25", "-c:v",
                           "ppm", "-pix_fmt", "rgb24", "-f", "image2pipe"});
}

/// A number of a PPM picture's header, and what ends it.
Status FfmpegVideo::readNumber(size_t &number, bool &ended) {
  number = 0;
  for (char c = 0;;) {
    size_t got = 0;
    if (Status status = decoder.read(&c, 1, got); !status.ok())
      return about(status);
    ended = got == 0;
    if (ended)
      return {};
    if (c < '0' || c > '9' || number > 1000000)
      return c == ' ' || c == '\n' ? Status() : refuseVideo(name, kind, "ffmpeg gave no PPM picture");
    number = number * 10 + static_cast<size_t>(c - '0');
  }
}

Status FfmpegVideo::read(uint64_t, Picture &picture, bool &ended) {
  if (!started.ok())
    return about(started);
  char magic[3];
  size_t got = 0, width = 0, height = 0, most = 0;
  if (Status status = decoder.read(magic, sizeof(magic), got); !status.ok())
    return about(status);
  ended = got == 0;
  if (ended) {
    if (Status status = decoder.finish(); !status.ok())
      return about(status);
    if (decoded == 0)
      return refuseVideo(name, kind, "ffmpeg could decode none of its frames");
    remark = format("%s: only %llu of the %llu frames could be decoded", name.c_str(),
                    static_cast<unsigned long long>(decoded), static_cast<unsigned long long>(chosen));
    return {};
  }
  if (got < sizeof(magic) || memcmp(magic, "P6\n", sizeof(magic)) != 0)
    return refuseVideo(name, kind, "ffmpeg gave no PPM picture");
  for (size_t *number : {&width, &height, &most})
    if (Status status = readNumber(*number, ended); !status.ok() || ended)
      return ended ? refuseVideo(name, kind, "ffmpeg stopped in the middle of a frame") : status;
  if (Status status = makePicture({{}, name, kind, limits}, width, height, picture); !status.ok())
    return status;
  // Three bytes of a pixel come where its four end, and are spread from the front.
  for (uint32_t y = 0; y < picture.height; ++y) {
    uint8_t *row = picture.row(y), *packed = row + width;
    if (Status status = decoder.read(reinterpret_cast<char *>(packed), width * 3, got); !status.ok())
      return about(status);
    if (got < width * 3)
      return refuseVideo(name, kind, "ffmpeg stopped in the middle of a frame");
    for (size_t x = 0; x < width; ++x) {
      const uint8_t pixel[] = {packed[3 * x], packed[3 * x + 1], packed[3 * x + 2], 255};
      memcpy(row + 4 * x, pixel, 4);
    }
  }
  ++decoded;
  return {};
}

Status openFfmpegVideo(const std::string &path, std::string_view name, const MediaLimits &limits,
                       const std::string &program, std::unique_ptr<Video> &video) {
  auto file = std::make_unique<FfmpegVideo>(path, name, limits, program);
  if (Status status = file->open(); !status.ok())
    return status;
  video = std::move(file);
  return {};
}

} // namespace gemmac::runtime
