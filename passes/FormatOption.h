// Formats as options of passes: `weights=q4`, and `derived` for one that follows from others.
#ifndef GEMMAC_PASSES_FORMATOPTION_H
#define GEMMAC_PASSES_FORMATOPTION_H

#include "dialects/formats/Enums.h"

#include "llvm/Support/CommandLine.h"
#include "llvm/Support/raw_ostream.h"

namespace llvm::cl {

template <> class parser<gemmac::Format> : public basic_parser<gemmac::Format> {
public:
  using basic_parser::basic_parser;

  bool parse(Option &option, StringRef, StringRef text, gemmac::Format &format) {
    std::optional<gemmac::Format> known = gemmac::parseFormat(text);
    if (!known)
      return option.error("'" + text + "' is no storage format, expected " + names());
    format = *known;
    return false;
  }
  StringRef getValueName() const override { return "format"; }
  void printOptionDiff(const Option &, gemmac::Format, const OptionValue<gemmac::Format> &, size_t) const {}
  static void print(raw_ostream &os, gemmac::Format format) { os << gemmac::nameOf(format); }
  void anchor() override {}

private:
  static std::string names() {
    std::string text;
    for (uint32_t value = 0; value <= gemmac::getMaxEnumValForFormat(); ++value)
      text += (value ? ", " : "") + gemmac::nameOf(*gemmac::symbolizeFormat(value)).str();
    return text;
  }
};

template <> class parser<std::optional<gemmac::Format>> : public basic_parser<std::optional<gemmac::Format>> {
public:
  using basic_parser::basic_parser;

  bool parse(Option &option, StringRef name, StringRef text, std::optional<gemmac::Format> &format) {
    if (text == derived) {
      format.reset();
      return false;
    }
    return parser<gemmac::Format>(option).parse(option, name, text, format.emplace());
  }
  StringRef getValueName() const override { return "format"; }
  void printOptionDiff(const Option &, const std::optional<gemmac::Format> &,
                       const OptionValue<std::optional<gemmac::Format>> &, size_t) const {}
  static void print(raw_ostream &os, const std::optional<gemmac::Format> &format) {
    os << (format ? gemmac::nameOf(*format) : StringRef(derived));
  }
  void anchor() override {}

private:
  static constexpr StringLiteral derived = "derived";
};

} // namespace llvm::cl

#endif // GEMMAC_PASSES_FORMATOPTION_H
