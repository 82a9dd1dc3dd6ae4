#include "compiler/calibrate/CalibrationText.h"

#include "compiler/base/Errors.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"

namespace gemmac {

// Written by CMake from the files in text/.
extern const char calibrationPassages[];
extern const char calibrationPrompts[];

CalibrationText shippedText() {
  CalibrationText text{{calibrationPassages}, {}};
  llvm::SmallVector<llvm::StringRef> lines;
  llvm::StringRef(calibrationPrompts).split(lines, '\n', -1, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines)
    text.prompts.push_back(line.str());
  return text;
}

static llvm::Expected<CalibrationText> readJson(const std::string &path, llvm::StringRef content) {
  llvm::Expected<llvm::json::Value> value = llvm::json::parse(content);
  if (!value)
    return importError(path, "is no JSON: {0}", llvm::toString(value.takeError()));
  const llvm::json::Array *entries = value->getAsArray();
  if (!entries)
    return importError(path, "holds no array; expected strings and objects with a member 'prompt'");
  CalibrationText text;
  for (size_t index = 0; index < entries->size(); ++index) {
    const llvm::json::Value &entry = (*entries)[index];
    std::optional<llvm::StringRef> prompt;
    if (const llvm::json::Object *object = entry.getAsObject())
      prompt = object->getString("prompt");
    if (std::optional<llvm::StringRef> passage = entry.getAsString())
      text.passages.push_back(passage->str());
    else if (prompt)
      text.prompts.push_back(prompt->str());
    else
      return importError(path, "entry {0} is neither a string nor an object with a string 'prompt'", index);
  }
  return text;
}

llvm::Expected<CalibrationText> readCalibrationText(const std::string &path) {
  auto buffer = llvm::MemoryBuffer::getFile(path);
  if (!buffer)
    return importError(path, "cannot read the calibration text: {0}", buffer.getError().message());
  llvm::StringRef content = (*buffer)->getBuffer();
  CalibrationText text;
  if (llvm::StringRef(path).ends_with(".json")) {
    llvm::Expected<CalibrationText> read = readJson(path, content);
    if (!read)
      return read.takeError();
    text = std::move(*read);
  } else if (!llvm::json::isUTF8(content)) {
    return importError(path, "is not UTF-8 text");
  } else if (!content.trim().empty()) {
    text.passages.push_back(content.str());
  }
  if (text.passages.empty() && text.prompts.empty())
    return importError(path, "holds no text to calibrate with");
  return text;
}

} // namespace gemmac
