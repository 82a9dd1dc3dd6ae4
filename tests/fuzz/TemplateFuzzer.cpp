// A chat template from one input: rendered for a small conversation, then probed as the compiler does. Time, memory and
// nesting are bounded by the renderer itself. A format that is found must compose what the template writes for a plain
// conversation.
#include "FuzzSupport.h"
#include "compiler/import/ChatProbe.h"
#include "compiler/import/template/Template.h"

using namespace gemmac;

static Vocabulary vocabulary() {
  Vocabulary result;
  result.size = 16;
  result.texts.resize(16);
  for (const char *text : {"<eos>", "<bos>", "<|turn>", "<turn|>", "<|channel>", "<channel|>", "<think>", "</think>"})
    result.added.push_back({static_cast<uint32_t>(result.added.size()), text, true});
  return result;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const Vocabulary tokens = vocabulary();
  llvm::StringRef input = fuzzInput(data, size);
  std::optional<ChatTemplate> parsed = accepted(ChatTemplate::parse("f", input));
  if (!parsed)
    return 0;
  TemplateVariables variables = {
      {"messages", {{{"role", "user"}, {"content", " a\n"}}, {{"role", "assistant"}, {"content", "b"}}}},
      {"bos_token", "<bos>"},
      {"n", 7},
      {"numbers", {3, 1, 2.5}},
      {"nested", {{"b", {{"x", 1}}}, {"a", nullptr}}}};
  if (!accepted(parsed->render(variables)))
    return 0;
  if (size > 4096) // many renderings
    return 0;
  if (std::optional<ChatFormat> format = accepted(probeChatTemplate("f", input, {{"bos_token", "<bos>"}}, tokens))) {
    require(format->chats());
    std::string fed = composeChat(*format, GEMMAC_THINK_DEFAULT, {{}, {"one", "two", "three"}});
    require(llvm::StringRef(fed).starts_with("<bos>") && fed.find("one") < fed.find("three"));
  }
  return 0;
}
