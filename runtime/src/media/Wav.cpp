// WAV by our own reader: chunks of a RIFF file, of which "fmt " and "data" matter.
#include "base/Text.h"
#include "media/Sound.h"
#include "media/Source.h"

#include <bit>
#include <cmath>
#include <cstring>

namespace gemmac::runtime {

namespace {
enum Codec : uint32_t { pcm = 1, floating = 3, aLaw = 6, muLaw = 7, extensible = 0xfffe };

struct WavFormat {
  uint32_t codec = 0, channels = 0, rate = 0, bits = 0;
  uint32_t sampleBytes = 0; ///< of one channel; 0 while no "fmt " chunk was seen
};

/// One sample, -1 to 1.
using ReadSample = float (*)(const char *);
} // namespace

static float readByte(const char *at) { return static_cast<float>(static_cast<uint8_t>(*at) - 128) / 128.0f; }

/// Signed integers of 2 to 4 bytes, as the upper bytes of 32 bits.
template <unsigned bytes> static float readInteger(const char *at) {
  const uint32_t value = littleEndian({at, bytes}) << (32 - 8 * bytes);
  return static_cast<float>(static_cast<int32_t>(value)) / 2147483648.0f;
}

static float readFloat(const char *at) { return std::bit_cast<float>(littleEndian({at, 4})); }

static float readDouble(const char *at) {
  const uint64_t bits = uint64_t{littleEndian({at + 4, 4})} << 32 | littleEndian({at, 4});
  return static_cast<float>(std::bit_cast<double>(bits));
}

// G.711: a sign, three bits of exponent, four of mantissa, in the scale of 16 bits.
static float readALaw(const char *at) {
  const unsigned code = static_cast<uint8_t>(*at) ^ 0x55u, exponent = code >> 4 & 7, mantissa = code & 15;
  const int size = static_cast<int>(exponent == 0 ? mantissa * 16 + 8 : (mantissa * 16 + 264) << (exponent - 1));
  return static_cast<float>(code & 0x80 ? size : -size) / 32768.0f;
}

static float readMuLaw(const char *at) {
  const unsigned code = static_cast<uint8_t>(*at) ^ 0xffu, exponent = code >> 4 & 7, mantissa = code & 15;
  const int size = static_cast<int>(((mantissa * 8 + 132) << exponent) - 132);
  return static_cast<float>(code & 0x80 ? -size : size) / 32768.0f;
}

/// nullptr for what is not read.
static ReadSample sampleReader(const WavFormat &format) {
  switch (format.codec) {
  case pcm:
    if (format.bits == 0 || (format.bits + 7) / 8 != format.sampleBytes)
      return nullptr;
    switch (format.sampleBytes) {
    case 1:
      return readByte;
    case 2:
      return readInteger<2>;
    case 3:
      return readInteger<3>;
    case 4:
      return readInteger<4>;
    }
    return nullptr;
  case floating:
    return format.sampleBytes == 4 ? readFloat : format.sampleBytes == 8 ? readDouble : nullptr;
  case aLaw:
    return format.sampleBytes == 1 ? readALaw : nullptr;
  case muLaw:
    return format.sampleBytes == 1 ? readMuLaw : nullptr;
  }
  return nullptr;
}

/// Numbers of 16 bits unless said otherwise: codec, channels, samples per second and bytes per second (32 bits each),
/// bytes of all channels' samples, bits; where the codec is told by an extension, its length, bits that are used,
/// speakers (32 bits), and 16 bytes of which the first two are the codec.
static Status readFormat(const MediaSource &source, std::string_view chunk, WavFormat &wav) {
  if (chunk.size() < 16)
    return source.refuse(format("its format has %zu bytes, expected 16 at least; it is damaged", chunk.size()));
  wav.codec = littleEndian(chunk.substr(0, 2));
  wav.channels = littleEndian(chunk.substr(2, 2));
  wav.rate = littleEndian(chunk.substr(4, 4));
  const uint32_t blockBytes = littleEndian(chunk.substr(12, 2));
  wav.bits = littleEndian(chunk.substr(14, 2));
  constexpr std::string_view restOfCodec("\0\0\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", 14);
  if (wav.codec == extensible && chunk.size() >= 40 && chunk.substr(26, 14) == restOfCodec)
    wav.codec = littleEndian(chunk.substr(24, 2));
  if (Status status = checkSound(source, wav.rate, wav.channels, 0); !status.ok())
    return status;
  wav.sampleBytes = blockBytes % wav.channels == 0 ? blockBytes / wav.channels : 0;
  if (!sampleReader(wav))
    return source.refuse(format("its samples are of codec 0x%04x with %u bits in %u bytes for %u channels, expected "
                                "PCM of 8, 16, 24 or 32 bits, float of 32 or 64, A-law or mu-law; convert it, for "
                                "example with ffmpeg -i FILE -c:a pcm_s16le sound.wav",
                                wav.codec, wav.bits, blockBytes, wav.channels));
  return {};
}

/// Finds the samples: `rest` begins after the word WAVE. Chunks have a name, a length of 32 bits, and a byte more if
/// that is odd. A length of all ones is a writer that could not know; in RF64 files a chunk "ds64" knows.
static Status findSamples(const MediaSource &source, std::string_view rest, WavFormat &wav, std::string_view &data,
                          std::string &note) {
  constexpr uint32_t unknownLength = 0xffffffff;
  uint64_t longLength = unknownLength;
  std::string_view head;
  while (take(rest, 8, head)) {
    const std::string_view name = head.substr(0, 4);
    const uint32_t length = littleEndian(head.substr(4, 4));
    if (name == "data" && wav.sampleBytes == 0)
      return source.refuse("its samples come before their format; it is damaged");
    if (name == "data") {
      const uint64_t claimed = length == unknownLength ? longLength : length;
      data = rest.substr(0, static_cast<size_t>(std::min<uint64_t>(claimed, rest.size())));
      if (claimed > rest.size() && claimed != unknownLength)
        note = format("%.*s ends early: it says that %llu bytes of sound follow, and has %zu of them",
                      static_cast<int>(source.name.size()), source.name.data(),
                      static_cast<unsigned long long>(claimed), rest.size());
      return {};
    }
    if (length > rest.size())
      return source.refuseEarlyEnd();
    const std::string_view chunk = rest.substr(0, length);
    if (name == "ds64" && chunk.size() >= 16)
      longLength = uint64_t{littleEndian(chunk.substr(12, 4))} << 32 | littleEndian(chunk.substr(8, 4));
    if (name == "fmt ")
      if (Status status = readFormat(source, chunk, wav); !status.ok())
        return status;
    rest.remove_prefix(std::min<size_t>(size_t{length} + (length & 1), rest.size()));
  }
  return source.refuseEarlyEnd();
}

Status decodeWav(const MediaSource &source, Sound &sound) {
  WavFormat wav;
  std::string_view data;
  sound.note.clear();
  if (Status status = findSamples(source, source.bytes.substr(12), wav, data, sound.note); !status.ok())
    return status;
  const size_t frameBytes = size_t{wav.sampleBytes} * wav.channels;
  const size_t count = data.size() / frameBytes;
  if (Status status = checkSound(source, wav.rate, wav.channels, count); !status.ok())
    return status;
  if (count == 0)
    return source.refuse("it has no samples");
  const ReadSample read = sampleReader(wav);
  sound.rate = wav.rate;
  sound.samples.resize(count);
  for (size_t i = 0; i < count; ++i) {
    const char *at = data.data() + i * frameBytes;
    float sum = read(at);
    for (uint32_t channel = 1; channel < wav.channels; ++channel)
      sum += read(at + channel * wav.sampleBytes);
    sound.samples[i] = sum / static_cast<float>(wav.channels);
    if (!std::isfinite(sound.samples[i]))
      return source.refuse(format("its sample %zu is not a number that can be used; it is damaged", i));
  }
  return {};
}

} // namespace gemmac::runtime
