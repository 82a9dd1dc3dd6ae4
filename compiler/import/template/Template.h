// Chat templates: our own reading of the part of Jinja that templates of chat models use, as transformers sets it up
// (trim_blocks, lstrip_blocks, loopcontrols, immutable values, raise_exception, tojson without HTML escapes). A
// template comes with a checkpoint and is not trusted: time, memory, nesting and output are limited, and what is not
// known is an error with its line.
#ifndef GEMMAC_COMPILER_IMPORT_TEMPLATE_TEMPLATE_H
#define GEMMAC_COMPILER_IMPORT_TEMPLATE_TEMPLATE_H

#include "llvm/ADT/StringRef.h"
#include "llvm/Support/Error.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

namespace gemmac {

namespace jinja {
struct Syntax;
}

/// Objects keep the order of their keys, as Python's do.
using TemplateVariables = nlohmann::ordered_json;

class ChatTemplate {
public:
  /// \param file  what messages call it
  /// \returns "<file>: error: line 3: ..." for what is no template, or not one that is known here
  static llvm::Expected<ChatTemplate> parse(llvm::StringRef file, llvm::StringRef text);
  ChatTemplate(ChatTemplate &&);
  ChatTemplate &operator=(ChatTemplate &&);
  ~ChatTemplate();

  /// \param variables  an object: what the template's names mean
  /// \returns an error as parse() does; what the template says with raise_exception is in its message
  llvm::Expected<std::string> render(const TemplateVariables &variables) const;

  /// The last rendering asked for today's date, which is given as a fixed one: programs are the same whenever they are
  /// compiled.
  bool usesDate() const { return date; }

private:
  ChatTemplate();
  std::string file;
  std::unique_ptr<jinja::Syntax> syntax;
  mutable bool date = false;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_TEMPLATE_TEMPLATE_H
