#include "compiler/import/ChatProbe.h"

#include "compiler/import/Json.h"
#include "compiler/import/template/Template.h"

#include <bit>

using namespace gemmac;
using llvm::StringRef;

namespace {

/// Texts that no template holds, so that what is around them can be found.
struct Marks {
  std::string user[3], answer[2], system, thought;
};

/// Marks around thoughts that models are known to write, and what stands behind the first one.
struct ThoughtMarks {
  StringRef open, inside, close;
};
constexpr ThoughtMarks knownThoughts[] = {
    {"<|channel>", "thought\n", "<channel|>"}, {"<think>", "\n", "</think>"},
    {"<unused94>", "thought\n", "<unused95>"}, {"<thinking>", "\n", "</thinking>"},
    {"<thought>", "\n", "</thought>"},         {"<reasoning>", "\n", "</reasoning>"}};

/// A conversation to compare, and how messages name it.
struct Trial {
  const char *name;
  ChatTexts texts;
};

class Probe {
public:
  Probe(StringRef file, StringRef text, const ChatTemplate &chatTemplate, const SpecialTokens &tokens,
        const Vocabulary &vocabulary)
      : file(file), text(text), chatTemplate(chatTemplate), tokens(tokens), vocabulary(vocabulary),
        marks(chooseMarks()) {}

  llvm::Expected<ChatFormat> run();

private:
  using Pieces = std::vector<std::string>;

  Marks chooseMarks() const;
  std::optional<std::string> render(const ChatTexts &texts, gemmac_thinking thinking, bool ask = true);
  /// Renders, and cuts at the marks, each of which must occur once and in order. Nothing, and `why`, when that cannot
  /// be.
  std::optional<Pieces> cut(const ChatTexts &texts, gemmac_thinking thinking, bool ask = true);
  std::optional<ChatMode> probeMode(gemmac_thinking thinking);
  void probeSystem(gemmac_thinking thinking, ChatMode &mode);
  void probeTurnEnd();
  void probeThoughts();
  bool follows(const ChatTexts &texts, gemmac_thinking thinking = GEMMAC_THINK_DEFAULT);
  void chooseFlag(uint32_t flag, const ChatTexts &texts);
  uint32_t bestThoughtFlags(const ThoughtMarks &known, int &matched);
  std::vector<Trial> thoughtTrials(const ThoughtMarks &known) const;
  llvm::Error compareAll();
  void compare(const Trial &trial, gemmac_thinking thinking);
  void addRemarks();
  llvm::Error failure(const llvm::Twine &reason) const;

  StringRef file, text;
  const ChatTemplate &chatTemplate;
  const SpecialTokens &tokens;
  const Vocabulary &vocabulary;
  Marks marks;
  ChatFormat format;
  std::string why; ///< what the last rendering failed for
  std::optional<ThoughtMarks> thoughts;
  bool contentInParts = false; ///< the template wants lists of parts for texts
  bool writesBos = false, usesDate = false;
};

} // namespace

Marks Probe::chooseMarks() const {
  for (char letter = 'q';; ++letter) {
    std::string stem = std::string("gm") + letter + "x";
    if (letter < 'z' && (text.contains_insensitive(stem)))
      continue;
    Marks result;
    const char *numbers[] = {"one", "two", "three"};
    for (int i = 0; i < 3; ++i)
      result.user[i] = stem + "user" + numbers[i];
    for (int i = 0; i < 2; ++i)
      result.answer[i] = stem + "answer" + numbers[i];
    result.system = stem + "system";
    result.thought = stem + "thought";
    return result;
  }
}

static TemplateVariables message(const char *role, const std::string &text, bool inParts) {
  TemplateVariables content = text;
  if (inParts)
    content = TemplateVariables::array({TemplateVariables{{"type", "text"}, {"text", text}}});
  return {{"role", role}, {"content", content}};
}

std::optional<std::string> Probe::render(const ChatTexts &texts, gemmac_thinking thinking, bool ask) {
  TemplateVariables messages = TemplateVariables::array();
  if (texts.system)
    messages.push_back(message("system", *texts.system, contentInParts));
  for (size_t i = 0; i < texts.turns.size(); ++i)
    messages.push_back(message(i % 2 == 0 ? "user" : "assistant", texts.turns[i], contentInParts));
  TemplateVariables variables = {
      {"messages", messages}, {"tools", nullptr}, {"documents", nullptr}, {"add_generation_prompt", ask}};
  for (const auto &[name, token] : tokens)
    variables[name] = token;
  if (thinking != GEMMAC_THINK_DEFAULT)
    variables["enable_thinking"] = thinking == GEMMAC_THINK_ON;
  llvm::Expected<std::string> result = chatTemplate.render(variables);
  usesDate |= chatTemplate.usesDate();
  if (!result) {
    why = llvm::toString(result.takeError());
    return std::nullopt;
  }
  StringRef rest = *result;
  writesBos = !format.bos.empty() && rest.consume_front(format.bos);
  return rest.str();
}

std::optional<Probe::Pieces> Probe::cut(const ChatTexts &texts, gemmac_thinking thinking, bool ask) {
  std::optional<std::string> rendered = render(texts, thinking, ask);
  if (!rendered)
    return std::nullopt;
  std::vector<std::string> wanted = texts.turns;
  if (texts.system)
    wanted.insert(wanted.begin(), *texts.system);
  Pieces pieces;
  StringRef rest = *rendered;
  for (const std::string &mark : wanted) {
    size_t at = rest.find(mark);
    if (at == StringRef::npos || StringRef(*rendered).count(mark) != 1) {
      why = (file + ": error: the chat template does not write each text of a conversation once and in order: of " +
             llvm::Twine(texts.turns.size()) + " texts it makes " + inQuotes(*rendered))
                .str();
      return std::nullopt;
    }
    pieces.push_back(rest.take_front(at).str());
    rest = rest.substr(at + mark.size());
  }
  pieces.push_back(rest.str());
  return pieces;
}

std::optional<ChatMode> Probe::probeMode(gemmac_thinking thinking) {
  std::optional<Pieces> two = cut({{}, {marks.user[0], marks.answer[0], marks.user[1]}}, thinking);
  if (!two)
    return std::nullopt;
  ChatMode mode = {(*two)[0], "", "", (*two)[3], (*two)[1], (*two)[2]};
  probeSystem(thinking, mode);
  return mode;
}

void Probe::probeSystem(gemmac_thinking thinking, ChatMode &mode) {
  std::optional<Pieces> pieces = cut({marks.system, {marks.user[0]}}, thinking);
  if (!pieces)
    return;
  if (thinking == GEMMAC_THINK_DEFAULT)
    format.flags |= GEMMAC_CHAT_SYSTEM;
  mode.systemOpen = (*pieces)[0];
  mode.systemClose = (*pieces)[1];
}

/// What ends an answer: the token behind the last one of a conversation, or in front of the next turn.
void Probe::probeTurnEnd() {
  std::optional<Pieces> closed = cut({{}, {marks.user[0], marks.answer[0]}}, GEMMAC_THINK_DEFAULT, /*ask=*/false);
  std::string candidates[] = {closed ? closed->back() : "", format.modes[GEMMAC_THINK_DEFAULT].next};
  for (StringRef candidate : candidates)
    for (const AddedToken &token : vocabulary.added)
      if (candidate.ltrim().starts_with(token.text) && token.text.size() > format.turnClose.size() &&
          !token.text.empty() && !StringRef(token.text).trim().empty())
        format.turnClose = token.text;
  if (format.turnClose.empty())
    format.turnClose = StringRef(candidates[0]).trim().str();
}

bool Probe::follows(const ChatTexts &texts, gemmac_thinking thinking) {
  std::optional<std::string> rendered = render(texts, thinking);
  return rendered && format.bos + *rendered == composeChat(format, thinking, texts);
}

/// Sets a flag when the template follows `texts` with it.
void Probe::chooseFlag(uint32_t flag, const ChatTexts &texts) {
  format.flags |= flag;
  if (!follows(texts))
    format.flags &= ~flag;
}

std::vector<Trial> Probe::thoughtTrials(const ThoughtMarks &known) const {
  std::string inside = known.inside.str() + marks.thought + "\n";
  std::string whole = known.open.str() + inside + known.close.str(), said = marks.answer[0], more = marks.answer[1];
  auto trial = [&](const char *name, std::string answer) {
    return Trial{name, {{}, {marks.user[0], std::move(answer), marks.user[1]}}};
  };
  return {trial("with a thought in an earlier answer", whole + said),
          trial("with a thought and an empty line in an earlier answer", whole + "\n\n" + said),
          trial("with a thought inside an earlier answer", said + whole + more),
          trial("with the end of a thought in an earlier answer", inside + known.close.str() + said),
          trial("with an unfinished thought in an earlier answer", said + known.open.str() + inside)};
}

/// The flags with which most of the trials are followed, the first ones before the others; of equals the fewest.
uint32_t Probe::bestThoughtFlags(const ThoughtMarks &known, int &matched) {
  constexpr uint32_t all = GEMMAC_CHAT_DROPS_THOUGHTS | GEMMAC_CHAT_DROPS_TO_LAST_CLOSE | GEMMAC_CHAT_DROPS_UNCLOSED |
                           GEMMAC_CHAT_DROPS_MARKS | GEMMAC_CHAT_DROPS_BREAKS;
  format.thoughtOpen = known.open.str();
  format.thoughtClose = known.close.str();
  std::vector<Trial> trials = thoughtTrials(known);
  std::vector<std::optional<std::string>> rendered;
  for (const Trial &trial : trials)
    rendered.push_back(render(trial.texts, GEMMAC_THINK_DEFAULT));
  uint32_t before = format.flags, best = 0;
  matched = -1;
  for (uint32_t flags = 0; flags <= all; ++flags) {
    if (flags & ~all)
      continue;
    format.flags = before | flags;
    int score = 0;
    for (size_t i = 0; i < trials.size(); ++i)
      if (rendered[i] && format.bos + *rendered[i] == composeChat(format, GEMMAC_THINK_DEFAULT, trials[i].texts))
        score += 1 << (trials.size() - 1 - i);
    if (score > matched || (score == matched && std::popcount(flags) < std::popcount(best))) {
      matched = score;
      best = flags;
    }
  }
  format.flags = before;
  return best;
}

/// Which marks are around thoughts, and what becomes of thoughts in earlier answers.
void Probe::probeThoughts() {
  for (const ThoughtMarks &known : knownThoughts) {
    bool isToken = vocabulary.findAdded(known.open) && vocabulary.findAdded(known.close);
    bool mentioned = text.contains(known.close);
    bool usual = &known == knownThoughts && isToken;
    if (!usual && !mentioned)
      continue;
    int matched = 0;
    uint32_t flags = bestThoughtFlags(known, matched);
    if (flags != 0 || !thoughts) {
      thoughts = known;
      format.flags |= flags;
    }
    if (flags != 0)
      break;
  }
  format.thoughtOpen = thoughts ? thoughts->open.str() : "";
  format.thoughtClose = thoughts ? thoughts->close.str() : "";
}

/// The place where two texts part, for a message.
static std::string excerpt(StringRef text, size_t at) {
  size_t from = at < 24 ? 0 : at - 24;
  return (from > 0 ? "..." : "") + inQuotes(text.substr(from, 72)) + (from + 72 < text.size() ? "..." : "");
}

static const char *modeName(gemmac_thinking thinking) {
  return thinking == GEMMAC_THINK_DEFAULT ? "" : thinking == GEMMAC_THINK_ON ? " and thinking on" : " and thinking off";
}

void Probe::compare(const Trial &trial, gemmac_thinking thinking) {
  std::optional<std::string> rendered = render(trial.texts, thinking);
  if (!rendered) {
    StringRef reason = why;
    reason.consume_front(file);
    reason.consume_front(": error: ");
    format.differences.push_back((llvm::Twine(trial.name) + modeName(thinking) + ": " + reason).str());
    return;
  }
  std::string written = format.bos + *rendered, fed = composeChat(format, thinking, trial.texts);
  if (written == fed)
    return;
  size_t at = 0;
  while (at < written.size() && at < fed.size() && written[at] == fed[at])
    ++at;
  format.differences.push_back(llvm::formatv("{0}{1}: the template writes {2}, the program feeds {3}", trial.name,
                                             modeName(thinking), excerpt(written, at), excerpt(fed, at))
                                   .str());
}

llvm::Error Probe::failure(const llvm::Twine &reason) const {
  return llvm::make_error<ImportError>(
      (reason +
       "; --chat-format gemma4 or gemma3 names a format to use instead, none makes a program that does not chat")
          .str());
}

llvm::Error Probe::compareAll() {
  std::vector<Trial> plain = {
      {"with one question", {{}, {marks.user[0]}}},
      {"with two questions", {{}, {marks.user[0], marks.answer[0], marks.user[1]}}},
      {"with three questions", {{}, {marks.user[0], marks.answer[0], marks.user[1], marks.answer[1], marks.user[2]}}}};
  for (const Trial &trial : plain)
    compare(trial, GEMMAC_THINK_DEFAULT);
  if (!format.differences.empty())
    return failure(file + ": error: the chat template does not follow one pattern: " + format.differences.front());
  std::vector<Trial> more = {
      {"with white space around a question", {{}, {" \n" + marks.user[0] + "\n "}}},
      {"with white space around an answer", {{}, {marks.user[0], " \n" + marks.answer[0] + "\n ", marks.user[1]}}},
      {"with an empty answer", {{}, {marks.user[0], "", marks.user[1]}}}};
  if (format.flags & GEMMAC_CHAT_SYSTEM) {
    more.push_back({"with instructions", {marks.system, {marks.user[0]}}});
    more.push_back({"with instructions and two questions", {marks.system, plain[1].texts.turns}});
    more.push_back({"with empty instructions", {"", {marks.user[0]}}});
    more.push_back({"with white space around instructions", {" \n" + marks.system + "\n ", {marks.user[0]}}});
  }
  if (thoughts)
    llvm::append_range(more, thoughtTrials(*thoughts));
  for (const Trial &trial : more)
    compare(trial, GEMMAC_THINK_DEFAULT);
  llvm::append_range(more, plain);
  for (gemmac_thinking thinking : {GEMMAC_THINK_ON, GEMMAC_THINK_OFF}) {
    size_t known = format.differences.size();
    for (const Trial &trial : more)
      compare(trial, thinking);
    if (known > 0 && format.differences.size() > known) // most are the default's over again
      format.differences.resize(known + 1);
  }
  return llvm::Error::success();
}

/// What differs without a conversation that shows it.
void Probe::addRemarks() {
  if (!format.bos.empty() && !writesBos)
    format.differences.push_back("the template writes no " + format.bos +
                                 "; the program feeds it first all the same, as without it "
                                 "Gemma models fail");
  if (!(format.flags & GEMMAC_CHAT_SYSTEM))
    format.differences.push_back("the template takes no instructions, so the program's --system is refused");
  const ChatMode &usual = format.modes[GEMMAC_THINK_DEFAULT];
  if (usual.prompt != usual.answered && StringRef(usual.answered).starts_with(usual.prompt))
    format.differences.push_back(
        "the template opens no answer when it is asked to (add_generation_prompt), so the program does not either");
  if (usesDate)
    format.differences.push_back("the template writes the date of the day; the program's is 1 January 2026 for ever");
  const AddedToken *end = vocabulary.findAdded(format.turnClose);
  if (format.turnClose.empty())
    format.differences.push_back(
        "nothing ends an answer in the template; the program stops at the checkpoint's stop tokens alone");
  else if (!end)
    format.differences.push_back("turns end with " + inQuotes(format.turnClose) +
                                 ", which is no token of the tokenizer: people and "
                                 "the model can write it");
}

llvm::Expected<ChatFormat> Probe::run() {
  auto bos = tokens.find("bos_token");
  format.bos = bos == tokens.end() ? "" : bos->second;
  format.flags = GEMMAC_CHAT_EXISTS;
  std::optional<ChatMode> mode = probeMode(GEMMAC_THINK_DEFAULT);
  if (!mode) { // some templates know texts only as parts
    std::string first = why;
    contentInParts = true;
    if (!(mode = probeMode(GEMMAC_THINK_DEFAULT)))
      return failure(first);
  }
  for (ChatMode &one : format.modes)
    one = *mode;
  for (gemmac_thinking thinking : {GEMMAC_THINK_ON, GEMMAC_THINK_OFF})
    if (std::optional<ChatMode> found = probeMode(thinking))
      format.modes[thinking] = *found;
  probeTurnEnd();
  chooseFlag(GEMMAC_CHAT_TRIMS_USER, {{}, {" \n" + marks.user[0] + "\n "}});
  chooseFlag(GEMMAC_CHAT_TRIMS_ANSWERS, {{}, {marks.user[0], " \n" + marks.answer[0] + "\n ", marks.user[1]}});
  if (format.flags & GEMMAC_CHAT_SYSTEM) {
    chooseFlag(GEMMAC_CHAT_TRIMS_SYSTEM, {" \n" + marks.system + "\n ", {marks.user[0]}});
    chooseFlag(GEMMAC_CHAT_SKIPS_EMPTY_SYSTEM, {"", {marks.user[0]}});
  }
  probeThoughts();
  if (llvm::Error error = compareAll())
    return std::move(error);
  addRemarks();
  format.name = "template";
  for (const ChatFormat &published :
       {gemma4Format(format.bos, false), gemma4Format(format.bos, true), gemma3Format(format.bos)})
    if (sameFormat(format, published))
      format.name = published.name;
  return std::move(format);
}

llvm::Expected<ChatFormat> gemmac::probeChatTemplate(StringRef file, StringRef text, const SpecialTokens &tokens,
                                                     const Vocabulary &vocabulary) {
  llvm::Expected<ChatTemplate> chatTemplate = ChatTemplate::parse(file, text);
  if (!chatTemplate)
    return llvm::make_error<ImportError>(
        llvm::toString(chatTemplate.takeError()) +
        "; --chat-format gemma4 or gemma3 names a format to use instead, none makes a program "
        "that does not chat");
  return Probe(file, text, *chatTemplate, tokens, vocabulary).run();
}
