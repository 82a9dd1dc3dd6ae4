// All frames of a GIF, composed as Pillow does.
#include "base/Text.h"
#include "media/GifReader.h"
#include "media/VideoFiles.h"

#include <algorithm>
#include <cstring>
#include <vector>

namespace gemmac::runtime {

namespace {
constexpr const char *kind = "GIF video";

class GifVideo final : public Video {
public:
  GifVideo(std::string bytes, std::string_view name, const MediaLimits &limits)
      : bytes(std::move(bytes)), name(name), limits(limits) {}

  Status open();

protected:
  Status read(uint64_t index, Picture &picture, bool &ended) override;
  double beginOf(uint64_t index) const override { return begins[index] / 100.0; }

private:
  using Colour = std::array<uint8_t, 4>;

  MediaSource source() const { return {bytes, name, kind, limits}; }
  Status draw();
  void dispose();
  void fill(const GifFrame &frame, const Colour &colour);
  Colour cleared(const GifFrame &frame) const;

  const std::string bytes, name;
  const MediaLimits limits;
  std::vector<uint32_t> begins; // hundredths of a second
  uint32_t width = 0, height = 0;
  GifReader reader;
  uint64_t drawn = 0; // frames on the screen, one over the other
  GifFrame last;
  Picture screen;
  std::vector<uint8_t> before; // what the last frame covers, if it is to be taken back
};
} // namespace

/// Of no pixels, as some encoders write frames in which nothing changes.
static bool isEmpty(const GifFrame &frame) { return frame.width == 0 || frame.height == 0; }

/// Looks at all frames, but not at their pixels.
Status GifVideo::open() {
  // What players do: files that say nothing, or that there is no delay, are not to rush by.
  constexpr uint32_t least = 2, usual = 10;
  GifFrame frame;
  if (!reader.open(bytes))
    return source().refuseEarlyEnd();
  width = reader.width();
  height = reader.height();
  uint64_t time = 0;
  for (GifReader::Next next; (next = reader.next(frame)) != GifReader::Next::end;) {
    if (next == GifReader::Next::cut || !reader.skipCodes())
      return source().refuseEarlyEnd();
    if (begins.empty() && isEmpty(frame))
      return source().refuse("its first frame is empty");
    begins.push_back(static_cast<uint32_t>(time));
    time += frame.delay < least ? usual : frame.delay;
    width = std::max(width, frame.left + frame.width);
    height = std::max(height, frame.top + frame.height);
    if (begins.size() > limits.frames)
      break;
  }
  frameCount = begins.size();
  length = static_cast<double>(time) / 100;
  if (Status status = checkVideo(name, kind, limits, frameCount, limits.frames, length); !status.ok())
    return status;
  reader = {};
  if (!reader.open(bytes))
    return source().refuseEarlyEnd();
  return makePicture(source(), width, height, screen);
}

/// What is there where a frame was cleared: its transparent colour, or the background.
GifVideo::Colour GifVideo::cleared(const GifFrame &frame) const {
  unsigned index = frame.transparent < 0 ? reader.backgroundIndex() : static_cast<unsigned>(frame.transparent);
  if (drawn > 1 && index >= frame.palette.count)
    index = 0; // as Pillow has it of all frames but the first
  return frame.palette.colours[index];
}

void GifVideo::fill(const GifFrame &frame, const Colour &colour) {
  for (uint32_t y = frame.top; y < frame.top + frame.height; ++y)
    for (uint32_t x = frame.left; x < frame.left + frame.width; ++x)
      memcpy(screen.row(y) + size_t{x} * 4, colour.data(), 4);
}

/// What becomes of the last frame before the next one comes.
void GifVideo::dispose() {
  if (drawn == 0 || last.disposal < 2 || isEmpty(last))
    return;
  if (last.disposal == 2)
    return fill(last, cleared(last));
  // Before the first frame there was nothing: only where it could be seen through, that is what is left.
  if (drawn == 1 && last.transparent >= 0)
    return fill(last, cleared(last));
  const size_t rowBytes = size_t{last.width} * 4;
  for (size_t y = 0; drawn > 1 && y < last.height; ++y)
    memcpy(screen.row(last.top + static_cast<uint32_t>(y)) + size_t{last.left} * 4, before.data() + y * rowBytes,
           rowBytes);
}

/// Draws the next frame.
Status GifVideo::draw() {
  dispose();
  if (reader.next(last) != GifReader::Next::frame || !reader.skipCodes())
    return source().refuseEarlyEnd();
  if (drawn == 0)
    fillGifScreen(last, screen);
  const size_t rowBytes = size_t{last.width} * 4;
  if (last.disposal > 2 && drawn > 0 && !isEmpty(last)) {
    before.resize(rowBytes * last.height);
    for (size_t y = 0; y < last.height; ++y)
      memcpy(before.data() + y * rowBytes, screen.row(last.top + static_cast<uint32_t>(y)) + size_t{last.left} * 4,
             rowBytes);
  }
  const int kept = drawn == 0 ? -1 : last.transparent;
  ++drawn;
  return isEmpty(last) ? Status() : drawGifFrame(source(), last, kept, screen);
}

Status GifVideo::read(uint64_t index, Picture &picture, bool &) {
  while (drawn <= index)
    if (Status status = draw(); !status.ok())
      return status;
  if (Status status = makePicture(source(), width, height, picture); !status.ok())
    return status;
  memcpy(picture.pixels.get(), screen.pixels.get(), screen.rowBytes() * height);
  return {};
}

Status openGifVideo(std::string bytes, std::string_view name, const MediaLimits &limits,
                    std::unique_ptr<Video> &video) {
  auto gif = std::make_unique<GifVideo>(std::move(bytes), name, limits);
  if (Status status = gif->open(); !status.ok())
    return status;
  video = std::move(gif);
  return {};
}

} // namespace gemmac::runtime
