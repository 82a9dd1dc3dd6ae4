// Long sounds in parts that the model can hear.
#ifndef GEMMAC_RUNTIME_SOUNDPARTS_H
#define GEMMAC_RUNTIME_SOUNDPARTS_H

#include "media/Sound.h"

#include <vector>

namespace gemmac::runtime {

/// Cuts a sound into parts of at most 30 seconds each, one right after the other. A cut is where the last two seconds
/// before that are quietest, by the energy of 20 milliseconds; of equals the latest. What is left at the end and is too
/// short to be heard (161 samples at 16 kHz) is left out.
/// \param sound  of at least one part.
std::vector<Sound> soundParts(const Sound &sound);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_SOUNDPARTS_H
