// Fields of config.json that cannot change what the text model computes for given tokens: names of files and versions,
// training, generation defaults (generation_config.json has the word), token ids of media, storage types, and what
// every PretrainedConfig writes. A field that is neither here nor read by ConfigReader.cpp is an error.
#ifndef GEMMAC_COMPILER_IMPORT_CONFIGFIELDS_H
#define GEMMAC_COMPILER_IMPORT_CONFIGFIELDS_H

#include "llvm/ADT/StringRef.h"

namespace gemmac {

inline constexpr llvm::StringLiteral harmlessConfigFields[] = {
    // Origin and storage; the tensors say their own types.
    "_name_or_path", "name_or_path", "_commit_hash", "architectures", "auto_map", "dtype", "torch_dtype",
    "transformers_version", "tokenizer_class", "processor_class", "unsloth_fixed", "unsloth_version", "use_unsloth",
    "license", "_comment", "model_name", "base_model_name_or_path", "transformers.js_config", "library_name",
    "pipeline_tag", "language", "tags",
    // How a framework runs the same arithmetic.
    "_attn_implementation", "_attn_implementation_autoset", "attn_implementation", "_attn_implementation_internal",
    "_experts_implementation", "_experts_implementation_internal", "experts_implementation", "use_cache",
    "use_bfloat16", "torchscript", "tf_legacy_loss", "chunk_size_feed_forward", "gradient_checkpointing",
    "pretraining_tp", "use_flash_attention_2", "use_sdpa", "output_attentions", "output_hidden_states",
    "output_router_logits", "output_scores", "return_dict", "return_dict_in_generate", "cache_implementation",
    "base_model_tp_plan", "base_model_pp_plan", "base_model_ep_plan", "serialize_explicit_per_layer_config",
    "allow_global_per_layer_attribute_access",
    // Training.
    "attention_dropout", "hidden_dropout", "embd_pdrop", "resid_pdrop", "neftune_noise_alpha", "label_smoothing",
    "gradient_checkpointing_kwargs", "initializer_range", "router_aux_loss_coef", "finetuning_task",
    "task_specific_params", "problem_type", "id2label", "label2id", "num_labels",
    // Encoder-decoder leftovers that every configuration used to carry.
    "add_cross_attention", "cross_attention_hidden_size", "decoder_start_token_id", "is_decoder", "is_encoder_decoder",
    "tie_encoder_decoder", "prefix", "sep_token_id",
    // Generation defaults.
    "bad_words_ids", "begin_suppress_tokens", "diversity_penalty", "do_sample", "early_stopping",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty", "forced_bos_token_id", "forced_eos_token_id",
    "length_penalty", "max_length", "max_new_tokens", "min_length", "min_p", "no_repeat_ngram_size", "num_beam_groups",
    "num_beams", "num_return_sequences", "remove_invalid_values", "repetition_penalty", "suppress_tokens",
    "temperature", "top_k", "top_p", "typical_p",
    // Token ids; pad only matters where media stand (spec 3.1).
    "audio_token_id", "audio_token_index", "boa_token_id", "boa_token_index", "boi_token_id", "boi_token_index",
    "eoa_token_id", "eoa_token_index", "eoi_token_id", "eoi_token_index", "image_token_id", "image_token_index",
    "mm_tokens_per_image", "pad_token", "bos_token", "eos_token", "pad_token_id", "unk_token_id", "video_token_id",
    "video_token_index", "vision_soft_tokens_per_image"};

} // namespace gemmac

#endif // GEMMAC_COMPILER_IMPORT_CONFIGFIELDS_H
