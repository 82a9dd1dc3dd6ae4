// Sounds: WAV and FLAC. What is accepted must be numbers that can be used, within the limits.
#include "MediaChecks.h"

#include <cmath>

using namespace gemmac::runtime;

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Sound sound;
  const MediaLimits limits = fuzzLimits();
  const Status status = decodeSound(mediaInput(data, size), "'f'", limits, sound);
  if (!status.ok()) {
    checkRefusal(status);
    return 0;
  }
  require(sound.rate > 0 && sound.rate <= limits.rate);
  require(!sound.samples.empty() && sound.samples.size() <= limits.samples);
  require(sound.samples.size() <= uint64_t{limits.seconds} * sound.rate);
  for (float sample : sound.samples)
    require(std::isfinite(sample));
  require(sound.note.find('\n') == std::string::npos);
  return 0;
}
