// Control characters made visible: what a model or a stranger's file says must not command the terminal.
#ifndef GEMMAC_RUNTIME_VISIBLE_H
#define GEMMAC_RUNTIME_VISIBLE_H

#include <cstddef>
#include <string>
#include <string_view>

namespace gemmac::runtime {

/// Room for what one character is shown as.
inline constexpr size_t visibleBytes = 16;

/// How many bytes `text` begins with that a terminal shows as they are: characters of UTF-8 other than controls
/// (U+0000 to U+001F, U+007F to U+009F; a tab and a line feed are fine) and those that reorder text (U+202A to U+202E,
/// U+2066 to U+2069).
size_t visiblePrefix(std::string_view text);

/// How the first character of `text`, one that visiblePrefix() stops at, is shown: "^[" for an escape, "<U+009B>", and
/// U+FFFD for a byte that is no character. A carriage return before a line feed shows as nothing.
/// \param taken  gets the bytes that the character has in `text`.
/// \param shown  room for visibleBytes; the result may lie there.
std::string_view showCharacter(std::string_view text, size_t &taken, char *shown);

/// `text` in one line: as above, and so are tabs and line feeds.
std::string visibleLine(std::string_view text);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_VISIBLE_H
