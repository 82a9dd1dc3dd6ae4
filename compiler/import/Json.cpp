#include "compiler/import/Json.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/Twine.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

using namespace gemmac;
using llvm::StringRef;

static constexpr int maxDepth = 64;

namespace {

/// Reads through a text only to learn where and why it is not JSON.
struct WhereItBreaks : nlohmann::json_sax<Json> {
  size_t byte = 0;
  std::string reason;

  bool null() override { return true; }
  bool boolean(bool) override { return true; }
  bool number_integer(number_integer_t) override { return true; }
  bool number_unsigned(number_unsigned_t) override { return true; }
  bool number_float(number_float_t, const string_t &) override { return true; }
  bool string(string_t &) override { return true; }
  bool binary(binary_t &) override { return true; }
  bool start_object(std::size_t) override { return true; }
  bool key(string_t &) override { return true; }
  bool end_object() override { return true; }
  bool start_array(std::size_t) override { return true; }
  bool end_array() override { return true; }
  bool parse_error(std::size_t position, const std::string &, const nlohmann::detail::exception &problem) override {
    byte = position;
    reason = problem.what();
    return false;
  }
};

/// Watches a parse for what the DOM cannot show afterwards.
struct Watch {
  DuplicateKeys duplicates;
  std::vector<llvm::StringSet<>> keys; // one set per open object
  std::string error;

  bool operator()(int depth, Json::parse_event_t event, Json &value) {
    using Event = Json::parse_event_t;
    if (depth > maxDepth && error.empty())
      error = "nested deeper than " + std::to_string(maxDepth) + " levels";
    if (duplicates == DuplicateKeys::keepLast)
      return error.empty();
    if (event == Event::object_start)
      keys.emplace_back();
    else if (event == Event::object_end)
      keys.pop_back();
    else if (event == Event::key && !keys.back().insert(stringOf(value)).second && error.empty())
      error = "key " + inQuotes(stringOf(value)) + " is given twice in one object";
    return true;
  }
};

} // namespace

/// The library's message begins with its own error number and class, which help nobody here.
static StringRef withoutPrefix(StringRef reason) {
  size_t at = reason.find("] ");
  if (at != StringRef::npos)
    reason = reason.drop_front(at + 2);
  if (reason.consume_front("parse error at ")) {
    at = reason.find(": ");
    if (at != StringRef::npos)
      reason = reason.drop_front(at + 2);
  }
  return reason;
}

/// `text` with quotes around NaN, Infinity and -Infinity where they stand as values.
static std::string withQuotedNumbers(StringRef text) {
  std::string result;
  bool inString = false;
  while (!text.empty()) {
    StringRef word;
    if (!inString)
      for (StringRef known : {"NaN", "Infinity", "-Infinity"})
        if (text.starts_with(known))
          word = known;
    if (!word.empty()) {
      result += ("\"" + word + "\"").str();
      text = text.drop_front(word.size());
      continue;
    }
    if (text.front() == '"')
      inString = !inString;
    size_t taken = inString && text.front() == '\\' ? 2 : 1;
    result += text.take_front(taken);
    text = text.drop_front(std::min(taken, text.size()));
  }
  return result;
}

llvm::Expected<Json> gemmac::parseJson(StringRef file, StringRef text, DuplicateKeys duplicates) {
  Watch watch{duplicates, {}, {}};
  Json value = Json::parse(text.begin(), text.end(), std::ref(watch), /*allow_exceptions=*/false);
  if (value.is_discarded() && watch.error.empty() && (text.contains("NaN") || text.contains("Infinity"))) {
    watch = {duplicates, {}, {}};
    value = Json::parse(withQuotedNumbers(text), std::ref(watch), /*allow_exceptions=*/false);
  }
  if (!watch.error.empty())
    return importError(file, "{0}", watch.error);
  if (!value.is_discarded())
    return value;
  WhereItBreaks where;
  Json::sax_parse(text.begin(), text.end(), &where);
  std::string reason;
  for (char c : withoutPrefix(where.reason))
    reason += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return importError(file, "not valid JSON at byte {0} of {1}: {2}", where.byte, text.size(), reason);
}

std::string gemmac::inQuotes(StringRef text) {
  constexpr size_t longest = 120;
  std::string result = "'";
  for (char c : text.take_front(longest)) {
    auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte != 0x7f)
      result += c;
    else if (c == '\n')
      result += "\\n";
    else
      result += "\\x" + llvm::utohexstr(byte, /*LowerCase=*/true, /*Width=*/2);
  }
  return result + (text.size() > longest ? "..." : "") + "'";
}

std::string gemmac::shortNumber(double value) {
  char text[32];
  snprintf(text, sizeof text, "%g", value);
  return text;
}

StringRef gemmac::stringOf(const Json &value) { return value.get_ref<const std::string &>(); }

std::string gemmac::describe(const Json &value) {
  switch (value.type()) {
  case Json::value_t::null:
    return "null";
  case Json::value_t::boolean:
    return value.get<bool>() ? "true" : "false";
  case Json::value_t::number_integer:
    return std::to_string(value.get<int64_t>());
  case Json::value_t::number_unsigned:
    return std::to_string(value.get<uint64_t>());
  case Json::value_t::number_float:
    return shortNumber(value.get<double>());
  case Json::value_t::string:
    return inQuotes(stringOf(value));
  case Json::value_t::array:
    return "an array of " + std::to_string(value.size());
  case Json::value_t::object:
    return "an object";
  default:
    return "nothing";
  }
}

static std::optional<int64_t> integerOf(const Json &value) {
  if (value.is_number_unsigned()) {
    auto number = value.get<uint64_t>();
    if (number > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
      return std::nullopt;
    return static_cast<int64_t>(number);
  }
  if (value.is_number_integer())
    return value.get<int64_t>();
  // Some writers have only one kind of numbers: 131072.0.
  constexpr double exact = 9007199254740992.0; // 2^53
  if (value.is_number_float())
    if (auto number = value.get<double>(); std::abs(number) <= exact && std::trunc(number) == number)
      return static_cast<int64_t>(number);
  return std::nullopt;
}

/// The ids of one number or a list, each of which `isGood`.
static std::optional<std::vector<int64_t>> readIds(const Json &value, llvm::function_ref<bool(int64_t)> isGood,
                                                   std::string &expected) {
  std::vector<int64_t> ids;
  auto add = [&](const Json &one) {
    std::optional<int64_t> id = integerOf(one);
    if (!id || !isGood(*id))
      return false;
    if (!llvm::is_contained(ids, *id))
      ids.push_back(*id);
    return true;
  };
  if (!value.is_array())
    return add(value) ? std::optional(ids) : std::nullopt;
  for (const Json &one : value) {
    if (!add(one)) {
      expected += "; one of them is " + describe(one);
      return std::nullopt;
    }
  }
  return ids;
}

std::optional<std::vector<int32_t>> gemmac::tokenIds(const Json &value, int64_t limit, std::string &expected) {
  expected = "a token id or a list of token ids from 0 to " + std::to_string(limit - 1);
  auto ids = readIds(value, [&](int64_t id) { return id >= 0 && id < limit; }, expected);
  return ids ? std::optional(std::vector<int32_t>(ids->begin(), ids->end())) : std::nullopt;
}

std::optional<std::vector<int64_t>> gemmac::anyTokenIds(const Json &value, std::string &expected) {
  expected = "a token id or a list of token ids";
  return readIds(value, [](int64_t) { return true; }, expected);
}

Fields::Fields(StringRef file, std::string path, const Json &object)
    : file(file.str()), path(std::move(path)), fields(object) {
  assert(object.is_object() && "callers check the type");
}

const Json *Fields::find(StringRef name) {
  asked.insert(name);
  auto at = fields.find(std::string_view(name));
  return at == fields.end() ? nullptr : &*at;
}

void Fields::fail(const llvm::Twine &message) {
  if (error.empty())
    error = message.str();
}

void Fields::mismatch(StringRef name, StringRef expected) {
  auto at = fields.find(std::string_view(name));
  if (at == fields.end())
    return fail("field " + inQuotes(pathOf(name)) + " is missing, expected " + expected);
  fail("field " + inQuotes(pathOf(name)) + " is " + describe(*at) + ", expected " + expected);
}

std::optional<int64_t> Fields::optionalInteger(StringRef name, int64_t low, int64_t high) {
  const Json *value = find(name);
  if (!value || value->is_null())
    return std::nullopt;
  std::optional<int64_t> number = integerOf(*value);
  if (number && *number >= low && *number <= high)
    return number;
  mismatch(name, llvm::formatv("an integer from {0} to {1}", low, high).str());
  return low;
}

int64_t Fields::integer(StringRef name, int64_t fallback, int64_t low, int64_t high) {
  const Json *value = find(name);
  if (value && value->is_null())
    mismatch(name, llvm::formatv("an integer from {0} to {1}", low, high).str());
  return optionalInteger(name, low, high).value_or(fallback);
}

std::optional<double> Fields::optionalNumber(StringRef name, double low, double high) {
  const Json *value = find(name);
  if (!value || value->is_null())
    return std::nullopt;
  double number = value->is_number() ? value->get<double>() : std::nan("");
  if (number >= low && number <= high) // false for NaN
    return number;
  mismatch(name, "a number from " + shortNumber(low) + " to " + shortNumber(high));
  return low;
}

double Fields::number(StringRef name, double fallback, double low, double high) {
  const Json *value = find(name);
  if (value && value->is_null())
    mismatch(name, "a number");
  return optionalNumber(name, low, high).value_or(fallback);
}

std::optional<bool> Fields::optionalBoolean(StringRef name) {
  const Json *value = find(name);
  if (!value || value->is_null())
    return std::nullopt;
  if (value->is_boolean())
    return value->get<bool>();
  mismatch(name, "true or false");
  return false;
}

bool Fields::boolean(StringRef name, bool fallback) {
  const Json *value = find(name);
  if (value && value->is_null())
    mismatch(name, "true or false");
  return optionalBoolean(name).value_or(fallback);
}

std::optional<std::string> Fields::optionalString(StringRef name) {
  const Json *value = find(name);
  if (!value || value->is_null())
    return std::nullopt;
  if (value->is_string())
    return stringOf(*value).str();
  mismatch(name, "a string");
  return std::string();
}

std::string Fields::string(StringRef name, StringRef fallback) {
  const Json *value = find(name);
  if (value && value->is_null())
    mismatch(name, "a string");
  return optionalString(name).value_or(fallback.str());
}

const Json *Fields::any(StringRef name) {
  const Json *value = find(name);
  return value && !value->is_null() ? value : nullptr;
}

const Json *Fields::object(StringRef name) {
  const Json *value = any(name);
  if (!value || value->is_object())
    return value;
  mismatch(name, "an object");
  return nullptr;
}

const Json *Fields::array(StringRef name) {
  const Json *value = any(name);
  if (!value || value->is_array())
    return value;
  mismatch(name, "an array");
  return nullptr;
}

std::vector<std::string> Fields::unread() const {
  std::vector<std::string> names;
  for (const auto &item : fields.items())
    if (!asked.contains(item.key()))
      names.push_back(item.key());
  return names;
}

llvm::Error Fields::takeError() {
  if (error.empty())
    return llvm::Error::success();
  return importError(file, "{0}", error);
}

std::string Fields::takeMessage() {
  for (const std::string &name : unread())
    fail("field " + inQuotes(pathOf(name)) + " is unknown");
  return std::move(error);
}

/// Whether an unread field changes nothing. One that is null is one that is not set.
bool Fields::isIdle(StringRef name, llvm::ArrayRef<llvm::StringLiteral> harmless) const {
  return llvm::is_contained(harmless, name) || fields[std::string_view(name)].is_null();
}

llvm::Error Fields::finish(llvm::ArrayRef<llvm::StringLiteral> harmless) {
  for (const std::string &name : unread())
    if (!isIdle(name, harmless))
      fail("field " + inQuotes(pathOf(name)) + " is unknown and could change the results; its value is " +
           describe(fields[name]));
  return takeError();
}

llvm::Error Fields::finish(llvm::ArrayRef<llvm::StringLiteral> harmless, llvm::ArrayRef<std::string> ignored,
                           std::vector<std::string> &notes) {
  error = finishMessage(harmless, ignored, notes);
  return takeError();
}

std::string Fields::finishMessage(llvm::ArrayRef<llvm::StringLiteral> harmless, llvm::ArrayRef<std::string> ignored,
                                  std::vector<std::string> &notes) {
  for (const std::string &name : unread()) {
    std::string full = pathOf(name);
    if (isIdle(name, harmless))
      continue;
    if (llvm::is_contained(ignored, full))
      notes.push_back(file + ": field " + inQuotes(full) + " is left out as asked; its value is " +
                      describe(fields[name]));
    else
      fail("field " + inQuotes(full) + " is unknown and could change the results; its value is " +
           describe(fields[name]) + "; if you know that it does not, add --ignore-config " + inQuotes(full));
  }
  for (StringRef name : ignored)
    if (name.consume_front(path) && asked.contains(name) && has(name))
      fail("field " + inQuotes(pathOf(name)) +
           " is part of what the model computes, expected --ignore-config to name only "
           "fields that are unknown");
  return std::move(error);
}
