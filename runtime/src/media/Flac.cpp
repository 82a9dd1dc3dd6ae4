// FLAC by libFLAC, which calls back for bytes and with samples.
#include "base/Text.h"
#include "media/Sound.h"
#include "media/Source.h"

#include <FLAC/stream_decoder.h>
#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

namespace gemmac::runtime {

namespace {
struct FlacReader {
  const MediaSource &source;
  Sound &sound;
  std::string_view rest;
  uint64_t expected = 0; ///< samples, 0 where the file does not say
  Status status;         ///< the first thing that went wrong
};

struct Deleter {
  void operator()(FLAC__StreamDecoder *decoder) const { FLAC__stream_decoder_delete(decoder); }
};
} // namespace

static FLAC__StreamDecoderReadStatus readBytes(const FLAC__StreamDecoder *, FLAC__byte *to, size_t *count,
                                               void *context) {
  auto &reader = *static_cast<FlacReader *>(context);
  *count = std::min(*count, reader.rest.size());
  memcpy(to, reader.rest.data(), *count);
  reader.rest.remove_prefix(*count);
  return *count > 0 ? FLAC__STREAM_DECODER_READ_STATUS_CONTINUE : FLAC__STREAM_DECODER_READ_STATUS_END_OF_STREAM;
}

static void readHead(const FLAC__StreamDecoder *, const FLAC__StreamMetadata *metadata, void *context) {
  auto &reader = *static_cast<FlacReader *>(context);
  if (metadata->type != FLAC__METADATA_TYPE_STREAMINFO)
    return;
  const FLAC__StreamMetadata_StreamInfo &info = metadata->data.stream_info;
  reader.expected = info.total_samples;
  reader.sound.rate = info.sample_rate;
  if (reader.status.ok())
    reader.status = checkSound(reader.source, info.sample_rate, info.channels, info.total_samples);
}

static FLAC__StreamDecoderWriteStatus addSamples(const FLAC__StreamDecoder *, const FLAC__Frame *frame,
                                                 const FLAC__int32 *const channels[], void *context) {
  auto &reader = *static_cast<FlacReader *>(context);
  const FLAC__FrameHeader &header = frame->header;
  std::vector<float> &samples = reader.sound.samples;
  if (reader.status.ok() && header.sample_rate != reader.sound.rate)
    reader.status = reader.source.refuse(
        format("its samples per second change from %u to %u on the way", reader.sound.rate, header.sample_rate));
  if (reader.status.ok())
    reader.status = checkSound(reader.source, header.sample_rate, header.channels, samples.size() + header.blocksize);
  if (!reader.status.ok())
    return FLAC__STREAM_DECODER_WRITE_STATUS_ABORT;
  const float scale = std::ldexp(1.0f, 1 - static_cast<int>(header.bits_per_sample));
  for (uint32_t i = 0; i < header.blocksize; ++i) {
    float sum = static_cast<float>(channels[0][i]) * scale;
    for (uint32_t channel = 1; channel < header.channels; ++channel)
      sum += static_cast<float>(channels[channel][i]) * scale;
    samples.push_back(sum / static_cast<float>(header.channels));
  }
  return FLAC__STREAM_DECODER_WRITE_STATUS_CONTINUE;
}

static void noteError(const FLAC__StreamDecoder *, FLAC__StreamDecoderErrorStatus error, void *context) {
  auto &reader = *static_cast<FlacReader *>(context);
  if (reader.status.ok())
    reader.status = reader.source.refuse(format("its sample %zu is damaged (%s)", reader.sound.samples.size(),
                                                FLAC__StreamDecoderErrorStatusString[error]));
}

Status decodeFlac(const MediaSource &source, Sound &sound) {
  const std::unique_ptr<FLAC__StreamDecoder, Deleter> decoder(FLAC__stream_decoder_new());
  sound = {};
  FlacReader reader{source, sound, source.bytes, 0, {}};
  if (!decoder ||
      FLAC__stream_decoder_init_stream(decoder.get(), readBytes, nullptr, nullptr, nullptr, nullptr, addSamples,
                                       readHead, noteError, &reader) != FLAC__STREAM_DECODER_INIT_STATUS_OK)
    return source.refuse("libFLAC cannot start, most likely for lack of memory");
  // Step by step: what is wrong ends it at once, and not after a search for the next sound frame.
  while (reader.status.ok() && FLAC__stream_decoder_get_state(decoder.get()) < FLAC__STREAM_DECODER_END_OF_STREAM)
    if (!FLAC__stream_decoder_process_single(decoder.get()))
      break;
  if (!reader.status.ok())
    return reader.status;
  if (FLAC__stream_decoder_get_state(decoder.get()) != FLAC__STREAM_DECODER_END_OF_STREAM)
    return source.refuse(format("it stops after %zu samples (%s)", sound.samples.size(),
                                FLAC__stream_decoder_get_resolved_state_string(decoder.get())));
  if (sound.samples.empty() || sound.samples.size() < reader.expected)
    return source.refuseEarlyEnd();
  return {};
}

} // namespace gemmac::runtime
