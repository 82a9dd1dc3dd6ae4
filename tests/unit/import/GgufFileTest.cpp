// The GGUF container: what a header claims is checked.
#include "GgufBytes.h"

using namespace gemmac;
using namespace gemmac::test;

namespace {

constexpr uint32_t typeF32 = 0, typeQ4_0 = 2, typeQ6_K = 14;

std::string error(llvm::StringRef bytes) { return errorOf(readGgufBytes(bytes)); }
std::string errorOfEntry(const std::string &one) { return error(ggufBytes({one}, {})); }
std::string errorOfTensor(const std::string &one, size_t dataBytes = 4096) {
  return error(ggufBytes({}, {one}, dataBytes));
}

TEST(GgufFile, values) {
  GgufFile file = valueOf(readGgufBytes(ggufBytes(
      {entry("u8", 0, raw<uint8_t>(200)), entry("i8", 1, raw<int8_t>(-3)), entry("u16", 2, raw<uint16_t>(65535)),
       entry("i16", 3, raw<int16_t>(-300)), entry("u32", 4u), entry("i32", 5, raw<int32_t>(-70000)),
       entry("f32", 1e-6f), entry("yes", true), entry("text", "Gemma"), entry("u64", 10, raw<uint64_t>(1ull << 63)),
       entry("i64", 11, raw<int64_t>(-(1ll << 40))), entry("f64", 12, raw(0.1)),
       entry("list", ggufArray, ggufList(ggufString, {ggufText("a"), ggufText("")})),
       entry("flags", ggufArray, ggufList(ggufBool, {raw<uint8_t>(1), raw<uint8_t>(0)}))},
      {})));
  // 1e-06 is what the configuration had, not the double 9.99999997475243e-07 that is the 32-bit float.
  Json expected = {
      {"u8", 200},           {"i8", -3},    {"u16", 65535},      {"i16", -300},           {"u32", 4},
      {"i32", -70000},       {"f32", 1e-6}, {"yes", true},       {"text", "Gemma"},       {"u64", 1ull << 63},
      {"i64", -(1ll << 40)}, {"f64", 0.1},  {"list", {"a", ""}}, {"flags", {true, false}}};
  EXPECT_EQ(file.metadata, expected);
  EXPECT_TRUE(file.tensors.empty());
}

TEST(GgufFile, tensorPlaces) {
  std::string bytes =
      ggufBytes({entry("general.alignment", 64u)},
                {tensorInfo("q", {256, 3}, typeQ6_K, 128), tensorInfo("v", {20}, typeF32, 0)}, 128 + 630, 64);
  GgufFile file = valueOf(readGgufBytes(bytes));
  ASSERT_EQ(file.tensors.size(), 2u);
  uint64_t start = bytes.size() - 128 - 630;
  const StoredTensor &q = file.tensors["q"], &v = file.tensors["v"];
  EXPECT_EQ(q.offset, start + 128);
  EXPECT_EQ(q.bytes, 630u);
  EXPECT_EQ(q.dtype, "Q6_K");
  EXPECT_TRUE(areEqual(q.shape, {3, 256}));
  EXPECT_EQ(v.offset, start);
  EXPECT_EQ(v.bytes, 80u);
  EXPECT_TRUE(areEqual(v.shape, {20}));
}

TEST(GgufFile, everyCutIsAnError) {
  std::string bytes =
      ggufBytes({entry("name", "Gemma"), entry("list", ggufArray, ggufList(ggufU32, {raw(1u), raw(2u)}))},
                {tensorInfo("q", {32, 3}, typeQ4_0, 0)}, 54);
  EXPECT_EQ(error(bytes), "");
  for (size_t kept = 0; kept < bytes.size(); ++kept)
    EXPECT_TRUE(contains(error(llvm::StringRef(bytes).take_front(kept)), "m.gguf: error: the file has ", "cut short"))
        << kept;
}

TEST(GgufFile, notSuchAFile) {
  EXPECT_TRUE(contains(error(std::string(64, 'x')), "does not begin with 'GGUF'"));
  auto version = [](uint32_t number) { return error("GGUF" + raw(number) + std::string(16, '\0')); };
  EXPECT_TRUE(contains(version(2), "GGUF version 2, expected 3"));
  EXPECT_TRUE(contains(version(0x03000000), "big-endian"));
}

TEST(GgufFile, hugeCounts) {
  auto counts = [](uint64_t tensors, uint64_t values) {
    return error("GGUF" + raw<uint32_t>(3) + raw(tensors) + raw(values) + std::string(64, '\0'));
  };
  EXPECT_TRUE(contains(counts(UINT64_MAX, 0), "tensor '' has 0 dimensions"));
  EXPECT_TRUE(contains(counts(0, UINT64_MAX), "metadata '' is given twice"));
  EXPECT_TRUE(contains(error("GGUF" + raw<uint32_t>(3) + raw<uint64_t>(1) + raw<uint64_t>(0) + raw(UINT64_MAX)),
                       "length of 18446744073709551615 bytes, expected at most 65535"));
  auto list = [](uint64_t count) { return errorOfEntry(entry("l", ggufArray, raw<uint32_t>(0) + raw(count))); };
  for (uint64_t count : {uint64_t(1) << 40, UINT64_MAX})
    EXPECT_TRUE(contains(list(count), "'l' has " + std::to_string(count) + " elements, expected at most"));
  EXPECT_TRUE(contains(list(1000), "ends inside the value of 'l', which has 1000 elements"));
  EXPECT_TRUE(contains(errorOfEntry(entry("t", ggufString, raw<uint64_t>(1 << 25))), "expected at most 16777216"));
}

TEST(GgufFile, badValues) {
  EXPECT_TRUE(contains(errorOfEntry(entry("b", ggufBool, raw<uint8_t>(2))), "the value of 'b' is 2, expected 0 or 1"));
  EXPECT_TRUE(contains(errorOfEntry(entry("t", 13, "")), "the value of 't' has type 13, expected a type of GGUF"));
  EXPECT_TRUE(contains(errorOfEntry(entry("a", ggufArray, raw<uint32_t>(ggufArray) + raw<uint64_t>(1))),
                       "'a' holds arrays in an array"));
  EXPECT_TRUE(contains(error(ggufBytes({entry("k", 1u), entry("k", 1u)}, {})), "metadata 'k' is given twice"));
  for (uint32_t alignment : {0u, 24u, 1u << 21})
    EXPECT_TRUE(contains(errorOfEntry(entry("general.alignment", alignment)), "expected a power of two"));
  EXPECT_TRUE(contains(errorOfEntry(entry("general.alignment", "32")), "is '32', expected a power of two"));
}

TEST(GgufFile, badTensors) {
  EXPECT_EQ(errorOfTensor(tensorInfo("t", {64, 2}, typeQ4_0, 0)), "");
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {}, typeF32, 0)), "tensor 't' has 0 dimensions, expected 1 to 4"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {1, 1, 1, 1, 1}, typeF32, 0)), "has 5 dimensions"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {4, 0}, typeF32, 0)), "has shape [0, 4], expected 1 to 2^56"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {1ull << 32, 1ull << 32}, typeF32, 0)), "expected 1 to 2^56"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {1ull << 57}, typeF32, 0)), "expected 1 to 2^56"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {48, 2}, typeQ4_0, 0)),
                       "tensor 't' has rows of 48 values, expected whole blocks of 32 for Q4_0"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {256}, 21, 0)), "tensor 't' has type IQ3_S, expected one of F32"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {256}, 4, 0)), "tensor 't' has type 4, expected one of F32"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {8}, typeF32, 16)), "offset 16, expected a multiple of"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {8}, typeF32, 0), 31), "takes 32 from 0 bytes", "cut short"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t", {8}, typeF32, UINT64_MAX - 31)), "cut short"));
  EXPECT_TRUE(contains(errorOfTensor(tensorInfo("t\n", {256}, 21, 0)), "tensor 't\\n'"));
  auto two = [](const std::string &a, const std::string &b) { return error(ggufBytes({}, {a, b}, 4096)); };
  EXPECT_TRUE(contains(two(tensorInfo("a", {8}, typeF32, 0), tensorInfo("a", {8}, typeF32, 32)), "'a' is given twice"));
  EXPECT_EQ(two(tensorInfo("a", {8}, typeF32, 32), tensorInfo("b", {8}, typeF32, 0)), "");
  EXPECT_TRUE(contains(two(tensorInfo("a", {9}, typeF32, 0), tensorInfo("b", {8}, typeF32, 32)),
                       "tensors 'a' and 'b' overlap"));
}

} // namespace
