// A line of a chat into which files were dragged: which of its words are files, and what text stays. An input is the
// home folder, a line break, and the line.
#include "Require.h"

#include "base/Text.h"
#include "commands/DroppedFiles.h"

#include <algorithm>
#include <cstdint>

using namespace gemmac::runtime;

/// A world in which paths with these letters are files to show.
static bool isShown(const std::string &path) {
  return path.find(".png") != path.npos || path.find(" x") != path.npos || path.ends_with('y');
}

/// As a shell would have it quoted.
static std::string quoted(const std::string &path) {
  std::string text = "'";
  for (char byte : path)
    text += byte == '\'' ? "'\\''" : std::string(1, byte);
  return text + "'";
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  const std::string_view input(reinterpret_cast<const char *>(data), size);
  const size_t end = std::min(input.find('\n'), size);
  const std::string_view home = input.substr(0, end), message = input.substr(std::min(end + 1, size));
  std::vector<std::string> found;
  auto isMedia = [&](const std::string &path) {
    // Paths from the root, of folders or files that can exist; behind "~/" those of the home folder.
    require(path.size() >= 2 &&
            (path.starts_with('/') || (!home.empty() && path.starts_with(std::string(home) + "/"))));
    require(path.find('\0') == path.npos);
    if (isShown(path))
      found.push_back(path);
    return isShown(path);
  };
  const DroppedFiles dropped = takeDroppedFiles(message, home, isMedia);
  require(dropped.files == found && dropped.text == trim(dropped.text));
  require(dropped.text.size() + 2 * found.size() <= message.size()); // a path has two bytes or more
  if (found.empty() || trim(message).find_first_of("\r\n") != message.npos)
    require(found.empty() && dropped.text == trim(message));
  // Every byte of the text that stays stands in the message, in this order.
  auto at = message.begin();
  for (char byte : dropped.text) {
    at = std::find(at, message.end(), byte);
    require(at != message.end());
    ++at;
  }
  // Each of them is found again, however it is written.
  for (const std::string &path : dropped.files) {
    if (path.find_first_of("\r\n") != path.npos || !path.starts_with('/'))
      continue;
    const DroppedFiles again = takeDroppedFiles("see " + quoted(path), "", isShown);
    require(again.text == "see" && again.files == std::vector<std::string>{path});
  }
  return 0;
}
