#include "generate/Prompt.h"

#include "text/TokenStream.h"

namespace gemmac::runtime {

void Prompt::encode(std::vector<int32_t> &ids) const {
  TokenStream stream(model.tokenizer);
  for (const Segment &segment : segments)
    stream.push(segment, ids);
  stream.finish(ids);
}

} // namespace gemmac::runtime
