#include "compiler/import/ActivationScales.h"

#include "compiler/import/Json.h"
#include "compiler/import/Scalars.h"

#include <cmath>
#include <map>

using namespace gemmac;
using llvm::StringRef;

static constexpr llvm::StringLiteral inputSuffix = ".input_activation_scale", outputSuffix = ".output_activation_scale";

static llvm::Expected<float> readScale(StringRef name, const StoredTensor &tensor, const TensorFiles &stored) {
  StringRef file = stored.files[tensor.file];
  llvm::Expected<float> read = readScalar(name, tensor, stored);
  if (!read)
    return read.takeError();
  float scale = *read;
  if (!(scale >= 0) || !std::isfinite(scale * 128)) // the ends of the grid are numbers, too
    return importError(file, "tensor {0} is {1:e}, expected a finite scale of activations, or 0 where there is none",
                       inQuotes(name), scale);
  return scale == 0 ? 0.0f : scale; // no -0
}

llvm::Error gemmac::takeActivationScales(StringRef base, TensorFiles &stored, ActivationScales &result) {
  std::string names[] = {(base + inputSuffix).str(), (base + outputSuffix).str()};
  float *scales[] = {&result.input, &result.output};
  for (size_t i = 0; i < 2; ++i) {
    auto at = stored.tensors.find(names[i]);
    if (at == stored.tensors.end())
      continue;
    if (!stored.tensors.contains(names[1 - i]))
      return importError(stored.files[at->second.file], "tensor {0} stands alone, expected {1} beside it",
                         inQuotes(names[i]), inQuotes(names[1 - i]));
    llvm::Expected<float> scale = readScale(names[i], at->second, stored);
    if (!scale)
      return scale.takeError();
    *scales[i] = *scale;
  }
  stored.tensors.erase(names[0]);
  stored.tensors.erase(names[1]);
  return llvm::Error::success();
}

void gemmac::dropUnusedActivationScales(const TensorShapes &shapes, TensorFiles &stored,
                                        std::vector<std::string> &notes) {
  size_t dropped = std::erase_if(stored.tensors, [&](const auto &entry) {
    StringRef base = entry.first;
    bool isScale = base.consume_back(inputSuffix) || base.consume_back(outputSuffix);
    return isScale && shapes.contains(huggingFaceNaming.canonical((base + ".weight").str()));
  });
  if (dropped)
    notes.push_back(
        llvm::formatv("{0} static scales of activations set aside, their matrices are not quantized", dropped).str());
}

/// Matrices of one layer that a program multiplies as one, each list by its names within the layer.
static const std::vector<std::vector<std::string>> &matricesOfOneInput() {
  static const std::vector<std::vector<std::string>> lists = {
      {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}, {"mlp.gate_proj", "mlp.up_proj"}};
  return lists;
}

llvm::Error gemmac::checkActivationScales(Checkpoint &checkpoint) {
  for (const auto &[name, piece] : checkpoint.pieces)
    if (piece.activations.input != 0 || piece.activations.output != 0)
      return importError(
          checkpoint.files[piece.file],
          "matrix {0} has static scales of activations, which are not supported for experts; expected 0 or none",
          inQuotes(name));
  for (size_t layer = 0; layer < checkpoint.config.layers.size(); ++layer)
    for (const std::vector<std::string> &list : matricesOfOneInput()) {
      auto nameOf = [&](const std::string &part) { return "layers." + std::to_string(layer) + "." + part; };
      auto first = checkpoint.tensors.find(nameOf(list[0]) + ".weight");
      for (const std::string &part : list) {
        auto matrix = checkpoint.tensors.find(nameOf(part) + ".weight");
        if (first == checkpoint.tensors.end() || matrix == checkpoint.tensors.end())
          continue;
        if (matrix->second.activations.input != first->second.activations.input)
          return importError(checkpoint.files[matrix->second.file],
                             "'{0}{1}' is {2:e}, expected {3:e} as of {4}: both matrices read the same activations, "
                             "which are rounded once",
                             nameOf(part), inputSuffix, matrix->second.activations.input,
                             first->second.activations.input, inQuotes(list[0]));
      }
    }
  size_t gridded = 0, free = 0;
  for (const auto &[name, tensor] : checkpoint.tensors) {
    bool reads = tensor.scales.has_value() && !StringRef(name).starts_with("embed_tokens"); // tables are looked up
    gridded += reads && tensor.activations.input != 0;
    free += reads && tensor.activations.input == 0;
  }
  checkpoint.notes.push_back(
      llvm::formatv("{0} matrices read activations on the static grids of the checkpoint{1}", gridded,
                    free ? llvm::formatv("; {0} have none, theirs are scaled as they come, in groups of 32", free).str()
                         : "")
          .str());
  return llvm::Error::success();
}
