// WebP by libwebp: the container by its demuxer, which knows animations and EXIF, the picture by its decoder, all
// frames by its decoder of animations, as Pillow has them.
#include "base/Text.h"
#include "media/Exif.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <vector>
#include <webp/decode.h>
#include <webp/demux.h>

namespace gemmac::runtime {

namespace {
struct Deleter {
  void operator()(WebPDemuxer *demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, Deleter>;

/// One frame after another; of a picture that does not move the only one.
struct Frames {
  explicit Frames(const WebPDemuxer *demuxer) : found(WebPDemuxGetFrame(demuxer, 1, &frame)) {}
  ~Frames() { WebPDemuxReleaseIterator(&frame); }
  Frames(const Frames &) = delete;
  Frames &operator=(const Frames &) = delete;
  void next() { found = WebPDemuxNextFrame(&frame); }

  WebPIterator frame{};
  bool found;
};
} // namespace

static const char *problemOf(VP8StatusCode code) {
  switch (code) {
  case VP8_STATUS_OUT_OF_MEMORY:
    return "no memory for it";
  case VP8_STATUS_UNSUPPORTED_FEATURE:
    return "it uses a feature that libwebp does not know";
  default:
    return "it is damaged";
  }
}

/// Whether a frame can be decoded into its place on a canvas.
static Status checkFrame(const MediaSource &source, const WebPIterator &frame, uint32_t width, uint32_t height) {
  WebPBitstreamFeatures features;
  const VP8StatusCode header = WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &features);
  if (header != VP8_STATUS_OK)
    return source.refuse(problemOf(header));
  if (features.width != frame.width || features.height != frame.height)
    return source.refuse(format("its container and its frame %d differ in size", frame.frame_num));
  const auto inside = [](int start, int size, uint32_t whole) {
    return start >= 0 && size > 0 && static_cast<uint64_t>(start) + static_cast<uint64_t>(size) <= whole;
  };
  if (!inside(frame.x_offset, frame.width, width) || !inside(frame.y_offset, frame.height, height))
    return source.refuse(format("its frame %d lies outside of the picture", frame.frame_num));
  return {};
}

/// Decodes `frame` into its place on the canvas.
static Status decodeFrame(const MediaSource &source, const WebPIterator &frame, Picture &picture) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    return source.refuse("libwebp is of another version");
  if (Status status = checkFrame(source, frame, picture.width, picture.height); !status.ok())
    return status;
  const size_t start = frame.y_offset * picture.rowBytes() + size_t{4} * static_cast<size_t>(frame.x_offset);
  config.output.colorspace = MODE_RGBA;
  config.output.is_external_memory = 1;
  config.output.u.RGBA.rgba = picture.pixels.get() + start;
  config.output.u.RGBA.stride = static_cast<int>(picture.rowBytes());
  config.output.u.RGBA.size = picture.height * picture.rowBytes() - start;
  const VP8StatusCode code = WebPDecode(frame.fragment.bytes, frame.fragment.size, &config);
  return code == VP8_STATUS_OK ? Status() : source.refuse(problemOf(code));
}

static unsigned orientationOf(const WebPDemuxer *demuxer) {
  WebPChunkIterator chunk;
  unsigned orientation = 1;
  if (WebPDemuxGetChunk(demuxer, "EXIF", 1, &chunk))
    orientation = exifOrientation({reinterpret_cast<const char *>(chunk.chunk.bytes), chunk.chunk.size});
  WebPDemuxReleaseChunkIterator(&chunk);
  return orientation;
}

static WebPData dataOf(std::string_view bytes) {
  return {reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}

static Status openDemuxer(const MediaSource &source, Demuxer &demuxer) {
  const WebPData data = dataOf(source.bytes);
  demuxer.reset(WebPDemux(&data));
  return demuxer ? Status() : source.refuse("it is damaged, or ends in the middle; copy it again");
}

static void setOpaque(Picture &picture) {
  for (size_t alpha = 3; alpha < picture.height * picture.rowBytes(); alpha += 4)
    picture.pixels[alpha] = 255;
}

Status decodeWebp(const MediaSource &source, Picture &picture) {
  Demuxer demuxer;
  if (Status status = openDemuxer(source, demuxer); !status.ok())
    return status;
  const uint32_t frames = WebPDemuxGetI(demuxer.get(), WEBP_FF_FRAME_COUNT);
  if (frames > source.limits.frames)
    return source.refuse("it has " + std::to_string(frames) + " frames, at most " +
                         std::to_string(source.limits.frames) + " are read");
  Status status = makePicture(source, WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                              WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), picture);
  if (!status.ok())
    return status;
  const Frames first(demuxer.get());
  if (!first.found)
    return source.refuse("it has no picture in it");
  const auto width = static_cast<uint32_t>(first.frame.width), height = static_cast<uint32_t>(first.frame.height);
  if (width != picture.width || height != picture.height)
    memset(picture.pixels.get(), 0, picture.height * picture.rowBytes()); // around a smaller frame all is black
  if (status = decodeFrame(source, first.frame, picture); !status.ok())
    return status;
  setOpaque(picture);
  return turnUpright(source, orientationOf(demuxer.get()), picture);
}

namespace {
constexpr const char *videoKind = "WebP video";

class WebpVideo final : public Video {
public:
  WebpVideo(std::string bytes, std::string_view name, const MediaLimits &limits)
      : bytes(std::move(bytes)), name(name), limits(limits) {}

  Status open();

protected:
  Status read(uint64_t index, Picture &picture, bool &ended) override;
  double beginOf(uint64_t index) const override { return static_cast<double>(begins[index]) / 1000; }

private:
  struct DeleteDecoder {
    void operator()(WebPAnimDecoder *decoder) const { WebPAnimDecoderDelete(decoder); }
  };

  MediaSource source() const { return {bytes, name, videoKind, limits}; }

  const std::string bytes, name;
  const MediaLimits limits;
  std::vector<uint64_t> begins; // milliseconds
  uint32_t width = 0, height = 0;
  unsigned orientation = 1;
  std::unique_ptr<WebPAnimDecoder, DeleteDecoder> decoder;
  uint64_t drawn = 0; // frames
};
} // namespace

bool isAnimatedWebp(std::string_view beginning) {
  return beginning.size() >= 21 && beginning.starts_with("RIFF") && beginning.substr(8, 8) == "WEBPVP8X" &&
         (static_cast<uint8_t>(beginning[20]) & ANIMATION_FLAG) != 0;
}

/// Looks at all frames, but not at their pixels. The decoder of animations allocates the canvas twice.
Status WebpVideo::open() {
  constexpr int least = 20, usual = 100; // milliseconds, as of a GIF
  Demuxer demuxer;
  if (Status status = openDemuxer(source(), demuxer); !status.ok())
    return status;
  width = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH);
  height = WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT);
  if (Status status = checkPictureSize(source(), width, height); !status.ok())
    return status;
  uint64_t time = 0;
  for (Frames frames(demuxer.get()); frames.found && begins.size() <= limits.frames; frames.next()) {
    if (Status status = checkFrame(source(), frames.frame, width, height); !status.ok())
      return status;
    begins.push_back(time);
    time += static_cast<uint64_t>(frames.frame.duration < least ? usual : frames.frame.duration);
  }
  frameCount = begins.size();
  length = static_cast<double>(time) / 1000;
  if (Status status = checkVideo(name, videoKind, limits, frameCount, limits.frames, length); !status.ok())
    return status;
  orientation = orientationOf(demuxer.get());
  WebPAnimDecoderOptions options;
  const WebPData data = dataOf(bytes);
  if (WebPAnimDecoderOptionsInit(&options))
    decoder.reset(WebPAnimDecoderNew(&data, &options));
  return decoder ? Status() : source().refuse("libwebp has no memory for it");
}

Status WebpVideo::read(uint64_t index, Picture &picture, bool &) {
  uint8_t *pixels = nullptr;
  int end = 0;
  for (; drawn <= index; ++drawn)
    if (!WebPAnimDecoderGetNext(decoder.get(), &pixels, &end))
      return source().refuse(format("its frame %llu is damaged", static_cast<unsigned long long>(drawn + 1)));
  if (Status status = makePicture(source(), width, height, picture); !status.ok())
    return status;
  memcpy(picture.pixels.get(), pixels, picture.height * picture.rowBytes());
  setOpaque(picture);
  return turnUpright(source(), orientation, picture);
}

Status openWebpVideo(std::string bytes, std::string_view name, const MediaLimits &limits,
                     std::unique_ptr<Video> &video) {
  auto webp = std::make_unique<WebpVideo>(std::move(bytes), name, limits);
  if (Status status = webp->open(); !status.ok())
    return status;
  video = std::move(webp);
  return {};
}

} // namespace gemmac::runtime
