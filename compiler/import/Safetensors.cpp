#include "compiler/import/Safetensors.h"

#include "compiler/import/Json.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/MathExtras.h"

#include <algorithm>

using namespace gemmac;
using llvm::StringRef;

static constexpr uint64_t maxHeaderBytes = 100'000'000; // the format's own limit
static constexpr int64_t maxRank = 8;

std::string gemmac::shapeText(llvm::ArrayRef<int64_t> shape) {
  std::string text = "[";
  for (int64_t size : shape)
    text += (text.size() > 1 ? ", " : "") + std::to_string(size);
  return text + "]";
}

/// Bits of one element; 0 for a type that the format does not have.
static uint64_t elementBits(StringRef dtype) {
  return llvm::StringSwitch<uint64_t>(dtype)
      .Case("F4", 4)
      .Cases({"F6_E2M3", "F6_E3M2"}, 6)
      .Cases({"BOOL", "U8", "I8", "F8_E5M2", "F8_E4M3", "F8_E8M0", "F8_E4M3FNUZ", "F8_E5M2FNUZ"}, 8)
      .Cases({"I16", "U16", "F16", "BF16"}, 16)
      .Cases({"I32", "U32", "F32"}, 32)
      .Cases({"I64", "U64", "F64", "C64"}, 64)
      .Default(0);
}

llvm::Expected<uint64_t> gemmac::safetensorsHeaderBytes(StringRef file, StringRef start, uint64_t fileBytes) {
  if (fileBytes < 8 || start.size() < 8)
    return importError(file, "the file has {0} bytes, expected at least 8: it is empty or cut short", fileBytes);
  uint64_t length = llvm::support::endian::read64le(start.data());
  if (length > maxHeaderBytes)
    return importError(file,
                       "the header says that it is {0} bytes long, expected at most {1}: this is not a "
                       "safetensors file, or it is damaged",
                       length, maxHeaderBytes);
  if (length > fileBytes - 8)
    return importError(file,
                       "the file has {0} bytes, expected {1} for the header alone: it is cut short; fetch it again",
                       fileBytes, length + 8);
  return length;
}

/// The three fields of one tensor, each checked by itself and the size against the shape.
static llvm::Expected<StoredTensor> readTensor(StringRef file, StringRef name, const Json &entry) {
  if (!entry.is_object())
    return importError(file, "tensor {0} is {1}, expected an object", inQuotes(name), describe(entry));
  Fields fields(file, name.str() + ".", entry);
  StoredTensor tensor;
  tensor.dtype = fields.string("dtype", "");
  uint64_t bits = elementBits(tensor.dtype);
  if (!fields.failed() && bits == 0)
    fields.mismatch("dtype", "a type of the safetensors format");

  const Json *shape = fields.array("shape");
  if (!shape || shape->size() > maxRank)
    fields.mismatch("shape", "a list of at most " + std::to_string(maxRank) + " sizes");
  if (fields.failed())
    return fields.takeError();
  bool tooBig = false;
  uint64_t count = 1;
  for (const Json &size : *shape) {
    if (!size.is_number_unsigned() || size.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX))
      return importError(file, "tensor {0}: its shape has {1}, expected sizes of 0 or more", inQuotes(name),
                         describe(size));
    bool overflow = false;
    count = llvm::SaturatingMultiply(count, size.get<uint64_t>(), &overflow);
    tooBig |= overflow;
    tensor.shape.push_back(size.get<int64_t>());
  }
  bool overflow = false;
  uint64_t allBits = llvm::SaturatingMultiply(count, bits, &overflow);
  if (tooBig || overflow)
    return importError(file, "tensor {0}: shape {1} of {2} has more than 2^61 bytes", inQuotes(name),
                       shapeText(tensor.shape), tensor.dtype);

  const Json *span = fields.array("data_offsets");
  if (!span || span->size() != 2 || !(*span)[0].is_number_unsigned() || !(*span)[1].is_number_unsigned())
    fields.mismatch("data_offsets", "a begin and an end of 0 or more");
  if (std::vector<std::string> unknown = fields.unread(); !unknown.empty())
    fields.fail("field " + inQuotes(fields.pathOf(unknown.front())) + " is unknown");
  if (fields.failed())
    return fields.takeError();
  auto begin = (*span)[0].get<uint64_t>(), end = (*span)[1].get<uint64_t>();
  if (begin > end)
    return importError(file, "tensor {0}: its bytes begin at {1} and end at {2}, expected the end not before",
                       inQuotes(name), begin, end);
  tensor.offset = begin;
  tensor.bytes = end - begin;
  if (allBits % 8 || tensor.bytes != allBits / 8)
    return importError(file, "tensor {0} has {1} bytes, expected {2} for shape {3} of {4}", inQuotes(name),
                       tensor.bytes, llvm::divideCeil(allBits, 8), shapeText(tensor.shape), tensor.dtype);
  return tensor;
}

/// Offsets here still count from the end of the header.
static llvm::Error checkSpans(StringRef file, const StoredTensors &tensors, uint64_t fileBytes, uint64_t dataStart) {
  std::vector<std::pair<const StoredTensor *, StringRef>> order;
  for (const auto &[name, tensor] : tensors)
    order.emplace_back(&tensor, name);
  llvm::sort(order, [](const auto &a, const auto &b) {
    return std::tuple(a.first->offset, a.first->bytes, a.second) <
           std::tuple(b.first->offset, b.first->bytes, b.second);
  });
  uint64_t end = 0;
  StringRef before;
  for (auto [tensor, name] : order) {
    if (tensor->offset < end)
      return importError(file, "tensors {0} and {1} overlap: the first ends at byte {2}, the second begins at {3}",
                         inQuotes(before), inQuotes(name), end, tensor->offset);
    if (tensor->offset > end)
      return importError(file, "{0} bytes before tensor {1} belong to no tensor, expected none", tensor->offset - end,
                         inQuotes(name));
    end = tensor->offset + tensor->bytes; // the end as the header gave it: no overflow
    before = name;
  }
  uint64_t expected = llvm::SaturatingAdd(dataStart, end);
  if (fileBytes < expected)
    return importError(file, "the file has {0} bytes, expected {1} to hold tensor {2}: it is cut short; fetch it again",
                       fileBytes, expected, inQuotes(before));
  if (fileBytes > expected)
    return importError(file, "the file has {0} bytes, expected {1}, where the last tensor ends", fileBytes, expected);
  return llvm::Error::success();
}

llvm::Expected<StoredTensors> gemmac::readSafetensorsHeader(StringRef file, StringRef header, uint64_t fileBytes) {
  llvm::Expected<Json> json = parseJson(file, header, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the header holds {0}, expected an object", describe(*json));
  StoredTensors tensors;
  for (const auto &item : json->items()) {
    if (item.key() == "__metadata__")
      continue;
    llvm::Expected<StoredTensor> tensor = readTensor(file, item.key(), item.value());
    if (!tensor)
      return tensor.takeError();
    tensors.emplace(item.key(), std::move(*tensor));
  }
  uint64_t dataStart = 8 + header.size();
  if (llvm::Error error = checkSpans(file, tensors, fileBytes, dataStart))
    return std::move(error);
  for (auto &[name, tensor] : tensors)
    tensor.offset += dataStart;
  return tensors;
}

llvm::Expected<std::map<std::string, std::string>> gemmac::readSafetensorsIndex(StringRef file, StringRef text) {
  llvm::Expected<Json> json = parseJson(file, text, DuplicateKeys::refuse);
  if (!json)
    return json.takeError();
  if (!json->is_object())
    return importError(file, "the file holds {0}, expected an object", describe(*json));
  Fields fields(file, "", *json);
  const Json *weightMap = fields.object("weight_map");
  if (!weightMap || weightMap->empty())
    fields.mismatch("weight_map", "an object that names each tensor's file");
  if (fields.failed())
    return fields.takeError();
  std::map<std::string, std::string> files;
  for (const auto &item : weightMap->items()) {
    if (!item.value().is_string())
      return importError(file, "tensor {0} is in {1}, expected the name of a file", inQuotes(item.key()),
                         describe(item.value()));
    StringRef name = stringOf(item.value());
    if (name.empty() || name.size() > 255 || name.starts_with(".") ||
        name.find_first_of(StringRef("/\\\0", 3)) != StringRef::npos)
      return importError(file, "tensor {0} is in {1}, expected the plain name of a file in the same directory",
                         inQuotes(item.key()), inQuotes(name));
    files.emplace(item.key(), name.str());
  }
  return files;
}
