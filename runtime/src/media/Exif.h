// How a camera was held: EXIF's orientation, and turning a picture upright.
#ifndef GEMMAC_RUNTIME_EXIF_H
#define GEMMAC_RUNTIME_EXIF_H

#include "media/Source.h"

#include <string_view>

namespace gemmac::runtime {

/// \param exif a TIFF header with its first directory, with or without "Exif\0\0" before it.
/// \returns 1 to 8; 1, which is upright, also where nothing valid is said.
unsigned exifOrientation(std::string_view exif);

/// Mirrors and turns `picture` so that what EXIF calls `orientation` becomes upright.
Status turnUpright(const MediaSource &source, unsigned orientation, Picture &picture);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_EXIF_H
