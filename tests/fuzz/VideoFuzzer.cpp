// Videos in memory: GIF, WebP and Y4M. What is accepted must give as many frames as it claims, in order, every pixel
// set, or refuse one of them.
#include "MediaChecks.h"
#include "media/Video.h"

#include <algorithm>

using namespace gemmac::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  MediaLimits limits = fuzzLimits();
  limits.pixels = 1 << 14;
  limits.frames = limits.videoFrames = 100;
  std::unique_ptr<Video> video;
  Status status = openVideoBytes(std::string(mediaInput(data, size)), "'f'", limits, 0, video);
  if (!status.ok())
    checkRefusal(status);
  if (!status.ok() || !video)
    return 0;
  require(video->frames() >= 1 && video->frames() <= 100);
  require(video->seconds() > 0 && video->seconds() <= limits.seconds);
  const uint64_t count = std::min<uint64_t>(video->frames(), size % 8 + 1);
  video->choose(count);
  double before = 0;
  for (uint64_t i = 0;; ++i) {
    Picture picture;
    double begin = 0;
    bool ended = false;
    status = video->next(picture, begin, ended);
    if (!status.ok()) {
      checkRefusal(status);
      return 0;
    }
    require(ended == (i == count));
    if (ended)
      return 0;
    require(begin >= before && begin <= video->seconds());
    before = begin;
    require(uint64_t{picture.width} * picture.height <= limits.pixels);
    for (size_t alpha = 3; alpha < picture.height * picture.rowBytes(); alpha += 4)
      require(picture.pixels[alpha] == 255);
  }
}
