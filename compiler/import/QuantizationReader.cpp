#include "compiler/import/QuantizationReader.h"

#include "dialects/formats/Format.h"

using namespace gemmac;
using llvm::StringRef;

static bool isEmpty(const Json *value) { return !value || value->empty(); }

/// One entry of "config_groups": how the modules it targets are quantized.
static void readWeights(Fields &weights) {
  if (int64_t bits = weights.integer("num_bits", 4, 1, 32); bits != 4 && bits != 8)
    weights.mismatch("num_bits", "4 or 8");
  if (weights.string("type", "int") != "int")
    weights.mismatch("type", "'int'");
  if (!weights.boolean("symmetric", true))
    weights.mismatch("symmetric", "true: asymmetric weights (with zero points) are not supported");
  if (weights.optionalBoolean("dynamic").value_or(false))
    weights.mismatch("dynamic", "false");
  std::string strategy = weights.optionalString("strategy").value_or("group");
  std::optional<int64_t> size = weights.optionalInteger("group_size", -1, 1 << 24);
  if (strategy == "group" && size && *size > 0 && *size % groupColumns != 0)
    weights.mismatch("group_size", "a multiple of 32");
  if (strategy != "group" && strategy != "channel")
    weights.mismatch("strategy", "'group' or 'channel'");
  if (std::optional<std::string> order = weights.optionalString("actorder"); order && *order == "group")
    weights.mismatch("actorder", "null: groups of columns out of order are not supported");
}

/// Reads one member of an object in its own right and carries its first mistake over.
static void readNested(Fields &outer, StringRef file, StringRef name, const Json *object,
                       llvm::ArrayRef<llvm::StringLiteral> harmless, llvm::function_ref<void(Fields &)> read) {
  if (!object)
    return;
  Fields inner(file, outer.pathOf(name) + ".", *object);
  read(inner);
  for (StringRef known : harmless)
    inner.any(known);
  if (std::string message = inner.takeMessage(); !message.empty())
    outer.fail(message);
}

static void readGroup(Fields &groups, StringRef file, StringRef name, const Json &group,
                      std::vector<std::string> &notes) {
  if (!group.is_object())
    return groups.mismatch(name, "an object");
  readNested(groups, file, name, &group, {"targets"}, [&](Fields &fields) {
    if (std::optional<std::string> format = fields.optionalString("format"); format && *format != "pack-quantized")
      fields.mismatch("format", "'pack-quantized'");
    const Json *weights = fields.object("weights");
    if (!weights)
      fields.mismatch("weights", "an object");
    readNested(fields, file, "weights", weights,
               {"observer", "observer_kwargs", "block_structure", "scale_dtype", "zp_dtype"}, readWeights);
    for (StringRef activations : {"input_activations", "output_activations"})
      if (fields.object(activations))
        notes.push_back("config.json: " + fields.pathOf(activations) +
                        " set aside, the program quantizes activations by itself");
  });
}

static void readCompressedTensors(Fields &fields, StringRef file, std::vector<std::string> &notes) {
  if (fields.string("format", "pack-quantized") != "pack-quantized")
    fields.mismatch("format", "'pack-quantized': other layouts of compressed-tensors are not supported");
  for (StringRef name : {"sparsity_config", "transform_config"})
    if (!isEmpty(fields.any(name)))
      fields.mismatch(name, "none: it changes what the weights mean");
  if (!isEmpty(fields.any("kv_cache_scheme")))
    notes.push_back("config.json: quantization_config.kv_cache_scheme set aside, --cache chooses the cache's format");
  fields.array("ignore"); // what is ignored is stored as floats, as its tensors say
  const Json *groups = fields.object("config_groups");
  if (!groups)
    return fields.mismatch("config_groups", "an object");
  readNested(fields, file, "config_groups", groups, {}, [&](Fields &inner) {
    for (const auto &item : groups->items()) {
      inner.any(item.key());
      readGroup(inner, file, item.key(), item.value(), notes);
    }
  });
}

QuantizedLayout gemmac::readQuantization(Fields &outer, StringRef file, StringRef name, const Json &config,
                                         std::vector<std::string> &notes) {
  QuantizedLayout layout = QuantizedLayout::None;
  if (!config.is_object()) {
    outer.mismatch(name, "an object");
    return layout;
  }
  readNested(
      outer, file, name, &config, {"quantization_status", "global_compression_ratio", "version"}, [&](Fields &fields) {
        std::string method = fields.string("quant_method", "");
        if (method == "compressed-tensors") {
          layout = QuantizedLayout::CompressedTensors;
          readCompressedTensors(fields, file, notes);
        } else if (method == "gemma") {
          // Which module has how many bits is told by its tensors, too.
          layout = QuantizedLayout::Gemma;
          for (StringRef known : {"num_bits", "quantize_embeddings", "module_quant_configs", "modules_to_not_convert"})
            fields.any(known);
        } else {
          fields.mismatch("quant_method", "'compressed-tensors' or 'gemma'; else give the bf16 checkpoint");
        }
      });
  return layout;
}
