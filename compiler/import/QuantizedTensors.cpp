#include "compiler/import/QuantizedTensors.h"

#include "compiler/import/ActivationScales.h"
#include "compiler/import/Json.h"
#include "compiler/import/TensorFiles.h"

#include "llvm/ADT/StringSwitch.h"

using namespace gemmac;
using llvm::StringRef;

static std::string expertPrefix(int64_t layer) { return "layers." + std::to_string(layer) + ".experts."; }

TensorShapes gemmac::expertShapes(const ModelConfig &config) {
  TensorShapes shapes;
  if (!config.experts)
    return shapes;
  int64_t width = config.experts->width, hidden = config.hidden;
  for (size_t layer = 0; layer < config.layers.size(); ++layer)
    for (int64_t expert = 0; expert < config.experts->count; ++expert) {
      std::string prefix = expertPrefix(layer) + std::to_string(expert) + ".";
      shapes[prefix + "gate_proj.weight"] = shapes[prefix + "up_proj.weight"] = {width, hidden};
      shapes[prefix + "down_proj.weight"] = {hidden, width};
    }
  return shapes;
}

namespace {

/// How many integers one stored element holds, by its type and the bits of an integer.
struct IntegerLayout {
  StringRef dtype;
  Encoding encoding;
  int64_t perElement;
};

constexpr IntegerLayout compressedLayouts[] = {{"I32", Encoding::Int4, 8}, {"I32", Encoding::Offset8, 4}};
constexpr IntegerLayout gemmaLayouts[] = {
    {"U8", Encoding::Int4, 2}, {"U8", Encoding::Int2, 4}, {"I8", Encoding::Int8, 1}};

/// Names of the two tensors, less what they share.
struct Suffixes {
  StringRef integers, scales;
};
constexpr Suffixes compressedSuffixes[] = {{".weight_packed", ".weight_scale"}};
constexpr Suffixes gemmaSuffixes[] = {{".embedding_quantized", ".embedding_scale"}, {".weight", ".weight_scale"}};

class Joiner {
public:
  Joiner(QuantizedLayout layout, const TensorShapes &shapes, TensorFiles &stored)
      : compressed(layout == QuantizedLayout::CompressedTensors), shapes(shapes), stored(stored) {}

  llvm::Error joinAll() {
    std::vector<std::string> names;
    for (const auto &[name, tensor] : stored.tensors)
      names.push_back(name);
    for (const std::string &name : names)
      for (const Suffixes &suffixes : compressed ? llvm::ArrayRef(compressedSuffixes) : llvm::ArrayRef(gemmaSuffixes))
        if (StringRef base = name; base.consume_back(suffixes.integers))
          if (llvm::Error error = join(base, suffixes))
            return error;
    return llvm::Error::success();
  }

private:
  llvm::Error join(StringRef base, const Suffixes &suffixes) {
    std::string integersName = (base + suffixes.integers).str(), scalesName = (base + suffixes.scales).str();
    auto integers = stored.tensors.find(integersName), scales = stored.tensors.find(scalesName);
    if (integers == stored.tensors.end())
      return llvm::Error::success(); // joined already
    bool isFloat =
        integers->second.dtype == "F32" || integers->second.dtype == "F16" || integers->second.dtype == "BF16";
    if (isFloat && scales == stored.tensors.end())
      return llvm::Error::success(); // a module that is not quantized
    std::string name = (base + ".weight").str();
    auto shape = shapes.find(huggingFaceNaming.canonical(name));
    if (shape == shapes.end())
      return llvm::Error::success(); // a tower's, or dead; the caller tells
    StringRef file = stored.files[integers->second.file];
    if (scales == stored.tensors.end())
      return importError(file, "tensor {0} has no scales, expected {1} beside it", inQuotes(integersName),
                         inQuotes(scalesName));
    for (StringRef extra : {".weight_zero_point", ".weight_g_idx"})
      if (stored.tensors.contains((base + extra).str()))
        return importError(file, "tensor {0} is not supported, expected symmetric weights with groups in order",
                           inQuotes((base + extra).str()));
    StoredTensor joined = integers->second;
    if (llvm::Error error = readIntegers(file, integersName, shape->second, joined))
      return error;
    if (llvm::Error error = readScales(scalesName, scales->second, joined))
      return error;
    if (!compressed)
      if (llvm::Error error = takeActivationScales(base, stored, joined.activations))
        return error;
    stored.tensors.erase(integersName);
    stored.tensors.erase(scalesName);
    stored.tensors.erase((base + ".weight_shape").str());
    if (!stored.tensors.emplace(name, std::move(joined)).second)
      return importError(file, "tensor {0} is given twice, quantized and as it is", inQuotes(name));
    return llvm::Error::success();
  }

  /// Finds how many bits the integers have: those with which the stored columns are the expected ones.
  llvm::Error readIntegers(StringRef file, StringRef name, const std::vector<int64_t> &shape, StoredTensor &tensor) {
    for (const IntegerLayout &layout : compressed ? llvm::ArrayRef(compressedLayouts) : llvm::ArrayRef(gemmaLayouts)) {
      bool fits = shape.size() == 2 && tensor.shape.size() == 2 && tensor.dtype == layout.dtype &&
                  tensor.shape[0] == shape[0] && shape[1] % layout.perElement == 0 &&
                  tensor.shape[1] == shape[1] / layout.perElement;
      if (!fits)
        continue;
      tensor.dtype = nameOf(layout.encoding).str();
      tensor.shape = shape;
      return llvm::Error::success();
    }
    return importError(file, "tensor {0} has type {1} and shape {2}, expected {3} for a matrix of shape {4}",
                       inQuotes(name), tensor.dtype, shapeText(tensor.shape),
                       compressed ? "I32 with 8 (or 4) integers of 4 (or 8) bits an element"
                                  : "U8 with 2 (or 4) integers of 4 (or 2) bits an element, or I8",
                       shapeText(shape));
  }

  llvm::Error readScales(StringRef name, const StoredTensor &scales, StoredTensor &tensor) {
    StringRef file = stored.files[scales.file];
    auto encoding = llvm::StringSwitch<std::optional<Encoding>>(scales.dtype)
                        .Case("F32", Encoding::F32)
                        .Case("F16", Encoding::F16)
                        .Case("BF16", Encoding::BF16)
                        .Default(std::nullopt);
    if (!encoding)
      return importError(file, "tensor {0} has type {1}, expected F32, F16 or BF16", inQuotes(name), scales.dtype);
    int64_t rows = tensor.shape[0], cols = tensor.shape[1];
    int64_t perRow = scales.shape.size() == 2 ? scales.shape[1] : scales.shape.size() == 1 ? 1 : 0;
    if (perRow == 0 || scales.shape[0] != rows || cols % perRow != 0)
      return importError(file, "tensor {0} has shape {1}, expected [{2}, N], N scales for {3} columns", inQuotes(name),
                         shapeText(scales.shape), rows, cols);
    tensor.scales = TensorScales{scales.file, scales.offset, scales.bytes, *encoding, cols / perRow};
    return llvm::Error::success();
  }

  bool compressed;
  const TensorShapes &shapes;
  TensorFiles &stored;
};

} // namespace

/// Scales that a checkpoint was trained with and a program does not use. Of the mobile scheme only those of caches: its
/// own code does not use them either.
static void dropStaticScales(bool compressed, TensorFiles &stored, std::vector<std::string> &notes) {
  size_t activations = 0, caches = 0;
  for (auto at = stored.tensors.begin(); at != stored.tensors.end();) {
    StringRef name = at->first;
    bool ofActivations = compressed && (name.ends_with(".input_scale") || name.ends_with(".output_scale"));
    bool ofCaches = name.ends_with(".k_cache_scale") || name.ends_with(".v_cache_scale") ||
                    name.ends_with(".k_scale") || name.ends_with(".v_scale");
    activations += ofActivations;
    caches += ofCaches;
    at = ofActivations || ofCaches ? stored.tensors.erase(at) : std::next(at);
  }
  if (activations)
    notes.push_back(
        llvm::formatv("{0} static scales of activations set aside: a program scales activations as they come, "
                      "in groups of 32",
                      activations)
            .str());
  if (caches)
    notes.push_back(
        llvm::formatv("{0} scales of KV caches set aside, --cache chooses the cache's format", caches).str());
}

llvm::Error gemmac::joinQuantized(QuantizedLayout layout, const TensorShapes &shapes, TensorFiles &stored,
                                  std::vector<std::string> &notes) {
  if (layout == QuantizedLayout::None)
    return llvm::Error::success();
  dropStaticScales(layout == QuantizedLayout::CompressedTensors, stored, notes);
  if (llvm::Error error = Joiner(layout, shapes, stored).joinAll())
    return error;
  if (layout == QuantizedLayout::Gemma)
    dropUnusedActivationScales(shapes, stored, notes);
  return llvm::Error::success();
}

namespace {

/// One batched tensor and the projections of an expert that make up an entry of its batch, in order.
struct Stack {
  StringRef name;
  std::vector<StringRef> projections;
};

} // namespace

static llvm::Error stack(Checkpoint &checkpoint, int64_t layer, const Stack &stack) {
  const ExpertsConfig &experts = *checkpoint.config.experts;
  std::string prefix = expertPrefix(layer), missing;
  TensorSource batched;
  const TensorSource *first = nullptr;
  for (int64_t expert = 0; expert < experts.count; ++expert)
    for (StringRef projection : stack.projections) {
      std::string name = prefix + std::to_string(expert) + "." + projection.str() + ".weight";
      auto piece = checkpoint.pieces.find(name);
      if (piece == checkpoint.pieces.end()) {
        missing = missing.empty() ? name : missing;
        continue;
      }
      const TensorSource &source = piece->second;
      first = first ? first : &source;
      bool alike = source.encoding == first->encoding && source.scales.has_value() == first->scales.has_value() &&
                   (!source.scales || (source.scales->encoding == first->scales->encoding &&
                                       source.scales->columns == first->scales->columns));
      if (!alike)
        return importError(checkpoint.files[source.file], "tensor {0} is stored unlike the other experts of its layer",
                           inQuotes(name));
      batched.pieces.push_back(name);
      batched.bytes += source.bytes;
    }
  if (!first)
    return llvm::Error::success();
  StringRef file = checkpoint.files[first->file];
  if (!missing.empty())
    return importError(file, "tensor {0} is missing, expected it beside those of the other experts", inQuotes(missing));
  if (checkpoint.tensors.contains(prefix + stack.name.str()))
    return importError(file, "tensor {0} is given twice, as one and expert by expert",
                       inQuotes(prefix + stack.name.str()));
  batched.file = first->file;
  batched.encoding = first->encoding;
  batched.shape = {experts.count, static_cast<int64_t>(stack.projections.size()) * first->shape[0], first->shape[1]};
  checkpoint.tensors.emplace(prefix + stack.name.str(), std::move(batched));
  return llvm::Error::success();
}

llvm::Error gemmac::stackExperts(Checkpoint &checkpoint) {
  if (!checkpoint.config.experts || checkpoint.pieces.empty())
    return llvm::Error::success();
  const Stack stacks[] = {{"gate_up_proj", {"gate_proj", "up_proj"}}, {"down_proj", {"down_proj"}}};
  for (size_t layer = 0; layer < checkpoint.config.layers.size(); ++layer)
    for (const Stack &one : stacks)
      if (llvm::Error error = stack(checkpoint, layer, one))
        return error;
  return llvm::Error::success();
}
