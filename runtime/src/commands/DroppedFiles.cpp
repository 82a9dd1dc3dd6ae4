#include "commands/DroppedFiles.h"

#include "base/Text.h"

#include <algorithm>
#include <array>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace gemmac::runtime {

static bool isSpace(char byte) { return byte == ' ' || byte == '\t'; }

namespace {
/// A word of a message, as a shell reads it.
struct Word {
  size_t end; ///< behind it
  std::string text;
};
} // namespace

/// The word that begins at `at`: quotes and backslashes are taken off. `end` is npos where a quote has no end.
static Word wordAt(std::string_view message, size_t at) {
  std::string text;
  char quote = 0;
  for (; at < message.size() && (quote != 0 || !isSpace(message[at])); ++at) {
    const char byte = message[at];
    if (byte == quote)
      quote = 0;
    else if (quote == 0 && (byte == '\'' || byte == '"'))
      quote = byte;
    else if (byte == '\\' && quote != '\'' && at + 1 < message.size())
      text += message[++at];
    else
      text += byte;
  }
  return {quote == 0 ? at : message.npos, text};
}

static int hexDigit(char byte) {
  if (byte >= '0' && byte <= '9')
    return byte - '0';
  const char lower = static_cast<char>(byte | 0x20);
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

static std::string percentDecoded(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size(); ++at) {
    const int high = text[at] == '%' && at + 2 < text.size() ? hexDigit(text[at + 1]) : -1;
    const int low = high >= 0 ? hexDigit(text[at + 2]) : -1;
    result += low >= 0 ? static_cast<char>(high * 16 + low) : text[at];
    at += low >= 0 ? 2 : 0;
  }
  return result;
}

/// The absolute path that a word names; empty where it names none.
static std::string pathOf(std::string_view word, std::string_view home) {
  for (std::string_view scheme : {"file:///", "file://localhost/"})
    if (word.starts_with(scheme))
      return percentDecoded(word.substr(scheme.size() - 1));
  if (word.starts_with("~/") && !home.empty())
    return std::string(home) + std::string(word.substr(1));
  return word.starts_with('/') ? std::string(word) : "";
}

static bool isFile(const std::string &path, const IsMedia &isMedia) {
  return path.size() >= 2 && path.find('\0') == path.npos && isMedia(path);
}

DroppedFiles takeDroppedFiles(std::string_view message, std::string_view home, const IsMedia &isMedia) {
  message = trim(message);
  DroppedFiles result;
  if (message.find_first_of("\n\r") != message.npos)
    return {std::string(message), {}};
  // Spaces as they are: only the whole can be meant.
  const std::string whole = pathOf(message, home);
  if (isFile(whole, isMedia))
    return {"", {whole}};
  for (size_t at = 0; at < message.size();) {
    if (isSpace(message[at])) {
      result.text += message[at++];
      continue;
    }
    const Word word = wordAt(message, at);
    const size_t end = std::min(word.end, message.find_first_of(" \t", at));
    const std::string path = word.end == message.npos ? "" : pathOf(word.text, home);
    if (isFile(path, isMedia)) {
      result.files.push_back(path);
      at = word.end;
      while (at < message.size() && isSpace(message[at])) // the space behind it goes with it
        ++at;
      continue;
    }
    result.text += message.substr(at, end - at);
    at = std::min(end, message.size());
  }
  result.text = trim(result.text);
  return result;
}

MediaKind kindOfFile(const std::string &path) {
  struct stat state;
  if (::stat(path.c_str(), &state) != 0 || !S_ISREG(state.st_mode))
    return MediaKind::none;
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
  if (fd < 0)
    return MediaKind::none;
  std::array<char, enoughForKind> bytes;
  const ssize_t got = ::read(fd, bytes.data(), bytes.size());
  ::close(fd);
  return got > 0 ? likelyKind({bytes.data(), static_cast<size_t>(got)}) : MediaKind::none;
}

} // namespace gemmac::runtime
