// WebP by libwebp: the container by its demuxer, which knows animations and EXIF, the picture by its decoder.
#include "media/Exif.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <webp/decode.h>
#include <webp/demux.h>

namespace gemmac::runtime {

namespace {
struct Deleter {
  void operator()(WebPDemuxer *demuxer) const { WebPDemuxDelete(demuxer); }
};
using Demuxer = std::unique_ptr<WebPDemuxer, Deleter>;

/// The first frame; for a picture that does not move, all of it.
struct FirstFrame {
  explicit FirstFrame(const WebPDemuxer *demuxer) : found(WebPDemuxGetFrame(demuxer, 1, &frame)) {}
  ~FirstFrame() { WebPDemuxReleaseIterator(&frame); }
  FirstFrame(const FirstFrame &) = delete;
  FirstFrame &operator=(const FirstFrame &) = delete;

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

/// Decodes `frame` into its place on the canvas.
static Status decodeFrame(const MediaSource &source, const WebPIterator &frame, Picture &picture) {
  WebPDecoderConfig config;
  if (!WebPInitDecoderConfig(&config))
    return source.refuse("libwebp is of another version");
  const VP8StatusCode header = WebPGetFeatures(frame.fragment.bytes, frame.fragment.size, &config.input);
  if (header != VP8_STATUS_OK)
    return source.refuse(problemOf(header));
  if (config.input.width != frame.width || config.input.height != frame.height)
    return source.refuse("its container and its first frame differ in size");
  const auto inside = [](int start, int size, uint32_t whole) {
    return start >= 0 && size > 0 && static_cast<uint64_t>(start) + static_cast<uint64_t>(size) <= whole;
  };
  if (!inside(frame.x_offset, frame.width, picture.width) || !inside(frame.y_offset, frame.height, picture.height))
    return source.refuse("its first frame lies outside of the picture");
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

Status decodeWebp(const MediaSource &source, Picture &picture) {
  const WebPData data = {reinterpret_cast<const uint8_t *>(source.bytes.data()), source.bytes.size()};
  const Demuxer demuxer(WebPDemux(&data));
  if (!demuxer)
    return source.refuse("it is damaged, or ends in the middle; copy it again");
  const uint32_t frames = WebPDemuxGetI(demuxer.get(), WEBP_FF_FRAME_COUNT);
  if (frames > source.limits.frames)
    return source.refuse("it has " + std::to_string(frames) + " frames, at most " +
                         std::to_string(source.limits.frames) + " are read");
  Status status = makePicture(source, WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_WIDTH),
                              WebPDemuxGetI(demuxer.get(), WEBP_FF_CANVAS_HEIGHT), picture);
  if (!status.ok())
    return status;
  const FirstFrame first(demuxer.get());
  if (!first.found)
    return source.refuse("it has no picture in it");
  const size_t bytes = picture.height * picture.rowBytes();
  const auto width = static_cast<uint32_t>(first.frame.width), height = static_cast<uint32_t>(first.frame.height);
  if (width != picture.width || height != picture.height)
    memset(picture.pixels.get(), 0, bytes); // around a smaller frame all is black
  if (status = decodeFrame(source, first.frame, picture); !status.ok())
    return status;
  for (size_t alpha = 3; alpha < bytes; alpha += 4)
    picture.pixels[alpha] = 255;
  return turnUpright(source, orientationOf(demuxer.get()), picture);
}

} // namespace gemmac::runtime
