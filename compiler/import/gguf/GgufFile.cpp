#include "compiler/import/gguf/GgufFile.h"

#include "dialects/formats/Encoding.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/MathExtras.h"

#include <charconv>

using namespace gemmac;
using llvm::StringRef;
using llvm::Twine;

static constexpr uint64_t maxKeyBytes = 65535; // the format's own limit
static constexpr uint64_t maxTextBytes = 16 << 20;
static constexpr uint64_t maxElements = 1 << 22; // of all arrays together; a vocabulary with merges has 1.3 million
static constexpr uint32_t maxRank = 4;
static constexpr uint64_t defaultAlignment = 32;

namespace {

/// Types of metadata values, as numbered in files.
enum class ValueType : uint32_t {
  UInt8,
  Int8,
  UInt16,
  Int16,
  UInt32,
  Int32,
  Float32,
  Bool,
  String,
  Array,
  UInt64,
  Int64,
  Float64
};

/// Types of tensors, as numbered in files; `encoding` is empty for those that gemmac has not.
struct TensorType {
  uint32_t number;
  llvm::StringLiteral name;
  std::optional<Encoding> encoding;
};

constexpr TensorType tensorTypes[] = {
    {0, "F32", Encoding::F32},        {1, "F16", Encoding::F16},     {2, "Q4_0", Encoding::Q4_0},
    {3, "Q4_1", Encoding::Q4_1},      {6, "Q5_0", Encoding::Q5_0},   {7, "Q5_1", Encoding::Q5_1},
    {8, "Q8_0", Encoding::Q8_0},      {9, "Q8_1", std::nullopt},     {10, "Q2_K", Encoding::Q2_K},
    {11, "Q3_K", Encoding::Q3_K},     {12, "Q4_K", Encoding::Q4_K},  {13, "Q5_K", Encoding::Q5_K},
    {14, "Q6_K", Encoding::Q6_K},     {15, "Q8_K", std::nullopt},    {16, "IQ2_XXS", std::nullopt},
    {17, "IQ2_XS", std::nullopt},     {18, "IQ3_XXS", std::nullopt}, {19, "IQ1_S", std::nullopt},
    {20, "IQ4_NL", Encoding::IQ4_NL}, {21, "IQ3_S", std::nullopt},   {22, "IQ2_S", std::nullopt},
    {23, "IQ4_XS", Encoding::IQ4_XS}, {24, "I8", std::nullopt},      {25, "I16", std::nullopt},
    {26, "I32", std::nullopt},        {27, "I64", std::nullopt},     {28, "F64", std::nullopt},
    {29, "IQ1_M", std::nullopt},      {30, "BF16", Encoding::BF16},  {34, "TQ1_0", std::nullopt},
    {35, "TQ2_0", std::nullopt},      {39, "MXFP4", std::nullopt},   {40, "NVFP4", std::nullopt},
};

class HeaderReader {
public:
  HeaderReader(StringRef file, uint64_t fileBytes, ReadBytes read)
      : cursor(file, fileBytes, read), fileBytes(fileBytes) {}

  llvm::Expected<GgufFile> run() {
    readCounts();
    result.metadata = Json::object();
    for (uint64_t i = 0; i < valueCount && !cursor.failed(); ++i)
      readEntry();
    readAlignment();
    for (uint64_t i = 0; i < tensorCount && !cursor.failed(); ++i)
      readTensor(i);
    if (!cursor.failed())
      placeTensors();
    if (llvm::Error error = cursor.takeError())
      return std::move(error);
    return std::move(result);
  }

private:
  void readCounts();
  void readEntry();
  Json readValue(ValueType type, const Twine &what);
  Json readArray(const Twine &what);
  void readAlignment();
  void readTensor(uint64_t index);
  std::vector<int64_t> readShape(const std::string &quoted, uint64_t &count);
  const TensorType *readType(const std::string &quoted);
  void placeTensors();

  GgufCursor cursor;
  uint64_t fileBytes;
  uint64_t tensorCount = 0, valueCount = 0, alignment = defaultAlignment;
  uint64_t elements = 0; ///< of arrays read so far
  GgufFile result;
};

} // namespace

void HeaderReader::readCounts() {
  auto magic = cursor.number<uint32_t>("the magic number");
  if (magic != 0x46554747) // "GGUF"
    cursor.fail("the file does not begin with 'GGUF': this is no GGUF file, or it is damaged");
  auto version = cursor.number<uint32_t>("the version");
  if (version == 0x03000000)
    cursor.fail("the file is big-endian, expected a little-endian one; convert it");
  else if (version != 3)
    cursor.fail("the file has GGUF version " + Twine(version) + ", expected 3; convert the model again");
  tensorCount = cursor.number<uint64_t>("the number of tensors");
  valueCount = cursor.number<uint64_t>("the number of metadata values");
}

/// The shortest decimal number that is `value` in 32 bits.
static double asWritten(float value) {
  char digits[32];
  char *end = std::to_chars(digits, std::end(digits), value).ptr;
  double decimal = value;
  std::from_chars(digits, end, decimal);
  return decimal;
}

Json HeaderReader::readValue(ValueType type, const Twine &what) {
  switch (type) {
  case ValueType::UInt8:
    return cursor.number<uint8_t>(what);
  case ValueType::Int8:
    return cursor.number<int8_t>(what);
  case ValueType::UInt16:
    return cursor.number<uint16_t>(what);
  case ValueType::Int16:
    return cursor.number<int16_t>(what);
  case ValueType::UInt32:
    return cursor.number<uint32_t>(what);
  case ValueType::Int32:
    return cursor.number<int32_t>(what);
  case ValueType::UInt64:
    return cursor.number<uint64_t>(what);
  case ValueType::Int64:
    return cursor.number<int64_t>(what);
  case ValueType::Float32:
    return asWritten(cursor.number<float>(what));
  case ValueType::Float64:
    return cursor.number<double>(what);
  case ValueType::Bool: {
    auto value = cursor.number<uint8_t>(what);
    if (value > 1)
      cursor.fail(what + " is " + Twine(unsigned(value)) + ", expected 0 or 1 for a truth value");
    return value == 1;
  }
  case ValueType::String:
    return cursor.text(what, maxTextBytes);
  case ValueType::Array:
    return readArray(what);
  }
  cursor.fail(what + " has type " + Twine(static_cast<uint32_t>(type)) + ", expected a type of GGUF from 0 to 12");
  return {};
}

Json HeaderReader::readArray(const Twine &what) {
  auto type = static_cast<ValueType>(cursor.number<uint32_t>("the element type of " + what));
  auto count = cursor.number<uint64_t>("the element count of " + what);
  if (type == ValueType::Array)
    cursor.fail(what + " holds arrays in an array, which no model of the Gemma family has");
  uint64_t most = maxElements - elements;
  if (count > most)
    cursor.fail(what + " has " + Twine(count) + " elements, expected at most " + Twine(most) + ": the file is damaged");
  else if (count > cursor.remaining()) // an element takes a byte at least
    cursor.fail("the file has " + Twine(fileBytes) + " bytes and ends inside " + what + ", which has " + Twine(count) +
                " elements: it is cut short or damaged; fetch it again");
  else
    elements += count;
  Json array = Json::array();
  for (uint64_t i = 0; i < count && !cursor.failed(); ++i)
    array.push_back(readValue(type, what));
  return array;
}

void HeaderReader::readEntry() {
  std::string key = cursor.text("a metadata key", maxKeyBytes);
  std::string quoted = inQuotes(key);
  auto type = static_cast<ValueType>(cursor.number<uint32_t>("the type of " + quoted));
  Json value = readValue(type, "the value of " + quoted);
  if (cursor.failed())
    return;
  if (!result.metadata.emplace(key, std::move(value)).second)
    cursor.fail("metadata " + quoted + " is given twice");
}

void HeaderReader::readAlignment() {
  auto found = result.metadata.find("general.alignment");
  if (cursor.failed() || found == result.metadata.end())
    return;
  if (!found->is_number_unsigned() || !llvm::isPowerOf2_64(found->get<uint64_t>()) || found->get<uint64_t>() > 1 << 20)
    return cursor.fail("field 'general.alignment' is " + describe(*found) + ", expected a power of two up to 1048576");
  alignment = found->get<uint64_t>();
}

/// The dimensions, outermost first; `count` is the number of elements.
std::vector<int64_t> HeaderReader::readShape(const std::string &quoted, uint64_t &count) {
  auto rank = cursor.number<uint32_t>("the rank of tensor " + quoted);
  if (rank < 1 || rank > maxRank)
    cursor.fail("tensor " + quoted + " has " + Twine(rank) + " dimensions, expected 1 to " + Twine(maxRank));
  std::vector<int64_t> shape;
  bool overflow = false;
  count = 1;
  for (uint32_t i = 0; i < rank && !cursor.failed(); ++i) {
    auto size = cursor.number<uint64_t>("the shape of tensor " + quoted);
    bool tooBig = false;
    count = llvm::SaturatingMultiply(count, size, &tooBig);
    overflow |= tooBig;
    shape.insert(shape.begin(), static_cast<int64_t>(size));
  }
  // A bound that keeps every size in bytes inside 63 bits.
  if (!cursor.failed() && (overflow || count == 0 || count > uint64_t(1) << 56))
    cursor.fail("tensor " + quoted + " has shape " + shapeText(shape) + ", expected 1 to 2^56 elements");
  return shape;
}

const TensorType *HeaderReader::readType(const std::string &quoted) {
  auto number = cursor.number<uint32_t>("the type of tensor " + quoted);
  if (cursor.failed())
    return nullptr;
  const TensorType *type = llvm::find_if(tensorTypes, [&](const TensorType &one) { return one.number == number; });
  if (type != std::end(tensorTypes) && type->encoding)
    return type;
  std::string known;
  for (const TensorType &one : tensorTypes)
    if (one.encoding)
      known += (known.empty() ? "" : ", ") + one.name.str();
  cursor.fail("tensor " + quoted + " has type " +
              (type == std::end(tensorTypes) ? std::to_string(number) : type->name.str()) + ", expected one of " +
              known);
  return nullptr;
}

void HeaderReader::readTensor(uint64_t index) {
  std::string name = cursor.text("the name of tensor " + Twine(index), maxKeyBytes);
  std::string quoted = inQuotes(name);
  StoredTensor tensor;
  uint64_t count = 0;
  tensor.shape = readShape(quoted, count);
  const TensorType *type = readType(quoted);
  tensor.offset = cursor.number<uint64_t>("the offset of tensor " + quoted);
  if (cursor.failed())
    return;
  const EncodingInfo &encoding = encodingInfo(*type->encoding);
  tensor.dtype = nameOf(encoding.encoding).upper();
  if (tensor.shape.back() % encoding.blockValues)
    return cursor.fail("tensor " + quoted + " has rows of " + Twine(tensor.shape.back()) +
                       " values, expected whole blocks of " + Twine(encoding.blockValues) + " for " + type->name);
  tensor.bytes = static_cast<uint64_t>(sourceRowBytes(encoding.encoding, static_cast<int64_t>(count)));
  if (!result.tensors.emplace(std::move(name), std::move(tensor)).second)
    cursor.fail("tensor " + quoted + " is given twice");
}

/// Offsets so far count from where the data begins, behind all of the header.
void HeaderReader::placeTensors() {
  uint64_t start = llvm::alignTo(cursor.position(), alignment);
  std::vector<std::pair<const StoredTensor *, StringRef>> order;
  for (auto &[name, tensor] : result.tensors) {
    if (tensor.offset % alignment)
      return cursor.fail("tensor " + inQuotes(name) + " has offset " + Twine(tensor.offset) +
                         ", expected a multiple of the alignment " + Twine(alignment));
    if (start > fileBytes || tensor.offset > fileBytes - start || tensor.bytes > fileBytes - start - tensor.offset)
      return cursor.fail("the file has " + Twine(fileBytes) + " bytes, but tensor " + inQuotes(name) + " takes " +
                         Twine(tensor.bytes) + " from " + Twine(tensor.offset) + " bytes behind the header's end at " +
                         Twine(start) + ": it is cut short; fetch it again");
    tensor.offset += start;
    order.emplace_back(&tensor, name);
  }
  llvm::sort(order, [](const auto &a, const auto &b) {
    return std::tuple(a.first->offset, a.second) < std::tuple(b.first->offset, b.second);
  });
  for (size_t i = 1; i < order.size(); ++i)
    if (order[i - 1].first->offset + order[i - 1].first->bytes > order[i].first->offset)
      return cursor.fail("tensors " + inQuotes(order[i - 1].second) + " and " + inQuotes(order[i].second) +
                         " overlap: the file is damaged");
}

llvm::Expected<GgufFile> gemmac::readGguf(StringRef file, uint64_t fileBytes, ReadBytes read) {
  return HeaderReader(file, fileBytes, read).run();
}
