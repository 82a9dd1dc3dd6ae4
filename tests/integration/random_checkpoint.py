"""Small random checkpoints of odd shapes: every freedom that the configuration class allows, in a few hundred KB."""

import shutil
import zlib

import numpy as np

from support import CHECKPOINTS
from gemma_checkpoint import (
    FULL,
    SLIDING,
    SPECIAL_TEXTS,
    SyntheticTokenizer,
    TextShape,
    WHOLE_WORDS,
    encode,
    text_tensors,
)
from gemma_checkpoint import write_json, write_weights
from tower_shapes import audio_tensors, bound, embedder_tensors, patch_embedder, sample_embedder, vision_tensors

S, F = SLIDING, FULL
LETTERS = "userlmodythgabcfijknpqvwxz"

BASE = {
    "attention_bias": False,
    "attention_k_eq_v": False,
    "bos_token_id": 2,
    "enable_moe_block": False,
    "eos_token_id": 1,
    "final_logit_softcapping": 30.0,
    "global_head_dim": 64,
    "head_dim": 32,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 64,
    "hidden_size_per_layer_input": 0,
    "intermediate_size": 96,
    "layer_types": [S, S, F],
    "max_position_embeddings": 4096,
    "model_type": "gemma4_text",
    "num_attention_heads": 4,
    "num_global_key_value_heads": None,
    "num_hidden_layers": 3,
    "num_key_value_heads": 2,
    "num_kv_shared_layers": 0,
    "pad_token_id": 0,
    "rms_norm_eps": 1e-06,
    "rope_parameters": {
        F: {"partial_rotary_factor": 0.25, "rope_theta": 1e6, "rope_type": "proportional"},
        S: {"rope_theta": 1e4, "rope_type": "default"},
    },
    "sliding_window": 16,
    "tie_word_embeddings": True,
    "use_bidirectional_attention": None,
    "use_double_wide_mlp": False,
    "vocab_size": 384,
    "vocab_size_per_layer_input": 384,
}


# What Gemma 3 has in common with BASE, and its own fields in the spelling of its first releases.
BASE3 = {
    key: BASE[key]
    for key in BASE
    if key
    not in (
        "attention_k_eq_v",
        "enable_moe_block",
        "global_head_dim",
        "hidden_size_per_layer_input",
        "num_global_key_value_heads",
        "num_kv_shared_layers",
        "rope_parameters",
        "use_double_wide_mlp",
        "vocab_size_per_layer_input",
    )
} | {
    "_sliding_window_pattern": 6,
    "attn_logit_softcapping": None,
    "final_logit_softcapping": None,
    "model_type": "gemma3_text",
    "query_pre_attn_scalar": 32,
    "rope_local_base_freq": 10000.0,
    "rope_scaling": None,
    "rope_theta": 1000000.0,
    "use_bidirectional_attention": False,
}


def text3(**changes):
    """The same for Gemma 3."""
    return text(**({key: ... for key in BASE if key not in BASE3} | BASE3 | changes))


def text(**changes):
    """BASE with changes; the number of layers follows layer_types; a value of ... removes the key."""
    merged = BASE | changes
    if merged["layer_types"] is not ...:
        merged["num_hidden_layers"] = len(merged["layer_types"])
    return {key: value for key, value in merged.items() if value is not ...}


# Text of the 12B model, whose class knows neither per-layer embeddings nor experts.
def unified_text(**changes):
    """BASE with one head of keys that are values in full layers, and changes."""
    absent = ("enable_moe_block", "hidden_size_per_layer_input", "use_double_wide_mlp", "vocab_size_per_layer_input")
    own = {"model_type": "gemma4_unified_text", "attention_k_eq_v": True, "num_global_key_value_heads": 1}
    return text(**dict.fromkeys(absent, ...) | own | {"use_bidirectional_attention": "vision"} | changes)


# Models without encoders: name -> (text config, vision_config, audio_config).
UNIFIED = {
    "plain": (unified_text(), patch_embedder(), sample_embedder()),
    "odd": (
        unified_text(hidden_size=100, num_attention_heads=3, num_key_value_heads=3, use_bidirectional_attention=...),
        patch_embedder(mm_embed_dim=77, patch_size=16, pooling_kernel_size=3, model_patch_size=48, rms_norm_eps=1e-3),
        sample_embedder(audio_embed_dim=333, hidden_size=333, rms_norm_eps=1e-2),
    ),
    "small": (
        unified_text(hidden_size=36, layer_types=[S, F, S, F], sliding_window=5),
        patch_embedder(mm_embed_dim=20, patch_size=3, pooling_kernel_size=3, mm_posemb_size=9),
        sample_embedder(audio_samples_per_token=31),
    ),
    "saved-again": (
        unified_text(
            global_head_dim=...,
            num_global_key_value_heads=...,
            layer_types=[S, S, F],
            per_layer_config={"2": {"head_dim": 44, "num_key_value_heads": 1}},
        ),
        patch_embedder(mm_embed_dim=130, patch_size=5, pooling_kernel_size=1, mm_posemb_size=12, num_soft_tokens=280),
        sample_embedder(output_proj_dims=64),
    ),
    "separate-values": (
        unified_text(
            attention_k_eq_v=False, use_bidirectional_attention=None, num_kv_shared_layers=1, layer_types=[S, F, F]
        ),
        patch_embedder(mm_embed_dim=33, pooling_kernel_size=3, mm_posemb_size=75),
        None,
    ),
}

# What stands around and in the place of soft tokens.
MEDIA_TOKENS = {
    "boi_token_id": "<|image>",
    "image_token_id": "<|image|>",
    "eoi_token_id": "<image|>",
    "boa_token_id": "<|audio>",
    "audio_token_id": "<|audio|>",
    "eoa_token_id": "<audio|>",
}


# name -> (text config, options of `write`)
CASES = {
    "odd-everything": (
        text(
            hidden_size=100,
            head_dim=20,
            global_head_dim=36,
            num_attention_heads=3,
            num_key_value_heads=1,
            vocab_size=333,
            intermediate_size=77,
            sliding_window=5,
            layer_types=[S, F, S, S, F],
        ),
        {"dtype": "F32"},
    ),
    "equal-kv-heads": (
        text(num_attention_heads=3, num_key_value_heads=3, head_dim=20, hidden_size=72, sliding_window=17),
        {"dtype": "F16"},
    ),
    "one-layer": (text(layer_types=[F], hidden_size=48), {"dtype": "F32"}),
    "all-full": (
        text(
            layer_types=[F, F],
            head_dim=16,
            global_head_dim=16,
            rope_parameters={
                F: {"rope_theta": 5e5, "rope_type": "default"},
                S: {"rope_theta": 1e4, "rope_type": "default"},
            },
        ),
        {"dtype": "BF16"},
    ),
    "default-pattern": (
        text(layer_types=..., num_hidden_layers=7, hidden_size=40, intermediate_size=33),
        {"dtype": "BF16"},
    ),
    "last-forced-full": (text(layer_types=[S, S, S]), {"dtype": "BF16"}),
    "per-layer-config": (
        text(
            global_head_dim=...,
            num_global_key_value_heads=...,
            layer_types=[S, F, S, F],
            num_attention_heads=6,
            num_key_value_heads=3,
            attention_k_eq_v=True,
            per_layer_config={"1": {"head_dim": 44, "num_key_value_heads": 1}, "03": {"head_dim": 28}},
        ),
        {"dtype": "F32"},
    ),
    "k-eq-v": (
        text(attention_k_eq_v=True, num_global_key_value_heads=1, num_attention_heads=4, num_key_value_heads=2),
        {"dtype": "BF16"},
    ),
    "k-eq-v-same-heads": (
        text(attention_k_eq_v=True, head_dim=24, global_head_dim=40),
        {"dtype": "F16", "causal_lm": True},
    ),
    "per-layer-embeddings": (
        text(
            hidden_size=56,
            hidden_size_per_layer_input=24,
            layer_types=[S, F, S, F, S, S, F],
            num_kv_shared_layers=3,
            use_double_wide_mlp=True,
            intermediate_size=50,
            num_key_value_heads=1,
            vocab_size_per_layer_input=333,
            vocab_size=333,
            sliding_window=5,
        ),
        {"dtype": "BF16", "dead_kv": True},
    ),
    "shared-without-ple": (text(layer_types=[S, F, S, F], num_kv_shared_layers=2), {"dtype": "F32", "causal_lm": True}),
    "experts": (
        text(
            enable_moe_block=True,
            num_experts=5,
            top_k_experts=3,
            moe_intermediate_size=36,
            hidden_size=60,
            intermediate_size=70,
            layer_types=[S, F],
        ),
        {"dtype": "BF16"},
    ),
    "experts-legacy-key": (
        text(
            enable_moe_block=True,
            num_experts=8,
            top_k_experts=1,
            expert_intermediate_size=32,
            attention_k_eq_v=True,
            num_global_key_value_heads=1,
            layer_types=[S, S, F],
        ),
        {"dtype": "F32", "causal_lm": True},
    ),
    "untied-head": (text(tie_word_embeddings=False, vocab_size=400), {"dtype": "F16"}),
    "no-softcap": (text(final_logit_softcapping=None, hidden_size=33), {"dtype": "F32"}),
    "sharded-text-only": (text(hidden_size=96), {"dtype": "BF16", "causal_lm": True, "shard_bytes": 60_000}),
    "no-layer-scalar": (text(), {"dtype": "F32", "layer_scalar": False}),
    "rope-factor": (
        text(
            rope_parameters={
                F: {"partial_rotary_factor": 0.5, "rope_theta": 1e6, "rope_type": "proportional", "factor": 8.0},
                S: {"rope_theta": 1e4, "rope_type": "default"},
            }
        ),
        {"dtype": "BF16"},
    ),
    "larger-eps": (text(rms_norm_eps=1e-3), {"dtype": "F32"}),
    # Gemma 3. The last layer may be sliding, and a query scale need not be a power of two.
    "gemma3-text": (text3(layer_types=[S, S, F, S], sliding_window=5), {"dtype": "BF16", "causal_lm": True}),
    "gemma3-odd": (
        text3(
            hidden_size=100,
            head_dim=20,
            num_attention_heads=3,
            num_key_value_heads=1,
            vocab_size=333,
            intermediate_size=77,
            sliding_window=7,
            query_pre_attn_scalar=11,
            final_logit_softcapping=20.0,
            layer_types=...,
            sliding_window_pattern=2,
            num_hidden_layers=5,
        ),
        {"dtype": "F32", "causal_lm": True},
    ),
    "gemma3-scaled-rope": (
        text3(rope_scaling={"rope_type": "linear", "factor": 8.0}, layer_types=[F, S, F]),
        {"dtype": "F16", "first_release": True},
    ),
    "gemma3-rope-parameters": (
        text3(
            rope_scaling=...,
            rope_theta=...,
            rope_local_base_freq=...,
            rope_parameters={
                F: {"rope_type": "linear", "rope_theta": 5e5, "factor": 4.0},
                S: {"rope_type": "default", "rope_theta": 2e4},
            },
            tie_word_embeddings=False,
        ),
        {"dtype": "BF16"},
    ),
}


def values(name, shape, seed, head_norm=0.6):
    """Weights that keep activations near 1, so that a wrong operand shows in the logits.

    head_norm: about the factor of head norms. Scores of two such heads of size d deviate by head_norm^2 * sqrt(d).
    """
    if not shape:
        return bound(name, seed)
    rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
    leaf = name.removesuffix(".weight").rsplit(".", 1)[-1]
    if leaf == "layer_scalar":
        return rng.uniform(0.5, 1.2, shape)
    if len(shape) == 1:
        if leaf in ("q_norm", "k_norm"):
            return rng.normal(1.0, 0.2, shape) * head_norm
        if leaf == "bias" and "vision_embedder" in name:
            return rng.normal(0.0, 0.3, shape)
        return rng.normal(1.0, 0.3, shape)
    if leaf in ("position_embedding_table", "pos_embedding"):
        return rng.normal(0.0, 0.5, shape)
    if leaf in ("embed_tokens", "lm_head", "embed_tokens_per_layer"):
        return rng.normal(0.0, 0.15 if leaf != "lm_head" else 0.4, shape)
    return rng.normal(0.0, shape[-1] ** -0.5, shape)


def write(
    folder,
    config,
    dtype="BF16",
    causal_lm=False,
    dead_kv=False,
    shard_bytes=None,
    layer_scalar=True,
    first_release=False,
    seed=5,
    store=None,
    quantization=None,
    vision=None,
    audio=None,
):
    """Writes the checkpoint; `config` is its text_config, `vision` its vision_config, `audio` its audio_config.

    Returns config.json's content.

    first_release: tensors are called as in the first files of Gemma 3 with a vision tower.
    store: may turn a tensor's name and values into what is stored instead, {name: (dtype, values)}.
    quantization: the quantization_config.
    """
    folder.mkdir(parents=True, exist_ok=True)
    shape, prefix = TextShape(config), "model." if causal_lm else "model.language_model."
    if first_release:
        prefix = "language_model.model."
    named = {
        prefix + name: dims
        for name, dims in text_tensors(shape, dead_kv).items()
        if layer_scalar or not name.endswith("layer_scalar")
    }
    if not shape.tied:
        named["lm_head.weight"] = [shape.vocab, shape.hidden]
    unified = config.get("model_type") == "gemma4_unified_text"
    if unified:
        named |= embedder_tensors(vision, audio, shape.hidden)
    if vision and not unified:
        named |= vision_tensors(vision, shape.hidden)
    if audio and not unified:
        named |= audio_tensors(audio, shape.hidden)
    store = store or (lambda name, array: {name: (dtype, array)})
    parts = {}
    for name, dims in sorted(named.items()):
        # Scaled queries need larger norms for attention that prefers some keys to others.
        full = values(name, dims, seed, 0.6 * shape.query_scale**-0.5)
        addend = shape.norm_addend if len(dims) == 1 and name.startswith(prefix) else 0
        array = np.asarray(full - addend, np.float32)
        parts.update(store(name, array))
    stored = {name: (kind, list(array.shape)) for name, (kind, array) in parts.items()}
    write_weights(folder, stored, lambda name: [encode(parts[name][1], parts[name][0])], shard_bytes)
    generation = "3" if shape.gemma3 else "4Unified" if unified else "4"
    if causal_lm:
        whole = dict(config, architectures=[f"Gemma{generation}ForCausalLM"])
    else:
        whole = {
            "architectures": [f"Gemma{generation}ForConditionalGeneration"],
            "audio_config": audio,
            "eos_token_id": [1, 16, 9],
            "model_type": config["model_type"].removesuffix("_text"),
            "text_config": config,
            "tie_word_embeddings": config["tie_word_embeddings"],
            "vision_config": vision,
        }
    if vision or audio:
        whole |= {field: SPECIAL_TEXTS.index(text) for field, text in MEDIA_TOKENS.items()}
    if quantization:
        whole["quantization_config"] = quantization
    write_json(folder / "config.json", whole)
    fixed = dict(enumerate(SPECIAL_TEXTS)) | {24: "\n"}
    made = SyntheticTokenizer(shape.vocab, fixed, 25, ["▁", *LETTERS], 281, WHOLE_WORDS[:2])
    write_json(folder / "tokenizer.json", made.json())
    write_json(
        folder / "generation_config.json",
        {"bos_token_id": 2, "do_sample": False, "eos_token_id": [1, 16, 9], "pad_token_id": 0},
    )
    for name in ("chat_template.jinja", "tokenizer_config.json"):
        shutil.copyfile(CHECKPOINTS / "tiny-e" / name, folder / name)
    return whole
