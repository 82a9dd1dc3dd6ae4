// Helpers of the import tests: error texts, small configurations, safetensors files and directories made on the spot.
#ifndef GEMMAC_TESTS_UNIT_IMPORT_IMPORTTEST_H
#define GEMMAC_TESTS_UNIT_IMPORT_IMPORTTEST_H

#include "compiler/import/Json.h"
#include "compiler/import/Model.h"
#include "compiler/import/TensorFiles.h"

#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <type_traits>

namespace gemmac::test {

/// The message of a failure, which must be one line of class ImportError; "" for success.
inline std::string messageOf(llvm::Error error) {
  std::string text;
  llvm::handleAllErrors(std::move(error), [&](const ImportError &problem) {
    llvm::raw_string_ostream stream(text);
    problem.log(stream);
  });
  EXPECT_EQ(text.find('\n'), std::string::npos) << text;
  if (!text.empty())
    EXPECT_NE(text.find(": error: "), std::string::npos) << text;
  return text;
}

template <typename T> std::string errorOf(llvm::Expected<T> result) {
  return result ? std::string() : messageOf(result.takeError());
}

/// The value of a success; a failed expectation and an empty value otherwise.
template <typename T> T valueOf(llvm::Expected<T> result) {
  if (result)
    return std::move(*result);
  ADD_FAILURE() << messageOf(result.takeError());
  return T();
}

/// Whether `text` has all of `parts`.
template <typename... Parts> testing::AssertionResult contains(llvm::StringRef text, const Parts &...parts) {
  for (llvm::StringRef part : {llvm::StringRef(parts)...})
    if (!text.contains(part))
      return testing::AssertionFailure() << "'" << text.str() << "' does not contain '" << part.str() << "'";
  return testing::AssertionSuccess();
}

/// Whether there are as many texts as parts, each having its part.
inline testing::AssertionResult eachContains(const std::vector<std::string> &texts,
                                             std::initializer_list<llvm::StringRef> parts) {
  if (texts.size() != parts.size())
    return testing::AssertionFailure() << "got " << testing::PrintToString(texts) << ", expected " << parts.size();
  for (auto [text, part] : llvm::zip(texts, parts))
    if (testing::AssertionResult result = contains(text, part); !result)
      return result;
  return testing::AssertionSuccess();
}

inline testing::AssertionResult oneContains(const std::vector<std::string> &texts, llvm::StringRef part) {
  if (llvm::any_of(texts, [&](llvm::StringRef text) { return text.contains(part); }))
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "none of " << testing::PrintToString(texts) << " contains '" << part.str()
                                     << "'";
}

template <typename T>
testing::AssertionResult areEqual(const std::vector<T> &got, const std::type_identity_t<std::vector<T>> &expected) {
  if (got == expected)
    return testing::AssertionSuccess();
  return testing::AssertionFailure() << "got " << testing::PrintToString(got) << ", expected "
                                     << testing::PrintToString(expected);
}

/// A directory of files, removed at the end.
class TempDirectory {
public:
  TempDirectory() {
    llvm::SmallString<128> name;
    if (llvm::sys::fs::createUniqueDirectory("gemmac-import", name))
      ADD_FAILURE() << "cannot create a temporary directory";
    path = name.str().str();
  }
  ~TempDirectory() { llvm::sys::fs::remove_directories(path); }
  TempDirectory(const TempDirectory &) = delete;

  std::string operator/(llvm::StringRef name) const { return path + "/" + name.str(); }
  void write(llvm::StringRef name, llvm::StringRef text) const {
    std::ofstream(*this / name, std::ios::binary).write(text.data(), static_cast<std::streamsize>(text.size()));
  }
  void remove(llvm::StringRef name) const { llvm::sys::fs::remove(*this / name); }

  std::string path;
};

inline std::string readFile(const std::string &path) {
  std::ifstream stream(path, std::ios::binary);
  EXPECT_TRUE(stream) << path;
  return {std::istreambuf_iterator<char>(stream), std::istreambuf_iterator<char>()};
}

/// A safetensors file of this header and `dataBytes` zeros.
inline std::string safetensors(llvm::StringRef header, size_t dataBytes) {
  uint64_t length = header.size();
  std::string file(8, '\0');
  memcpy(file.data(), &length, 8); // the tests run on little-endian machines
  return file + header.str() + std::string(dataBytes, '\0');
}

struct TestTensor {
  std::vector<int64_t> shape;
  std::string dtype = "BF16";
  std::string data = ""; ///< its first bytes; the rest are zeros
};

/// A valid file of these tensors.
inline std::string safetensors(const std::map<std::string, TestTensor> &tensors) {
  Json header = Json::object();
  uint64_t end = 0;
  std::map<uint64_t, std::string> data;
  for (const auto &[name, tensor] : tensors) {
    uint64_t bytes = tensor.dtype.ends_with("64")   ? 8
                     : tensor.dtype.ends_with("32") ? 4
                     : tensor.dtype.ends_with("16") ? 2
                                                    : 1;
    for (int64_t size : tensor.shape)
      bytes *= static_cast<uint64_t>(size);
    header[name] = {{"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {end, end + bytes}}};
    data[end] = tensor.data;
    end += bytes;
  }
  std::string file = safetensors(header.dump(), end);
  for (const auto &[offset, bytes] : data)
    std::copy(bytes.begin(), bytes.end(), file.end() - static_cast<int64_t>(end - offset));
  return file;
}

/// All tensors that a configuration asks for, as bf16.
inline std::map<std::string, TestTensor> tensorsOf(const ModelConfig &config, const std::string &prefix) {
  std::map<std::string, TestTensor> tensors;
  for (const auto &[name, shape] : expectedTensors(config))
    tensors[(name == "lm_head.weight" ? "" : prefix) + name] = {shape};
  return tensors;
}

/// The text fields of a small model: 3 layers (sliding, sliding, full), no per-layer embeddings, no sharing.
inline Json smallText() {
  return {{"model_type", "gemma4_text"},
          {"vocab_size", 32},
          {"hidden_size", 12},
          {"intermediate_size", 20},
          {"num_hidden_layers", 3},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"head_dim", 6},
          {"global_head_dim", 8},
          {"hidden_size_per_layer_input", 0},
          {"layer_types", {"sliding_attention", "sliding_attention", "full_attention"}}};
}

inline Json smallFlat() {
  Json config = smallText();
  config["architectures"] = {"Gemma4ForCausalLM"};
  return config;
}

inline Json smallNested() {
  return {
      {"architectures", {"Gemma4ForConditionalGeneration"}}, {"model_type", "gemma4"}, {"text_config", smallText()}};
}

/// A tokenizer of 32 ids with Gemma's pipeline: five control tokens, a few characters and merges.
inline Json smallTokenizer() {
  Json vocab, added = Json::array();
  std::vector<std::string> tokens = {"<pad>",     "<eos>",      "<bos>",      "<unk>", "<|turn>", "<turn|>",
                                     "<|think|>", "<|channel>", "<channel|>", "\n",    "\u2581",  "a",
                                     "b",         "c",          "ab",         "abc",   "\u2581a", "\u00e9",
                                     "<0x41>",    "<0xC3>",     "\U0001F600", "\n\n"};
  for (size_t id = 0; id < tokens.size(); ++id)
    vocab[tokens[id]] = id;
  for (size_t id = 0; id < 9; ++id)
    added.push_back({{"id", id}, {"content", tokens[id]}, {"special", true}, {"normalized", false}});
  Json replace = {{"type", "Replace"}, {"pattern", {{"String", "\u2581"}}}, {"content", " "}};
  Json merges = Json::array();
  for (auto [left, right] : {std::pair("a", "b"), {"ab", "c"}, {"\u2581", "a"}, {"\n", "\n"}})
    merges.push_back(Json::array({left, right}));
  return {{"version", "1.0"},
          {"added_tokens", added},
          {"normalizer", {{"type", "Replace"}, {"pattern", {{"String", " "}}}, {"content", "\u2581"}}},
          {"decoder",
           {{"type", "Sequence"},
            {"decoders", Json::array({replace, Json{{"type", "ByteFallback"}}, Json{{"type", "Fuse"}}})}}},
          {"model",
           {{"type", "BPE"},
            {"unk_token", "<unk>"},
            {"byte_fallback", true},
            {"fuse_unk", true},
            {"vocab", vocab},
            {"merges", merges}}}};
}

} // namespace gemmac::test

#endif // GEMMAC_TESTS_UNIT_IMPORT_IMPORTTEST_H
