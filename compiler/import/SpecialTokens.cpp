#include "compiler/import/SpecialTokens.h"

#include "llvm/ADT/DenseMap.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

using namespace gemmac;
using llvm::StringRef;

static constexpr llvm::StringLiteral bosText = "<bos>", eosText = "<eos>";

// Control tokens of Gemma 4 (spec 6.1) and of Gemma 3. People's text must not hold them, answers must not show them.
static constexpr llvm::StringLiteral knownControls[] = {"<pad>",
                                                        "<eos>",
                                                        "<bos>",
                                                        "<start_of_turn>",
                                                        "<end_of_turn>",
                                                        "<start_of_image>",
                                                        "<end_of_image>",
                                                        "<image_soft_token>",
                                                        "<|turn>",
                                                        "<turn|>",
                                                        "<|think|>",
                                                        "<|channel>",
                                                        "<channel|>",
                                                        "<|tool>",
                                                        "<tool|>",
                                                        "<|tool_call>",
                                                        "<tool_call|>",
                                                        "<|tool_response>",
                                                        "<tool_response|>",
                                                        "<|\"|>",
                                                        "<|image>",
                                                        "<image|>",
                                                        "<|image|>",
                                                        "<|audio>",
                                                        "<audio|>",
                                                        "<|audio|>",
                                                        "<|video|>"};

// Without these a chat is rubbish, so that a file that marks them as text is told of.
static constexpr llvm::StringLiteral turnTokens[] = {"<start_of_turn>", "<end_of_turn>", "<|turn>", "<turn|>"};

// What ends an answer beside the end of a turn: the model hands over to a tool.
static constexpr llvm::StringLiteral toolResponse = "<|tool_response>", turnCloses[] = {"<turn|>", "<end_of_turn>"};

/// "<...>", and no byte.
static bool looksLikeControl(StringRef text) {
  return text.size() > 2 && text.front() == '<' && text.back() == '>' && !tokenByte(text);
}

bool gemmac::isControlToken(StringRef text, llvm::ArrayRef<int32_t> stopIds, uint32_t id) {
  return llvm::is_contained(knownControls, text) ||
         (looksLikeControl(text) && llvm::is_contained(stopIds, static_cast<int32_t>(id)));
}

ListedIds gemmac::readListedIds(Fields &fields, StringRef name, int64_t vocab) {
  ListedIds listed;
  const Json *value = fields.any(name);
  if (!value)
    return listed;
  std::string expected;
  std::optional<std::vector<int64_t>> ids = anyTokenIds(*value, expected);
  if (!ids) {
    fields.mismatch(name, expected);
    return listed;
  }
  for (int64_t id : *ids) {
    if (id == UINT32_MAX) // -1 in an unsigned field
      continue;
    if (id >= vocab)
      listed.beyond.push_back(id);
    else if (id >= 0) // -1 is "none"
      listed.ids.push_back(static_cast<int32_t>(id));
  }
  return listed;
}

/// "'<bos>', 2"
static std::string named(const Vocabulary &vocabulary, int64_t id) {
  const std::optional<std::string> &text = vocabulary.texts[id];
  return (text ? inQuotes(*text) : std::string("unused")) + ", " + std::to_string(id);
}

/// What the file claims, as an id; -1 without a claim or when it names no token.
static int32_t claimedBos(const BosClaim &claim, const Vocabulary &vocabulary) {
  if (claim.text) {
    auto found = vocabulary.ids.find(*claim.text);
    return found == vocabulary.ids.end() ? -1 : static_cast<int32_t>(found->second);
  }
  bool isToken = claim.id && *claim.id >= 0 && *claim.id < vocabulary.size && vocabulary.texts[*claim.id];
  return isToken ? static_cast<int32_t>(*claim.id) : -1;
}

llvm::Expected<int32_t> gemmac::findBos(const BosClaim &claim, const Vocabulary &vocabulary,
                                        std::vector<std::string> &notes) {
  int32_t claimed = claimedBos(claim, vocabulary);
  std::string given = claim.text ? "bos_token is " + inQuotes(*claim.text)
                      : claim.id ? "bos_token_id is " + std::to_string(*claim.id)
                                 : "";
  auto own = vocabulary.ids.find(bosText);
  if (own == vocabulary.ids.end()) {
    if (claimed < 0 && !given.empty())
      return importError(claim.file, "{0}, expected a token of the vocabulary, which has no '{1}' either", given,
                         bosText);
    if (claimed < 0)
      notes.push_back(claim.file + ": no token is said to begin texts, and the vocabulary has no '" + bosText.str() +
                      "'");
    return claimed;
  }
  auto id = static_cast<int32_t>(own->second);
  if (given.empty())
    notes.push_back(claim.file + ": bos_token_id is missing; texts begin with " + named(vocabulary, id) +
                    " of the vocabulary");
  else if (claimed != id)
    notes.push_back(claim.file + ": " + given + "; texts begin with " + named(vocabulary, id) + " of the vocabulary");
  if (!claim.isAdded)
    notes.push_back(claim.flagFile + ": add_bos_token is false; raw text begins with " + named(vocabulary, id) +
                    " too, as the model needs it");
  return id;
}

/// Merges that make a control token would give it to people's text.
static void dropControlMerges(const llvm::DenseSet<uint32_t> &controls, Vocabulary &vocabulary) {
  size_t before = vocabulary.merges.size();
  llvm::erase_if(vocabulary.merges, [&](const Merge &merge) { return controls.contains(merge.merged); });
  if (vocabulary.merges.size() == before)
    return;
  uint32_t rank = 0, old = 0; // ranks stay below the number of merges; equal ones stay equal
  for (auto [index, merge] : llvm::enumerate(vocabulary.merges)) {
    if (index == 0 || merge.rank != old)
      rank = static_cast<uint32_t>(index);
    old = merge.rank;
    merge.rank = rank;
  }
}

namespace {

/// Makes control tokens of tokens of any other type.
class ControlMarker {
public:
  explicit ControlMarker(Vocabulary &vocabulary) : vocabulary(vocabulary) {
    for (auto [index, token] : llvm::enumerate(vocabulary.added)) {
      places.try_emplace(token.id, index);
      if (token.special)
        controls.insert(token.id);
    }
  }

  void mark(uint32_t id, bool isTold) {
    if (!controls.insert(id).second)
      return;
    const std::string &text = *vocabulary.texts[id];
    auto [place, isNew] = places.try_emplace(id, vocabulary.added.size());
    if (isNew)
      vocabulary.added.push_back({id, text, true});
    else
      vocabulary.added[place->second].special = true;
    if (isTold)
      told.push_back(inQuotes(text));
  }
  void mark(StringRef text, bool isTold) {
    if (auto found = vocabulary.ids.find(text); found != vocabulary.ids.end() && vocabulary.texts[found->second])
      mark(found->second, isTold);
  }

  llvm::DenseSet<uint32_t> controls;
  std::vector<std::string> told;

private:
  Vocabulary &vocabulary;
  llvm::DenseMap<uint32_t, size_t> places; ///< in vocabulary.added
};

} // namespace

void gemmac::markControlTokens(StringRef file, llvm::ArrayRef<int32_t> stopIds, Vocabulary &vocabulary,
                               std::vector<std::string> &notes) {
  ControlMarker marker(vocabulary);
  for (int32_t id : stopIds)
    if (const std::optional<std::string> &text = vocabulary.texts[id]; text && looksLikeControl(*text))
      marker.mark(static_cast<uint32_t>(id), true);
  for (StringRef text : knownControls)
    marker.mark(text, text == bosText || text == eosText || llvm::is_contained(turnTokens, text));
  // Converters mark some of Gemma 4's as visible, for programs that look for them in the text.
  if (vocabulary.ids.contains("<|turn>"))
    for (size_t i = 0; i < vocabulary.added.size(); ++i)
      if (StringRef text = vocabulary.added[i].text; text.starts_with("<|") || text.ends_with("|>"))
        marker.mark(vocabulary.added[i].id, false);
  if (!marker.told.empty())
    notes.push_back((file + ": " + llvm::join(marker.told, ", ") +
                     (marker.told.size() == 1 ? " is not marked as a control token, but used as one"
                                              : " are not marked as control tokens, but used as such"))
                        .str());
  dropControlMerges(marker.controls, vocabulary);
}

/// The control token that ends a turn; -1 without a chat format.
static int32_t turnCloseId(const Vocabulary &vocabulary, const ChatFormat &chat) {
  const AddedToken *longest = nullptr;
  for (const AddedToken &token : vocabulary.added)
    if (token.special && StringRef(chat.turnClose).starts_with(token.text))
      if (!longest || token.text.size() > longest->text.size())
        longest = &token;
  return longest ? static_cast<int32_t>(longest->id) : -1;
}

llvm::Expected<std::vector<int32_t>> gemmac::completeStopIds(StringRef file, const ListedIds &listed,
                                                             const Vocabulary &vocabulary, const ChatFormat &chat,
                                                             bool isTold, std::vector<std::string> &notes) {
  for (int64_t id : listed.beyond) {
    auto left = llvm::find_if(vocabulary.leftOut, [&](const AddedToken &token) { return token.id == id; });
    if (left != vocabulary.leftOut.end())
      return importError(
          file,
          "{0} ({1}) ends answers, but the model's tables have {2} rows, expected one for it: the weights are "
          "of another model than the tokenizer",
          inQuotes(left->text), id, vocabulary.size);
    notes.push_back(
        llvm::formatv("{0}: stop token {1} is left out, the vocabulary has {2} tokens", file, id, vocabulary.size));
  }
  std::vector<int32_t> ids = listed.ids;
  std::vector<std::string> added;
  auto add = [&](int64_t id) {
    if (id < 0 || llvm::is_contained(ids, id))
      return;
    ids.push_back(static_cast<int32_t>(id));
    added.push_back(named(vocabulary, id));
  };
  auto idOf = [&](StringRef text) -> int64_t {
    const AddedToken *token = vocabulary.findAdded(text);
    return token && token->special ? static_cast<int64_t>(token->id) : -1;
  };
  add(turnCloseId(vocabulary, chat));
  // Files without a list of stop tokens belong to chat models as often as not.
  if (!isTold)
    for (StringRef text : turnCloses)
      add(idOf(text));
  if (!isTold || (!chat.turnClose.empty() && idOf("<|turn>") >= 0))
    add(idOf(toolResponse));
  add(idOf(eosText));
  if (isTold && !added.empty())
    notes.push_back((file + ": " + llvm::join(added, "; ") + " " + (added.size() == 1 ? "ends" : "end") +
                     " answers too, though not listed as a stop token")
                        .str());
  return ids;
}

llvm::Error gemmac::checkLeftOut(StringRef file, const Vocabulary &vocabulary, StringRef chatTemplate,
                                 const ChatFormat &chat, std::vector<std::string> &notes) {
  if (vocabulary.leftOut.empty())
    return llvm::Error::success();
  std::string format = chat.bos + chat.turnClose + chat.thoughtOpen + chat.thoughtClose;
  for (const ChatMode &mode : chat.modes)
    format += mode.start + mode.systemOpen + mode.systemClose + mode.prompt + mode.answered + mode.next;
  std::vector<std::string> names;
  for (const AddedToken &token : vocabulary.leftOut) {
    bool marksTurns = llvm::is_contained(turnTokens, token.text) && chatTemplate.contains(token.text);
    if (marksTurns || token.text == bosText || StringRef(format).contains(token.text))
      return importError(
          file,
          "{0} has id {1}, but the model's tables have {2} rows, expected one for it: the chat template needs "
          "it; the weights are of another model than the tokenizer",
          inQuotes(token.text), token.id, vocabulary.size);
    if (names.size() < 4)
      names.push_back(inQuotes(token.text) + ", " + std::to_string(token.id));
  }
  notes.push_back(llvm::formatv("{0}: {1} added token{2} without a row in the model's tables left out ({3}{4})", file,
                                vocabulary.leftOut.size(), vocabulary.leftOut.size() == 1 ? "" : "s",
                                llvm::join(names, "; "), vocabulary.leftOut.size() > names.size() ? "; ..." : ""));
  return llvm::Error::success();
}
