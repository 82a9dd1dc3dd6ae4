// Files that were dragged into the line of a chat: terminals type their paths.
#ifndef GEMMAC_RUNTIME_DROPPEDFILES_H
#define GEMMAC_RUNTIME_DROPPEDFILES_H

#include "media/Decode.h"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// A message without the files in it.
struct DroppedFiles {
  std::string text;               ///< what stands around them
  std::vector<std::string> files; ///< their paths
};

/// Tells whether a file exists and is something to show or play.
using IsMedia = std::function<bool(const std::string &path)>;

/// Takes words out of a message of one line that name a picture, a sound or a video as terminals write a file dropped
/// on them:
/// `/pictures/a\\ cat.png`, `'/pictures/a cat.png'`, `"/pictures/a cat.png"`, `file:///pictures/a%20cat.png`, or with
/// `~/` in front; or the whole message, where it is such a path with spaces as they are. Everything else stays as it
/// is, and so does a message of several lines, which was pasted and is about files rather than with them.
/// \param home  what `~` stands for; empty: nothing.
DroppedFiles takeDroppedFiles(std::string_view message, std::string_view home, const IsMedia &isMedia);

/// What a file on the disk most likely is, by its first bytes; none for what is no regular file or cannot be read.
MediaKind kindOfFile(const std::string &path);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_DROPPEDFILES_H
