// What is not read here is read by ffmpeg, where people have it: a process that writes to a pipe.
#ifndef GEMMAC_RUNTIME_FFMPEG_H
#define GEMMAC_RUNTIME_FFMPEG_H

#include "base/ChildProcess.h"
#include "media/Limits.h"
#include "media/MediaKind.h"
#include "media/Sound.h"

#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// Of a list of frames: what is behind the size of one may be long.
constexpr size_t longestListLine = size_t{1} << 20;

/// ffmpeg at work on a file: what it writes, in pieces. It may open nothing but files, and asks nobody.
class Ffmpeg {
public:
  /// \param program  a file, or a name to find in PATH. \param words  what to do with the file, from -map on; output
  /// goes to pipe:1.
  /// \returns inputOutput where there is no such program.
  Status start(const std::string &program, const std::string &path, const std::vector<std::string> &words);

  /// A line without its end. \returns inputOutput for one of more than `most` bytes. At the end, `ended`.
  Status readLine(std::string &line, size_t most, bool &ended);
  /// `size` bytes, or fewer at the end.
  Status read(char *bytes, size_t size, size_t &got);
  /// To be called when all was read. \returns what went wrong, by the last line that it wrote about it.
  Status finish() { return process.finish(); }

private:
  Status fill();

  ChildProcess process;
  std::vector<char> buffer;
  size_t at = 0, held = 0;
};

/// The first stream of sound of a file, mixed down by ffmpeg and at 16 kHz.
/// \param name     as messages show it, quotes included.
/// \param seconds  no more than the first so many are read; 0: all, and none where they are beyond MediaLimits.
/// \returns inputOutput; interrupted on Ctrl-C.
Status readSoundByFfmpeg(const std::string &path, std::string_view name, const std::string &program, uint32_t seconds,
                         Sound &sound);

/// What ffmpeg finds in a file: a video that is no cover, or where there is none, a sound.
/// \param kind  gets it.
/// \returns inputOutput where it finds neither, with a message that may follow "and"; interrupted on Ctrl-C.
Status findKindByFfmpeg(const std::string &path, const std::string &program, MediaKind &kind);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_FFMPEG_H
