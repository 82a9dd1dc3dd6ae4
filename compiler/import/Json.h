// JSON from untrusted files: a parse that never throws, and typed access to fields whose errors name the file, the
// field, what was found and what was expected.
#ifndef GEMMAC_COMPILER_IMPORT_JSON_H
#define GEMMAC_COMPILER_IMPORT_JSON_H

#include "compiler/base/Errors.h"

#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringSet.h"

#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace gemmac {

using Json = nlohmann::json;

enum class DuplicateKeys {
  refuse,
  keepLast ///< as Python does; published vocabularies need it (spec 6.1)
};

/// Parses `text`. Errors give the byte at which it stops being JSON; nesting beyond 64 levels and, with `refuse`, a key
/// given twice in one object are errors too. NaN, Infinity and -Infinity, which Python writes, become strings.
llvm::Expected<Json> parseJson(llvm::StringRef file, llvm::StringRef text, DuplicateKeys duplicates);

/// `text` in single quotes, control characters escaped and cut after 120 bytes: names from a file may hold anything,
/// and a message is one line.
std::string inQuotes(llvm::StringRef text);

/// A value as messages show it: "null", "17", "'text'", "an array of 3", "an object".
std::string describe(const Json &value);

/// "0.25", "1e-06": as few digits as %g needs.
std::string shortNumber(double value);

/// The string of a JSON value without copying; only for values of type string.
llvm::StringRef stringOf(const Json &value);

/// A token id or a list of token ids, each in [0, limit). nullopt, with `expected` set to what should stand there, when
/// `value` is neither.
std::optional<std::vector<int32_t>> tokenIds(const Json &value, int64_t limit, std::string &expected);

/// The same for ids of any size, duplicates left out.
std::optional<std::vector<int64_t>> anyTokenIds(const Json &value, std::string &expected);

/// Typed access to one object's fields. The first mistake is kept and reading goes on with harmless values, so that a
/// reader is a list of fields and not a ladder of checks; finish() or takeError() then reports it. Every field that was
/// asked for counts as known.
class Fields {
public:
  /// \param path what precedes a field's name in messages: "" or "text_config."
  Fields(llvm::StringRef file, std::string path, const Json &object);

  /// An absent field gives `fallback`; null is of the wrong type.
  int64_t integer(llvm::StringRef name, int64_t fallback, int64_t low, int64_t high);
  double number(llvm::StringRef name, double fallback, double low, double high);
  bool boolean(llvm::StringRef name, bool fallback);
  std::string string(llvm::StringRef name, llvm::StringRef fallback);

  /// nullopt for an absent field and for null.
  std::optional<int64_t> optionalInteger(llvm::StringRef name, int64_t low, int64_t high);
  std::optional<double> optionalNumber(llvm::StringRef name, double low, double high);
  std::optional<bool> optionalBoolean(llvm::StringRef name);
  std::optional<std::string> optionalString(llvm::StringRef name);

  /// nullptr for an absent field and for null; lives as long as the object given to the constructor.
  const Json *object(llvm::StringRef name);
  const Json *array(llvm::StringRef name);
  const Json *any(llvm::StringRef name);

  bool has(llvm::StringRef name) const { return fields.contains(std::string_view(name)); }
  bool failed() const { return !error.empty(); }
  std::string pathOf(llvm::StringRef name) const { return path + name.str(); }

  /// Records "field '<path><name>' is <value>, expected <expected>".
  void mismatch(llvm::StringRef name, llvm::StringRef expected);
  /// Records any other mistake: "<file>: error: <message>".
  void fail(const llvm::Twine &message);

  /// The fields that nobody asked for, in the order of the alphabet.
  std::vector<std::string> unread() const;

  /// The first mistake; else an error naming a field that was not asked for, is not null and not in `harmless`.
  llvm::Error finish(llvm::ArrayRef<llvm::StringLiteral> harmless);
  /// The same, but fields that `ignored` names in full are left out with a note. One that was asked for is a mistake
  /// there.
  llvm::Error finish(llvm::ArrayRef<llvm::StringLiteral> harmless, llvm::ArrayRef<std::string> ignored,
                     std::vector<std::string> &notes);
  /// The same as a message without the file's name, for what a reader does without; empty when nothing is wrong.
  std::string finishMessage(llvm::ArrayRef<llvm::StringLiteral> harmless, llvm::ArrayRef<std::string> ignored,
                            std::vector<std::string> &notes);
  llvm::Error takeError();
  /// The first mistake without the file's name, for a reader of an object inside another's; empty when there is none
  /// and every field was asked for.
  std::string takeMessage();

private:
  const Json *find(llvm::StringRef name);
  bool isIdle(llvm::StringRef name, llvm::ArrayRef<llvm::StringLiteral> harmless) const;

  std::string file, path, error;
  const Json &fields;
  llvm::StringSet<> asked;
};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_JSON_H
