// The tensors of a quantized checkpoint: the first byte's low bit chooses the layout, then each line is one tensor,
// "name type dimensions", of a scalar also "=bits" in hexadecimal. What they do not give of the model below is there as
// bf16. What is accepted must have the bytes that its shape asks for.
#include "FuzzSupport.h"
#include "compiler/import/ConfigReader.h"
#include "compiler/import/TensorFiles.h"

#include <cmath>

using namespace gemmac;

static ModelConfig smallModel() {
  return llvm::cantFail(readConfig("f", R"({"architectures": ["Gemma4ForCausalLM"], "model_type": "gemma4_text",
    "vocab_size": 32, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 2,
    "num_key_value_heads": 1, "head_dim": 16, "global_head_dim": 16, "hidden_size_per_layer_input": 32,
    "vocab_size_per_layer_input": 32, "num_kv_shared_layers": 0, "enable_moe_block": true, "num_experts": 2,
    "top_k_experts": 1, "moe_intermediate_size": 32, "layer_types": ["sliding_attention", "full_attention"],
    "tie_word_embeddings": false})"))
      .model;
}

/// Bytes of a tensor as a safetensors header would be accepted; none when the type is unknown or the size does not fit.
static std::optional<uint64_t> bytesOf(llvm::StringRef type, llvm::ArrayRef<int64_t> shape) {
  uint64_t bytes = type.ends_with("64")   ? 8
                   : type.ends_with("32") ? 4
                   : type.ends_with("16") ? 2
                   : type.ends_with("8")  ? 1
                                          : 0;
  for (int64_t size : shape)
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes))
      return std::nullopt;
  return type.empty() ? std::nullopt : std::optional(bytes);
}

static StoredTensors readLines(llvm::StringRef input) {
  StoredTensors tensors;
  llvm::SmallVector<llvm::StringRef> lines, words;
  input.split(lines, '\n', /*MaxSplit=*/200, /*KeepEmpty=*/false);
  for (llvm::StringRef line : lines) {
    words.clear();
    line.split(words, ' ');
    std::vector<int64_t> shape;
    uint64_t bits = 0; // kept as the offset, from which `read` takes them
    for (llvm::StringRef word : llvm::ArrayRef(words).drop_front(std::min<size_t>(2, words.size())))
      if (int64_t size; word.consume_front("="))
        (void)word.getAsInteger(16, bits);
      else if (!word.getAsInteger(10, size) && size >= 0)
        shape.push_back(size);
    if (words.size() < 2 || words[0].empty())
      continue;
    if (std::optional<uint64_t> bytes = bytesOf(words[1], shape))
      tensors[words[0].str()] = {0, bits, *bytes, words[1].str(), shape};
  }
  return tensors;
}

static llvm::Expected<std::string> readBits(const StoredTensor &tensor) {
  std::string bytes;
  for (uint64_t i = 0; i < std::min<uint64_t>(tensor.bytes, 8); ++i)
    bytes.push_back(static_cast<char>(tensor.offset >> (8 * i)));
  return bytes;
}

/// Adds what the lines do not mention.
static void complete(TensorFiles &files, const ModelConfig &model) {
  for (const auto &[name, shape] : expectedTensors(model)) {
    std::string stored = (name == "lm_head.weight" ? "" : "model.") + name;
    llvm::StringRef base = stored;
    base.consume_back("weight");
    auto given = files.tensors.lower_bound(base.str());
    if (given != files.tensors.end() && llvm::StringRef(given->first).starts_with(base))
      continue;
    uint64_t bytes = 2;
    for (int64_t size : shape)
      bytes *= static_cast<uint64_t>(size);
    files.tensors[stored] = {0, 0, bytes, "BF16", shape};
  }
}

static int64_t elementsOf(const TensorSource &tensor) {
  int64_t elements = 1;
  for (int64_t size : tensor.shape)
    elements *= size;
  return elements;
}

static void checkTensor(const TensorSource &tensor, const Checkpoint &checkpoint) {
  for (const std::string &piece : tensor.pieces)
    require(checkpoint.pieces.contains(piece) && checkpoint.pieces.at(piece).pieces.empty());
  for (float scale : {tensor.activations.input, tensor.activations.output})
    require(scale >= 0 && std::isfinite(scale * 128) && (scale == 0 || tensor.shape.size() == 2));
  if (!tensor.pieces.empty())
    return;
  const EncodingInfo &info = encodingInfo(tensor.encoding);
  require(info.integers == tensor.scales.has_value());
  require(tensor.bytes == static_cast<uint64_t>(sourceRowBytes(tensor.encoding, elementsOf(tensor))));
  if (!tensor.scales)
    return;
  require(tensor.scales->columns > 0 && tensor.shape.back() % tensor.scales->columns == 0);
  require(tensor.scales->bytes ==
          static_cast<uint64_t>(sourceRowBytes(tensor.scales->encoding, elementsOf(tensor) / tensor.scales->columns)));
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const ModelConfig model = smallModel();
  llvm::StringRef input = fuzzInput(data, size);
  bool mobile = !input.empty() && input.front() & 1;
  TensorFiles files{{"f"}, readLines(input.drop_front(input.empty() ? 0 : 1)), readBits};
  complete(files, model);
  Checkpoint checkpoint;
  checkpoint.config = model;
  llvm::Error error = selectTensors(std::move(files), huggingFaceNaming, checkpoint,
                                    mobile ? QuantizedLayout::Gemma : QuantizedLayout::CompressedTensors);
  if (!accepted<bool>(error ? llvm::Expected<bool>(std::move(error)) : llvm::Expected<bool>(true)))
    return 0;
  for (const auto &[name, tensor] : checkpoint.tensors)
    checkTensor(tensor, checkpoint);
  for (const auto &[name, tensor] : checkpoint.pieces)
    checkTensor(tensor, checkpoint);
  return 0;
}
