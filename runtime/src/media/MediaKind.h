// What can be shown or played to a model.
#ifndef GEMMAC_RUNTIME_MEDIAKIND_H
#define GEMMAC_RUNTIME_MEDIAKIND_H

namespace gemmac::runtime {

enum class MediaKind { none, picture, sound, video };

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAKIND_H
