// Safetensors headers and shard indices: what they claim is checked.
#include "compiler/import/Safetensors.h"
#include "ImportTest.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

/// Reads a whole file's bytes the way TensorFiles does.
llvm::Expected<StoredTensors> readAll(llvm::StringRef file, uint64_t fileBytes) {
  llvm::Expected<uint64_t> length = safetensorsHeaderBytes("m.safetensors", file.take_front(8), fileBytes);
  if (!length)
    return length.takeError();
  return readSafetensorsHeader("m.safetensors", file.substr(8, *length), fileBytes);
}
std::string error(llvm::StringRef header, size_t dataBytes) {
  std::string file = safetensors(header, dataBytes);
  return errorOf(readAll(file, file.size()));
}
std::string entry(llvm::StringRef dtype, llvm::StringRef shape, llvm::StringRef offsets) {
  return ("{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}").str();
}
std::string errorOfEntry(const std::string &one, size_t dataBytes) { return error("{\"t\":" + one + "}", dataBytes); }

TEST(Safetensors, placesAndTypes) {
  std::string file =
      safetensors(R"({"__metadata__":{"format":"pt"},"b":)" + entry("F32", "[2,3]", "[4,28]") +
                      ",\"a\":" + entry("BF16", "[2]", "[0,4]") + ",\"none\":" + entry("I64", "[0,5]", "[4,4]") +
                      ",\"one\":" + entry("F16", "[]", "[28,30]") + "}",
                  30);
  StoredTensors tensors = valueOf(readAll(file, file.size()));
  ASSERT_EQ(tensors.size(), 4u);
  uint64_t start = file.size() - 30;
  EXPECT_EQ(tensors["b"].offset, start + 4);
  EXPECT_EQ(tensors["b"].bytes, 24u);
  EXPECT_EQ(tensors["b"].shape, (std::vector<int64_t>{2, 3}));
  EXPECT_EQ(tensors["b"].dtype, "F32");
  EXPECT_EQ(tensors["one"].bytes, 2u);
  EXPECT_EQ(tensors["none"].bytes, 0u);
}

TEST(Safetensors, lyingHeaderLengths) {
  auto lengthError = [](uint64_t length, uint64_t fileBytes) {
    char start[8];
    memcpy(start, &length, 8);
    return errorOf(safetensorsHeaderBytes("m.safetensors", llvm::StringRef(start, 8), fileBytes));
  };
  EXPECT_EQ(lengthError(10, 18), "");
  EXPECT_TRUE(contains(lengthError(11, 18), "has 18 bytes, expected 19 for the header alone"));
  EXPECT_TRUE(contains(lengthError(100'000'001, 1ull << 40), "100000001 bytes long, expected at most 100000000"));
  EXPECT_TRUE(contains(lengthError(UINT64_MAX, 1ull << 40), "18446744073709551615"));
  EXPECT_TRUE(contains(lengthError(UINT64_MAX - 7, 20), "m.safetensors: error: the header says"));
  EXPECT_TRUE(contains(errorOf(safetensorsHeaderBytes("m.safetensors", "abc", 3)), "has 3 bytes, expected at least 8"));
}

TEST(Safetensors, headerThatIsNotAnObjectOfTensors) {
  EXPECT_TRUE(contains(error("", 0), "not valid JSON"));
  EXPECT_TRUE(contains(error("[]", 0), "the header holds an array"));
  EXPECT_TRUE(contains(error("{\"t\":3}", 0), "tensor 't' is 3, expected an object"));
  EXPECT_TRUE(
      contains(error("{\"t\":" + entry("F32", "[1]", "[0,4]") + ",\"t\":" + entry("F32", "[1]", "[4,8]") + "}", 8),
               "key 't' is given twice"));
}

TEST(Safetensors, wrongFields) {
  EXPECT_TRUE(contains(errorOfEntry(entry("FLOAT", "[1]", "[0,4]"), 4), "field 't.dtype' is 'FLOAT'"));
  EXPECT_TRUE(contains(errorOfEntry("{\"shape\":[1],\"data_offsets\":[0,4]}", 4), "'t.dtype' is missing"));
  EXPECT_TRUE(contains(errorOfEntry("{\"dtype\":7,\"shape\":[1],\"data_offsets\":[0,4]}", 4), "'t.dtype' is 7"));
  EXPECT_TRUE(contains(errorOfEntry("{\"dtype\":\"F32\",\"data_offsets\":[0,4]}", 4), "'t.shape' is missing"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[-1]", "[0,4]"), 4), "its shape has -1"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1.5]", "[0,4]"), 4), "its shape has 1.5"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1,1,1,1,1,1,1,1,1]", "[0,4]"), 4), "at most 8 sizes"));
  EXPECT_TRUE(contains(errorOfEntry("{\"dtype\":\"F32\",\"shape\":[1]}", 4), "'t.data_offsets' is missing"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1]", "[0]"), 4), "'t.data_offsets' is an array of 1"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1]", "[-4,0]"), 4), "'t.data_offsets'"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1]", "[4,0]"), 4), "begin at 4 and end at 0"));
  EXPECT_TRUE(contains(errorOfEntry("{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4],\"x\":1}", 4),
                       "'t.x' is unknown"));
}

TEST(Safetensors, sizesThatDisagreeWithShapes) {
  EXPECT_TRUE(contains(errorOfEntry(entry("BF16", "[2,3]", "[0,24]"), 24),
                       "tensor 't' has 24 bytes, expected 12 for shape [2, 3] of BF16"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[4294967296,4294967296]", "[0,4]"), 4), "more than 2^61 bytes"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[9223372036854775807]", "[0,4]"), 4), "more than 2^61 bytes"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[9223372036854775808]", "[0,4]"), 4), "its shape has"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F4", "[3]", "[0,2]"), 2), "expected 2 for shape [3] of F4"));
  EXPECT_EQ(errorOfEntry(entry("F4", "[4]", "[0,2]"), 2), "");
}

TEST(Safetensors, overlapHolesAndEnds) {
  auto two = [](llvm::StringRef first, llvm::StringRef second, size_t dataBytes) {
    return error("{\"a\":" + entry("F32", "[2]", first) + ",\"b\":" + entry("F32", "[2]", second) + "}", dataBytes);
  };
  EXPECT_EQ(two("[8,16]", "[0,8]", 16), "");
  EXPECT_TRUE(
      contains(two("[0,8]", "[4,12]", 12), "tensors 'a' and 'b' overlap: the first ends at byte 8, the second"));
  EXPECT_TRUE(contains(two("[0,8]", "[0,8]", 8), "overlap"));
  EXPECT_TRUE(contains(two("[0,8]", "[12,20]", 20), "4 bytes before tensor 'b' belong to no tensor"));
  EXPECT_TRUE(contains(two("[0,8]", "[8,16]", 15), "to hold tensor 'b'", "cut short; fetch it again"));
  EXPECT_TRUE(contains(two("[0,8]", "[8,16]", 17), "where the last tensor ends"));
}

TEST(Safetensors, cutFileNamesBothSizes) {
  std::string file = safetensors({{"t", {{10}}}});
  EXPECT_TRUE(contains(errorOf(readAll(file, file.size() - 7)), "has " + std::to_string(file.size() - 7) + " bytes",
                       "expected " + std::to_string(file.size())));
}

TEST(Safetensors, offsetsThatWouldWrap) {
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[1]", "[18446744073709551612,18446744073709551616]"), 4),
                       "'t.data_offsets'"));
  EXPECT_TRUE(contains(errorOfEntry(entry("F32", "[0]", "[18446744073709551615,18446744073709551615]"), 4),
                       "belong to no tensor"));
}

std::string indexError(const Json &index) { return errorOf(readSafetensorsIndex("i.json", index.dump())); }

TEST(SafetensorsIndex, reads) {
  Json index = {{"metadata", {{"total_size", 5}}}, {"weight_map", {{"a", "one"}, {"b", "two"}}}};
  auto files = valueOf(readSafetensorsIndex("i.json", index.dump()));
  EXPECT_EQ(files, (std::map<std::string, std::string>{{"a", "one"}, {"b", "two"}}));
}

TEST(SafetensorsIndex, wrong) {
  EXPECT_TRUE(contains(indexError(Json::array()), "expected an object"));
  EXPECT_TRUE(contains(indexError(Json::object()), "'weight_map' is missing"));
  EXPECT_TRUE(contains(indexError({{"weight_map", Json::object()}}), "'weight_map' is an object, expected"));
  EXPECT_TRUE(contains(indexError({{"weight_map", {{"a", 3}}}}), "tensor 'a' is in 3"));
  for (const char *name : {"", "../x", "/etc/x", "a/b", "..", ".", "a\\b"})
    EXPECT_TRUE(contains(indexError({{"weight_map", {{"a", name}}}}), "expected the plain name of a file"));
}

} // namespace
