#include "terminal/Keys.h"

#include <algorithm>
#include <iterator>

namespace gemmac::runtime {

static constexpr std::string_view pasteBegin = "\x1b[200~", pasteEnd = "\x1b[201~";

void KeyReader::reset() {
  sequence.clear();
  typed.clear();
  inPaste = afterReturn = false;
}

Key KeyReader::textOf(std::string_view bytes) {
  typed = bytes;
  return Key::text;
}

Key KeyReader::controlKey(unsigned char byte) {
  auto control = [](char letter) { return static_cast<unsigned char>(letter - '@'); };
  struct Binding {
    unsigned char byte;
    Key key;
  };
  static const Binding bindings[] = {
      {control('A'), Key::home},     {control('B'), Key::left},        {control('D'), Key::endOfInput},
      {control('E'), Key::end},      {control('F'), Key::right},       {control('H'), Key::backspace},
      {control('K'), Key::cutToEnd}, {control('L'), Key::clearScreen}, {control('N'), Key::down},
      {control('P'), Key::up},       {control('U'), Key::cutToStart},  {control('W'), Key::cutWord},
      {control('Y'), Key::paste},    {0x7f, Key::backspace},
  };
  auto found = std::find_if(std::begin(bindings), std::end(bindings), [byte](auto &one) { return one.byte == byte; });
  return found == std::end(bindings) ? Key::none : found->key;
}

// The key of a whole sequence that is no mark of a paste.
Key KeyReader::sequenceKey() {
  struct Binding {
    std::string_view sequence;
    Key key;
  };
  static constexpr Binding bindings[] = {
      {"[A", Key::up},          {"[B", Key::down},         {"[C", Key::right},       {"[D", Key::left},
      {"OA", Key::up},          {"OB", Key::down},         {"OC", Key::right},       {"OD", Key::left},
      {"[H", Key::home},        {"[F", Key::end},          {"OH", Key::home},        {"OF", Key::end},
      {"[1~", Key::home},       {"[4~", Key::end},         {"[7~", Key::home},       {"[8~", Key::end},
      {"[3~", Key::remove},     {"[1;5C", Key::wordRight}, {"[1;5D", Key::wordLeft}, {"[1;3C", Key::wordRight},
      {"[1;3D", Key::wordLeft}, {"b", Key::wordLeft},      {"f", Key::wordRight},    {"d", Key::cutNextWord},
      {"\x7f", Key::cutWord},   {"\b", Key::cutWord},      {"\r", Key::lineBreak},   {"\n", Key::lineBreak},
  };
  const std::string_view rest = std::string_view(sequence).substr(1);
  auto found =
      std::find_if(std::begin(bindings), std::end(bindings), [rest](auto &one) { return one.sequence == rest; });
  return found == std::end(bindings) ? Key::none : found->key;
}

// Terminals send a carriage return for each line break, files that were copied may have both characters.
Key KeyReader::pushPasted(char byte) {
  const bool second = afterReturn && byte == '\n';
  afterReturn = byte == '\r';
  if (second)
    return Key::none;
  return textOf(byte == '\r' ? std::string_view("\n") : std::string_view(&byte, 1));
}

Key KeyReader::push(char byte) {
  constexpr size_t longest = 32; // of sequences that some terminal sends
  if (inPaste) {
    sequence += byte;
    if (sequence == pasteEnd)
      reset();
    if (!inPaste || pasteEnd.starts_with(sequence))
      return Key::none;
    // No mark: the bytes are text, but the last one may begin a mark.
    const bool again = sequence.size() > 1 && byte == pasteEnd.front();
    std::string bytes = sequence.substr(0, sequence.size() - again);
    sequence = again ? pasteEnd.substr(0, 1) : "";
    if (bytes.size() == 1)
      return pushPasted(bytes.front());
    afterReturn = false;
    std::replace(bytes.begin(), bytes.end(), '\r', '\n');
    return textOf(bytes);
  }
  const bool second = afterReturn && byte == '\n';
  afterReturn = false;
  if (sequence.empty()) {
    if (second)
      return Key::none;
    if (byte == pasteBegin.front()) {
      sequence = byte;
      return Key::none;
    }
    if (byte == '\r' || byte == '\n') {
      afterReturn = byte == '\r';
      return Key::enter;
    }
    const auto value = static_cast<unsigned char>(byte);
    return value == '\t' || (value >= 0x20 && value != 0x7f) ? textOf({&byte, 1}) : controlKey(value);
  }
  if (byte == pasteBegin.front()) { // what came before was no sequence
    sequence = byte;
    return Key::none;
  }
  sequence += byte;
  // ESC [ or ESC O, parameters, and a final byte; or ESC and one character.
  const bool opens = sequence.size() == 2 && (byte == '[' || byte == 'O');
  const bool whole = sequence.size() == 2 ? !opens : byte >= 0x40 && byte <= 0x7e;
  if (!whole && sequence.size() < longest)
    return Key::none;
  const Key key = sequenceKey();
  inPaste = sequence == pasteBegin;
  sequence.clear();
  return key;
}

} // namespace gemmac::runtime
