// Small text helpers: printf into a string, trimming, byte counts for people, files of token ids.
#ifndef GEMMAC_RUNTIME_TEXT_H
#define GEMMAC_RUNTIME_TEXT_H

#include "base/Status.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gemmac::runtime {

/// printf into a string.
[[gnu::format(printf, 1, 2)]] std::string format(const char *pattern, ...);

/// Without leading and trailing white space as Unicode has it, which is what chat templates do to messages (spec 6.3).
std::string_view trim(std::string_view text);

/// "1.50 GiB", "12.0 MiB", "3 bytes".
std::string formatBytes(uint64_t bytes);

/// Length in bytes of the UTF-8 character that `text` begins with and its code point in `codePoint`; 0 when `text` is
/// empty or does not begin with a valid character (overlong forms and surrogates are invalid).
unsigned decodeUtf8(std::string_view text, uint32_t &codePoint);

/// Token ids separated by white space or commas.
/// \param source named in errors.
/// \returns usage error for anything that is not an id in [0, vocab).
Status parseTokenIds(std::string_view text, std::string_view source, int64_t vocab, std::vector<int32_t> &ids);

} // namespace gemmac::runtime

#endif // GEMMAC_RUNTIME_TEXT_H
