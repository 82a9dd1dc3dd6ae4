// Pictures and sounds out of the bytes of files that nobody vouches for. What they are is told by how they begin, never
// by their name.
#ifndef GEMMAC_RUNTIME_DECODE_H
#define GEMMAC_RUNTIME_DECODE_H

#include "base/Status.h"
#include "media/Limits.h"
#include "media/Picture.h"
#include "media/Sound.h"

#include <string_view>

namespace gemmac::runtime {

/// JPEG, PNG, WebP or GIF (of an animation the first frame), as Pillow's exif_transpose() and convert("RGB") make it:
/// turned upright, palettes looked up, alpha dropped and not blended with a background, CMYK converted plainly, colour
/// profiles and gamma left alone. Of 16 bits the upper 8 are kept, but grey of 16 bits is cut off at 255, as there.
/// \param name as messages show it, quotes included.
/// \returns inputOutput; `picture` is then not to be used.
/// Threads: no shared state.
Status decodePicture(std::string_view bytes, std::string_view name, const MediaLimits &limits, Picture &picture);

/// Whether bytes begin as one of these pictures does.
bool isPicture(std::string_view bytes);

/// WAV (PCM of 8 to 32 bits, floats, A-law, mu-law) or FLAC. Channels are averaged: added in their order in float32,
/// divided by their number. A WAV file that ends before its data is read as far as it goes, and `sound.note` says so.
/// \param name as messages show it, quotes included.
/// \returns inputOutput; `sound` is then not to be used.
/// Threads: no shared state.
Status decodeSound(std::string_view bytes, std::string_view name, const MediaLimits &limits, Sound &sound);

/// Whether bytes begin as one of these sounds does. \param begin  at least the first 12 bytes, and all of a file that
/// begins with the letters ID3: a sound may come behind such a tag.
bool isSound(std::string_view begin);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_DECODE_H
