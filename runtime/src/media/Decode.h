// Pictures and sounds out of the bytes of files that nobody vouches for. What they are is told by how they begin, never
// by their name.
#ifndef GEMMAC_RUNTIME_DECODE_H
#define GEMMAC_RUNTIME_DECODE_H

#include "base/Status.h"
#include "media/Limits.h"
#include "media/MediaKind.h"
#include "media/Picture.h"
#include "media/Sound.h"

#include <string_view>

namespace gemmac::runtime {

/// What a file is by its first bytes, of which `enoughForKind` tell; of one that begins with the letters ID3 all are
/// needed, since a sound may come behind such a tag. None where it is nothing that is read here. A GIF is a picture.
MediaKind mediaKind(std::string_view beginning);
constexpr size_t enoughForKind = 16;

/// The same, and of other files what they most likely hold: those that begin like containers of films or sounds, which
/// ffmpeg reads (MP4, QuickTime, Matroska, AVI, ASF, FLV, MPEG; MP3, AAC, Ogg, AIFF). \param beginning as above.
MediaKind likelyKind(std::string_view beginning);

/// JPEG, PNG, WebP or GIF (of an animation the first frame), as Pillow's exif_transpose() and convert("RGB") make it:
/// turned upright, palettes looked up, alpha dropped and not blended with a background, CMYK converted plainly, colour
/// profiles and gamma left alone. Of 16 bits the upper 8 are kept, but grey of 16 bits is cut off at 255, as there.
/// \param name as messages show it, quotes included.
/// \returns inputOutput; `picture` is then not to be used.
/// Threads: no shared state.
Status decodePicture(std::string_view bytes, std::string_view name, const MediaLimits &limits, Picture &picture);

/// WAV (PCM of 8 to 32 bits, floats, A-law, mu-law) or FLAC. Channels are averaged: added in their order in float32,
/// divided by their number. A WAV file that ends before its data is read as far as it goes, and `sound.note` says so.
/// \param name as messages show it, quotes included.
/// \returns inputOutput; `sound` is then not to be used.
/// Threads: no shared state.
Status decodeSound(std::string_view bytes, std::string_view name, const MediaLimits &limits, Sound &sound);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_DECODE_H
