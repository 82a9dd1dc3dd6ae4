// What can be shown or played to a model.
#ifndef GEMMAC_RUNTIME_MEDIAKIND_H
#define GEMMAC_RUNTIME_MEDIAKIND_H

namespace gemmac::runtime {

enum class MediaKind { none, picture, sound, video };

constexpr const char *nameOf(MediaKind kind) {
  constexpr const char *names[] = {"nothing", "picture", "sound", "video"};
  return names[static_cast<int>(kind)];
}

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_MEDIAKIND_H
