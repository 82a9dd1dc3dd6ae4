#include "generate/Prompt.h"

#include "base/Text.h"
#include "text/TokenStream.h"

#include <optional>

namespace gemmac::runtime {

std::string frameTime(double begin) {
  const auto seconds = static_cast<long long>(begin);
  return format("%02lld:%02lld", seconds / 60, seconds % 60);
}

std::string frameLabel(double begin, bool first) { return (first ? "" : " ") + frameTime(begin) + " "; }

void Prompt::encode(SoftPrompt &prompt) const {
  const gemmac_media &media = model.program.media;
  std::optional<TokenStream> stream(model.tokenizer);
  for (const auto &[text, medium] : pieces) {
    if (!medium) {
      stream->push(text, prompt.tokens);
      continue;
    }
    stream->finish(prompt.tokens);
    stream.emplace(model.tokenizer);
    const bool image = medium->kind == Medium::Kind::image;
    prompt.tokens.push_back(image ? media.image_begin : media.audio_begin);
    prompt.append(medium->rows);
    prompt.tokens.push_back(image ? media.image_end : media.audio_end);
  }
  stream->finish(prompt.tokens);
}

} // namespace gemmac::runtime
