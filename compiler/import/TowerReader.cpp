#include "compiler/import/TowerReader.h"

#include "compiler/import/ConfigFields.h"
#include "compiler/import/ConfigRules.h"

#include "llvm/ADT/STLExtras.h"

namespace gemmac {

using llvm::StringRef;

/// Fields of published files that the classes of the towers do not read (spec 1.2, 10).
static constexpr llvm::StringLiteral idleFields[] = {"default_output_length", "global_head_dim",
                                                     "max_position_embeddings", "num_soft_tokens",
                                                     "vision_soft_tokens_per_image"};

std::string finishTower(Fields &fields, llvm::ArrayRef<std::string> ignored, std::vector<std::string> &notes) {
  llvm::SmallVector<llvm::StringLiteral> harmless(std::begin(harmlessConfigFields), std::end(harmlessConfigFields));
  harmless.append(std::begin(idleFields), std::end(idleFields));
  return fields.finishMessage(harmless, ignored, notes);
}

static void expectString(Fields &fields, StringRef name, StringRef only) {
  if (fields.string(name, only) != only)
    fields.mismatch(name, ("'" + only + "'").str());
}

/// The base of the wavelengths. Both spellings of the type mean the same: the column and the row turn a half of a head
/// each.
static double readTheta(Fields &fields) {
  const Json *rope = fields.object("rope_parameters");
  if (!rope)
    return 100.0;
  Fields own("", fields.pathOf("rope_parameters."), *rope);
  double theta = own.number("rope_theta", 100.0, 1e-3, 1e15);
  std::string type = own.string("rope_type", "axial");
  if (type != "default" && type != "axial")
    own.mismatch("rope_type", "'default' or 'axial': no other kind is supported");
  if (std::string message = own.takeMessage(); !message.empty())
    fields.fail(message);
  return theta;
}

VisionConfig readVisionConfig(Fields &fields) {
  VisionConfig config;
  expectString(fields, "model_type", "gemma4_vision");
  config.layers = fields.integer("num_hidden_layers", 16, 1, limits::layers);
  config.hidden = fields.integer("hidden_size", 768, 1, limits::hidden);
  config.mlpWidth = fields.integer("intermediate_size", 3072, 1, limits::width);
  config.heads = fields.integer("num_attention_heads", 12, 1, limits::heads);
  config.kvHeads = fields.integer("num_key_value_heads", 12, 1, limits::heads);
  config.headDim = fields.integer("head_dim", 64, 4, limits::headDim);
  config.patch = fields.integer("patch_size", 16, 1, 256);
  config.pool = fields.integer("pooling_kernel_size", 3, 1, 64);
  config.positions = fields.integer("position_embedding_size", 10240, 1, limits::vocab);
  config.rmsEpsilon = fields.number("rms_norm_eps", 1e-6, 1e-30, 1.0);
  config.clipped = fields.boolean("use_clipped_linears", false);
  config.standardized = fields.boolean("standardize", false);
  config.ropeTheta = readTheta(fields);
  expectString(fields, "hidden_activation", "gelu_pytorch_tanh");
  if (fields.optionalBoolean("attention_bias").value_or(false))
    fields.mismatch("attention_bias", "false: biases are not supported");
  if (config.headDim % 4 != 0)
    fields.mismatch("head_dim", "a multiple of 4: a half turns with the column and one with the row, in pairs");
  if (config.heads % config.kvHeads != 0)
    fields.mismatch("num_key_value_heads", "a divisor of num_attention_heads = " + std::to_string(config.heads));
  return config;
}

static void readChannels(Fields &fields, AudioConfig &config) {
  const Json *channels = fields.array("subsampling_conv_channels");
  config.channels[0] = 128;
  config.channels[1] = 32;
  if (!channels)
    return;
  auto isCount = [](const Json &value) { return value.is_number_integer() && value >= 1 && value <= limits::hidden; };
  if (channels->size() != 2 || !isCount((*channels)[0]) || !isCount((*channels)[1]))
    return fields.mismatch("subsampling_conv_channels", "two positive integers");
  for (size_t i = 0; i < 2; ++i)
    config.channels[i] = (*channels)[i].get<int64_t>();
  // The class makes the width of the projection of it (spec 5.2).
  if (config.channels[0] != melBins)
    fields.fail("field 'audio_config.subsampling_conv_channels' begins with " + llvm::Twine(config.channels[0]) +
                ", expected " + llvm::Twine(melBins) + ", the number of mel bins");
}

AudioConfig readAudioConfig(Fields &fields) {
  AudioConfig config;
  expectString(fields, "model_type", "gemma4_audio");
  config.layers = fields.integer("num_hidden_layers", 12, 1, limits::layers);
  config.hidden = fields.integer("hidden_size", 1024, 2, limits::hidden);
  config.heads = fields.integer("num_attention_heads", 8, 1, limits::heads);
  config.taps = fields.integer("conv_kernel_size", 5, 1, 1024);
  config.chunk = fields.integer("attention_chunk_size", 12, 1, 4096);
  config.past = fields.integer("attention_context_left", 13, 2, 4096); // a frame sees itself from 2 on
  config.future = fields.integer("attention_context_right", 0, 0, 4096);
  config.outputWidth = fields.integer("output_proj_dims", 1536, 1, limits::hidden);
  config.rmsEpsilon = fields.number("rms_norm_eps", 1e-6, 1e-30, 1.0);
  config.residualWeight = fields.number("residual_weight", 0.5, 0.0, 1e6);
  config.logitCap = fields.number("attention_logit_cap", 50.0, 1e-6, 1e6);
  config.invalidLogit = fields.number("attention_invalid_logits_value", -1e9, -3e38, 0.0);
  config.clipping = fields.number("gradient_clipping", 1e10, 1e-6, 1e300);
  config.clipped = fields.boolean("use_clipped_linears", true);
  readChannels(fields, config);
  // Scores lie within the cap; a frame that is not seen must weigh nothing beside any of them.
  if (config.invalidLogit > -config.logitCap - 104)
    fields.mismatch("attention_invalid_logits_value", "a number below -104 - attention_logit_cap");
  expectString(fields, "hidden_act", "silu");
  if (config.hidden % (2 * config.heads) != 0)
    fields.mismatch("hidden_size", "a multiple of twice num_attention_heads = " + std::to_string(config.heads));
  return config;
}

PatchEmbedderConfig readPatchEmbedderConfig(Fields &fields) {
  PatchEmbedderConfig config;
  expectString(fields, "model_type", "gemma4_unified_vision");
  config.patch = fields.integer("patch_size", 16, 1, 256);
  config.pool = fields.integer("pooling_kernel_size", 3, 1, 64);
  config.width = fields.integer("mm_embed_dim", 3840, 1, limits::hidden);
  config.positions = fields.integer("mm_posemb_size", 1120, 1, limits::vocab);
  config.rmsEpsilon = fields.number("rms_norm_eps", 1e-6, 1e-30, 1.0);
  // The class makes the projection to the text model of one and feeds it the other.
  if (fields.integer("output_proj_dims", 3840, 1, limits::hidden) != config.width)
    fields.mismatch("output_proj_dims", "mm_embed_dim = " + std::to_string(config.width));
  if (std::optional<int64_t> side = fields.optionalInteger("model_patch_size", 1, INT32_MAX);
      side && *side != config.side())
    fields.mismatch("model_patch_size", "patch_size x pooling_kernel_size = " + std::to_string(config.side()));
  return config;
}

/// Four names of one number: published files have all of them.
SampleEmbedderConfig readSampleEmbedderConfig(Fields &fields) {
  SampleEmbedderConfig config;
  expectString(fields, "model_type", "gemma4_unified_audio");
  config.rmsEpsilon = fields.number("rms_norm_eps", 1e-6, 1e-30, 1.0);
  std::optional<int64_t> samples;
  for (StringRef name : {"audio_embed_dim", "audio_samples_per_token", "hidden_size", "output_proj_dims"}) {
    std::optional<int64_t> value = fields.optionalInteger(name, 1, limits::hidden);
    if (value && samples && *value != *samples)
      fields.mismatch(name, std::to_string(*samples) + " as in the fields beside it: the samples of a soft token");
    samples = samples ? samples : value;
  }
  config.samples = samples.value_or(640);
  return config;
}

} // namespace gemmac
