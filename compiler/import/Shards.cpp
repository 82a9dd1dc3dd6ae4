#include "compiler/import/Shards.h"

#include "compiler/import/Json.h"

#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <map>
#include <set>

using namespace gemmac;
using llvm::StringRef;

static constexpr llvm::StringLiteral suffix = ".safetensors";

namespace {

/// "model-00002-of-00003.safetensors" taken apart.
struct ShardName {
  StringRef stem, number, total; ///< "model", "00002", "00003"
};

} // namespace

static std::optional<ShardName> parseShard(StringRef name) {
  if (!name.consume_back(suffix))
    return std::nullopt;
  auto [front, total] = name.rsplit("-of-");
  auto [stem, number] = front.rsplit('-');
  auto isCount = [](StringRef digits) {
    return !digits.empty() && digits.size() <= 5 && llvm::all_of(digits, llvm::isDigit);
  };
  if (stem.empty() || !isCount(number) || !isCount(total))
    return std::nullopt;
  return ShardName{stem, number, total};
}

/// The names of a directory's entries, sorted.
static std::set<std::string> entriesOf(StringRef directory) {
  std::set<std::string> names;
  std::error_code code;
  for (llvm::sys::fs::directory_iterator it(directory, code), end; !code && it != end; it.increment(code))
    names.insert(llvm::sys::path::filename(it->path()).str());
  return names;
}

/// \param names  of one set: of one stem and one total
static llvm::Error checkSet(StringRef stem, StringRef total, const std::map<unsigned, std::string> &names) {
  unsigned count = 0;
  total.getAsInteger(10, count);
  for (unsigned i = 1; i <= count; ++i) {
    if (names.contains(i))
      continue;
    return importError(
        names.begin()->second,
        "shard {0} of {1} is missing in this directory without an index: found {2} files '{3}-*-of-{4}{5}'; "
        "fetch the missing one",
        i, count, names.size(), stem, total, suffix);
  }
  if (names.size() > count)
    return importError(names.rbegin()->second, "the number of this shard is above {0}, the number of shards", count);
  return llvm::Error::success();
}

llvm::Expected<std::vector<std::string>> gemmac::findShards(StringRef directory) {
  std::map<std::pair<std::string, std::string>, std::map<unsigned, std::string>> sets; // by stem and total
  for (const std::string &name : entriesOf(directory)) {
    std::optional<ShardName> shard = parseShard(name);
    if (!shard || shard->stem.starts_with("adapter"))
      continue;
    unsigned number = 0;
    shard->number.getAsInteger(10, number);
    auto &numbers = sets[{shard->stem.str(), shard->total.str()}];
    if (auto [known, isNew] = numbers.try_emplace(number, name); !isNew)
      return importError(name, "this shard has the number of {0}, expected each number once", inQuotes(known->second));
  }
  if (sets.empty())
    return std::vector<std::string>();
  auto &[key, numbers] = *sets.begin();
  if (sets.size() > 1)
    return importError(directory,
                       "no model.safetensors.index.json, and the shards are of several sets: {0} and {1}, expected one",
                       inQuotes(numbers.begin()->second), inQuotes(std::next(sets.begin())->second.begin()->second));
  if (llvm::Error error = checkSet(key.first, key.second, numbers))
    return std::move(error);
  std::vector<std::string> names;
  for (auto &[number, name] : numbers)
    names.push_back(name);
  return names;
}

llvm::Error gemmac::noTensorFiles(StringRef directory) {
  std::set<std::string> names = entriesOf(directory);
  std::string found = "found neither 'model.safetensors' nor 'model.safetensors.index.json' nor files like "
                      "'model-00001-of-00002.safetensors'";
  for (StringRef name : names) {
    if (name.starts_with("adapter_model"))
      return importError(directory, "{0}, only {1}: this is an adapter; merge it into its base model and compile that",
                         found, inQuotes(name));
    if (name.starts_with("pytorch_model") || name.ends_with(".pth"))
      return importError(directory, "{0}, only {1}; gemmac reads weights in safetensors form only: save the model so",
                         found, inQuotes(name));
    if (name.ends_with(suffix))
      return importError(directory, "{0}; if {1} holds all tensors, rename it to 'model.safetensors'", found,
                         inQuotes(name));
  }
  return importError(directory, "{0}; gemmac reads weights in safetensors form only", found);
}
