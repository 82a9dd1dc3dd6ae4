#!/usr/bin/env python3
"""Writes a checkpoint of a published Gemma 4 or 3 shape with random weights, for measuring size, memory and speed.

    make_random_checkpoint.py E2B DIR [--layers N] [--layout compressed-tensors] [--text-only] [--shard-gb 5] [--seed 0]

Models: E2B, E4B, 26B-A4B, 31B, gemma3-270m. Weights are BF16, normal with deviation 0.02, norms near 1, in shards as
the real files are; E2B and E4B contain the unread key and value tensors that the published files contain. With --layers
the first N layers are kept: the pattern of sliding and full layers stays, the last one is full (but in Gemma 3), and
the share of layers that reuse keys and values stays about the same. --layout writes the matrices as integers with
scales, as quantized checkpoints do: compressed-tensors (4 bits in groups of 32: 26B-A4B takes 15 GB) or gemma (the
mobile scheme of Gemma 4). Memory stays under 400 MB: one random block is repeated, from a place that depends
on the tensor's name. The answers of such a model mean nothing. Needs numpy.
"""

import argparse
import json
import shutil
import sys
import time
import zlib
from pathlib import Path

import numpy as np

from gemma_checkpoint import (
    COMPRESSED,
    FULL,
    MOBILE,
    SLIDING,
    SPECIAL_TEXTS,
    SyntheticTokenizer,
    TextShape,
    WHOLE_WORDS,
    encode,
    layout_tensors,
    pack_integers,
    quantization_config,
    text_tensors,
    to_bf16,
)
from gemma_checkpoint import write_json, write_weights

ROOT = Path(__file__).resolve().parent.parent
BLOCK = 16_777_213  # values; a prime, so that no row length divides it and rows do not repeat

#                  layers hidden heads kv  kv_full  mlp   window  context period shared
MODELS = {
    "E2B": dict(
        layers=35, hidden=1536, heads=8, kv=1, full_kv=None, mlp=6144, window=512, context=131072, period=5, shared=20
    ),
    "E4B": dict(
        layers=42, hidden=2560, heads=8, kv=2, full_kv=None, mlp=10240, window=512, context=131072, period=6, shared=18
    ),
    "26B-A4B": dict(
        layers=30,
        hidden=2816,
        heads=16,
        kv=8,
        full_kv=2,
        mlp=2112,
        window=1024,
        context=262144,
        period=6,
        shared=0,
        experts=128,
        top_k=8,
        expert_width=704,
    ),
    "31B": dict(
        layers=60, hidden=5376, heads=32, kv=16, full_kv=4, mlp=21504, window=1024, context=262144, period=6, shared=0
    ),
    "gemma3-270m": dict(layers=18, hidden=640, heads=4, kv=1, mlp=2048, window=512, context=32768, period=6),
}
REAL_IDS = [
    0,
    1,
    2,
    3,
    4,
    46,
    47,
    48,
    49,
    50,
    51,
    52,
    98,
    100,
    101,
    105,
    106,
    255999,
    256000,
    258880,
    258881,
    258882,
    258883,
    258884,
]
VOCAB = 262144


def is_gemma3(model):
    return model.startswith("gemma3")


def check_layers(model, layers, least):
    most = MODELS[model]["layers"]
    if not least <= layers <= most:
        raise SystemExit(f"make_random_checkpoint: error: {model} with {layers} layers, expected {least} to {most}")


def gemma3_config(model, layers):
    """The config.json of the published text model, cut to `layers` layers."""
    spec = MODELS[model]
    check_layers(model, layers, 1)
    return {
        "_sliding_window_pattern": spec["period"],
        "architectures": ["Gemma3ForCausalLM"],
        "attention_bias": False,
        "attention_dropout": 0.0,
        "attn_logit_softcapping": None,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "final_logit_softcapping": None,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": spec["hidden"],
        "initializer_range": 0.02,
        "intermediate_size": spec["mlp"],
        "layer_types": [FULL if (i + 1) % spec["period"] == 0 else SLIDING for i in range(layers)],
        "max_position_embeddings": spec["context"],
        "model_type": "gemma3_text",
        "num_attention_heads": spec["heads"],
        "num_hidden_layers": layers,
        "num_key_value_heads": spec["kv"],
        "pad_token_id": 0,
        "query_pre_attn_scalar": 256,
        "rms_norm_eps": 1e-06,
        "rope_local_base_freq": 10000.0,
        "rope_scaling": None,
        "rope_theta": 1000000.0,
        "sliding_window": spec["window"],
        "torch_dtype": "bfloat16",
        "transformers_version": "4.55.0.dev0",
        "use_bidirectional_attention": False,
        "use_cache": True,
        "vocab_size": VOCAB,
    }


def text_config(model, layers):
    """The text_config of the published file, cut to `layers` layers."""
    edge = model.startswith("E")
    spec = MODELS[model]
    check_layers(model, layers, spec["period"] + 1 if edge else 2)
    kinds = [FULL if (i + 1) % spec["period"] == 0 else SLIDING for i in range(layers)]
    kinds[-1] = FULL
    shared = max(0, min(spec["shared"] * layers // spec["layers"], layers - spec["period"]))
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "attention_k_eq_v": not edge,
        "bos_token_id": 2,
        "dtype": "bfloat16",
        "enable_moe_block": "experts" in spec,
        "eos_token_id": 1,
        "final_logit_softcapping": 30.0,
        "global_head_dim": 512,
        "head_dim": 256,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": spec["hidden"],
        "hidden_size_per_layer_input": 256 if edge else 0,
        "initializer_range": 0.02,
        "intermediate_size": spec["mlp"],
        "layer_types": kinds,
        "max_position_embeddings": spec["context"],
        "model_type": "gemma4_text",
        "moe_intermediate_size": spec.get("expert_width"),
        "num_attention_heads": spec["heads"],
        "num_experts": spec.get("experts"),
        "num_global_key_value_heads": spec["full_kv"],
        "num_hidden_layers": layers,
        "num_key_value_heads": spec["kv"],
        "num_kv_shared_layers": shared,
        "pad_token_id": 0,
        "rms_norm_eps": 1e-06,
        "rope_parameters": {
            FULL: {"partial_rotary_factor": 0.25, "rope_theta": 1000000.0, "rope_type": "proportional"},
            SLIDING: {"rope_theta": 10000.0, "rope_type": "default"},
        },
        "sliding_window": spec["window"],
        "tie_word_embeddings": True,
        "top_k_experts": spec.get("top_k"),
        "use_bidirectional_attention": None if edge else "vision",
        "use_cache": True,
        "use_double_wide_mlp": model == "E2B",
        "vocab_size": VOCAB,
        "vocab_size_per_layer_input": VOCAB,
    }


def vision_config(model):
    small = model.startswith("E")
    return {
        "attention_bias": False,
        "attention_dropout": 0.0,
        "default_output_length": 280,
        "dtype": "bfloat16",
        "global_head_dim": 64 if small else 72,
        "head_dim": 64 if small else 72,
        "hidden_activation": "gelu_pytorch_tanh",
        "hidden_size": 768 if small else 1152,
        "initializer_range": 0.02,
        "intermediate_size": 3072 if small else 4304,
        "max_position_embeddings": 131072,
        "model_type": "gemma4_vision",
        "num_attention_heads": 12 if small else 16,
        "num_hidden_layers": 16 if small else 27,
        "num_key_value_heads": 12 if small else 16,
        "patch_size": 16,
        "pooling_kernel_size": 3,
        "position_embedding_size": 10240,
        "rms_norm_eps": 1e-06,
        "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"},
        "standardize": not small,
        "use_clipped_linears": small,
    }


def audio_config():
    return {
        "attention_chunk_size": 12,
        "attention_context_left": 13,
        "attention_context_right": 0,
        "attention_invalid_logits_value": -1000000000.0,
        "attention_logit_cap": 50.0,
        "conv_kernel_size": 5,
        "dtype": "bfloat16",
        "gradient_clipping": 10000000000.0,
        "hidden_act": "silu",
        "hidden_size": 1024,
        "initializer_range": 0.02,
        "model_type": "gemma4_audio",
        "num_attention_heads": 8,
        "num_hidden_layers": 12,
        "output_proj_dims": 1536,
        "residual_weight": 0.5,
        "rms_norm_eps": 1e-06,
        "subsampling_conv_channels": [128, 32],
        "use_clipped_linears": True,
    }


def full_config(model, layers):
    if is_gemma3(model):
        return gemma3_config(model, layers)
    return {
        "architectures": ["Gemma4ForConditionalGeneration"],
        "audio_config": audio_config() if model.startswith("E") else None,
        "audio_token_id": 258881,
        "boa_token_id": 256000,
        "boi_token_id": 255999,
        "dtype": "bfloat16",
        "eoa_token_id": 258883,
        "eoa_token_index": 258883,
        "eoi_token_id": 258882,
        "eos_token_id": [1, 106, 50],
        "image_token_id": 258880,
        "initializer_range": 0.02,
        "model_type": "gemma4",
        "text_config": text_config(model, layers),
        "tie_word_embeddings": True,
        "transformers_version": "5.23.0",
        "video_token_id": 258884,
        "vision_config": vision_config(model),
        "vision_soft_tokens_per_image": 280,
    }


def clipped(name, shape, with_bounds):
    """A linear of a tower and, where the tower clips, its four scalars."""
    out = {f"{name}.linear.weight": shape}
    if with_bounds:
        out.update({f"{name}.{bound}": [] for bound in ("input_min", "input_max", "output_min", "output_max")})
    return out


def vision_tensors(config, hidden_out):
    width, mlp, clip = config["hidden_size"], config["intermediate_size"], config["use_clipped_linears"]
    inner = config["num_attention_heads"] * config["head_dim"]
    tower = {
        "patch_embedder.input_proj.weight": [width, 768],
        "patch_embedder.position_embedding_table": [2, config["position_embedding_size"], width],
    }
    for i in range(config["num_hidden_layers"]):
        at = f"encoder.layers.{i}."
        for norm in (
            "input_layernorm",
            "post_attention_layernorm",
            "pre_feedforward_layernorm",
            "post_feedforward_layernorm",
        ):
            tower[f"{at}{norm}.weight"] = [width]
        for name, shape in {
            "self_attn.q_proj": [inner, width],
            "self_attn.k_proj": [inner, width],
            "self_attn.v_proj": [inner, width],
            "self_attn.o_proj": [width, inner],
            "mlp.gate_proj": [mlp, width],
            "mlp.up_proj": [mlp, width],
            "mlp.down_proj": [width, mlp],
        }.items():
            tower.update(clipped(at + name, shape, clip))
        tower[at + "self_attn.q_norm.weight"] = tower[at + "self_attn.k_norm.weight"] = [config["head_dim"]]
    if config["standardize"]:
        tower["std_bias"] = tower["std_scale"] = [width]
    out = {"model.vision_tower." + name: shape for name, shape in tower.items()}
    out["model.embed_vision.embedding_projection.weight"] = [hidden_out, width]
    return out


def audio_tensors(config, hidden_out):
    width, heads = config["hidden_size"], config["num_attention_heads"]
    first, second = config["subsampling_conv_channels"]
    tower = {
        "subsample_conv_projection.layer0.conv.weight": [first, 1, 3, 3],
        "subsample_conv_projection.layer0.norm.weight": [first],
        "subsample_conv_projection.layer1.conv.weight": [second, first, 3, 3],
        "subsample_conv_projection.layer1.norm.weight": [second],
        "subsample_conv_projection.input_proj_linear.weight": [width, first // 4 * second],
        "output_proj.weight": [config["output_proj_dims"], width],
        "output_proj.bias": [config["output_proj_dims"]],
    }
    for i in range(config["num_hidden_layers"]):
        at = f"layers.{i}."
        for block in ("feed_forward1", "feed_forward2"):
            tower[f"{at}{block}.pre_layer_norm.weight"] = tower[f"{at}{block}.post_layer_norm.weight"] = [width]
            tower.update(clipped(f"{at}{block}.ffw_layer_1", [4 * width, width], True))
            tower.update(clipped(f"{at}{block}.ffw_layer_2", [width, 4 * width], True))
        for norm in ("norm_pre_attn", "norm_post_attn", "norm_out", "lconv1d.pre_layer_norm", "lconv1d.conv_norm"):
            tower[f"{at}{norm}.weight"] = [width]
        for name in ("q_proj", "k_proj", "v_proj", "post"):
            tower.update(clipped(f"{at}self_attn.{name}", [width, width], True))
        tower[at + "self_attn.relative_k_proj.weight"] = [width, width]
        tower[at + "self_attn.per_dim_scale"] = [width // heads]
        tower.update(clipped(at + "lconv1d.linear_start", [2 * width, width], True))
        tower.update(clipped(at + "lconv1d.linear_end", [width, width], True))
        tower[at + "lconv1d.depthwise_conv1d.weight"] = [width, 1, config["conv_kernel_size"]]
    out = {"model.audio_tower." + name: shape for name, shape in tower.items()}
    out["model.embed_audio.embedding_projection.weight"] = [hidden_out, config["output_proj_dims"]]
    return out


class Values:
    """Bytes for any tensor out of one repeated random block for each type."""

    def __init__(self, seed, norm_addend):
        self.norm_mean = 1.0 - norm_addend
        rng = np.random.default_rng(seed)
        normal = rng.standard_normal(BLOCK, np.float32)
        self.weights = to_bf16(normal * 0.02)
        self.scales = rng.uniform(0.004, 0.008, BLOCK // 16).astype(np.float32)
        nibbles = np.clip(np.rint(normal[: BLOCK // 4 * 2] * 3), -8, 7).astype(np.int8)
        self.nibbles = pack_integers(nibbles, 4)
        self.bytes = np.clip(np.rint(normal[: BLOCK // 2] * 40), -127, 127).astype(np.int8)
        self.rng_seed = seed

    def chunks(self, name, dtype, shape):
        count, place = int(np.prod(shape, dtype=np.int64)), zlib.crc32(name.encode())
        leaf = name.removesuffix(".weight").rsplit(".", 1)[-1]
        if len(shape) < 2:
            yield encode(self._small(leaf, count, place), dtype)
        elif dtype in ("I32", "U8"):
            yield from self._repeat(self.nibbles, count * (4 if dtype == "I32" else 1), place)
        elif dtype == "I8":
            yield from self._repeat(self.bytes, count, place)
        elif leaf.endswith("_scale"):
            yield from self._repeat(to_bf16(self.scales) if dtype == "BF16" else self.scales, count, place)
        else:
            yield from self._repeat(self.weights, count, place)

    @staticmethod
    def _repeat(block, count, place):
        at = place % len(block)
        while count:
            piece = block[at : at + count]
            yield memoryview(piece).cast("B")
            count, at = count - len(piece), 0

    def _small(self, leaf, count, place):
        rng = np.random.default_rng([self.rng_seed, place])
        if leaf == "layer_scalar":
            values = rng.uniform(0.3, 0.9, count)
        elif leaf in ("input_min", "output_min", "input_max", "output_max"):
            values = np.full(count, -40.0 if leaf.endswith("min") else 40.0)
        elif leaf in ("bias", "std_bias"):
            values = rng.normal(0.0, 0.02, count)
        elif leaf.endswith("_activation_scale"):
            values = np.full(count, 0.05)
        else:
            values = rng.normal(self.norm_mean, 0.1, count)
        return values.astype(np.float32)


def tokenizer():
    """262144 entries, control tokens, newline and space runs and bytes at the published ids."""
    fixed = dict(zip(REAL_IDS, SPECIAL_TEXTS))
    fixed.update({106 + run: "\n" * run for run in range(1, 32)})
    fixed.update({136 + run: "▁" * run for run in range(2, 32)})
    fixed.update({2364: "user", 45518: "thought"})
    fixed.update({i: f"<unused{i}>" for i in (*range(5, 46), *range(53, 98), 99, *range(102, 105), *range(168, 238))})
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
    others = [
        chr(c)
        for c in (*range(0x21, 0x7F), *range(0xA1, 0x250), *range(0x370, 0x530), *range(0x4E00, 0x9000))
        if chr(c).isprintable()
    ]
    characters = ["▁", *letters, *(c for c in others if c not in letters)][: 255999 - 236743]
    return SyntheticTokenizer(VOCAB, fixed, 238, characters, 236743, WHOLE_WORDS).json()


def write(model, folder, layers, text_only, shard_bytes, seed, layout=None):
    folder.mkdir(parents=True, exist_ok=True)
    config = full_config(model, layers)
    if layout == MOBILE:
        config["tie_word_embeddings"] = config["text_config"]["tie_word_embeddings"] = False
    shape, prefix = TextShape(config), "model.language_model."
    tensors = {}
    if shape.gemma3:
        prefix = "model."
    elif text_only:
        prefix = "model."
        config = dict(config["text_config"], architectures=["Gemma4ForCausalLM"])
    else:
        if config["audio_config"]:
            tensors.update(audio_tensors(config["audio_config"], shape.hidden))
        tensors.update(vision_tensors(config["vision_config"], shape.hidden))
    tensors.update({prefix + name: dims for name, dims in text_tensors(shape, dead_kv=model.startswith("E")).items()})
    if layout == MOBILE:
        tensors["lm_head.weight"] = [shape.vocab, shape.hidden]
    if layout:
        config["quantization_config"] = quantization_config(layout)
    stored, shapes = {}, {}
    for name, dims in sorted(tensors.items()):
        for part, entry in layout_tensors(layout, name, dims, shape).items():
            stored[part] = entry
            if part.endswith(".weight_packed"):
                shapes[part.removesuffix("packed") + "shape"] = [entry[1][0], entry[1][1] * 8]
    values = Values(seed, shape.norm_addend)
    write_weights(
        folder,
        stored,
        lambda name: [encode(shapes[name], "I64")] if name in shapes else values.chunks(name, *stored[name]),
        shard_bytes,
    )
    write_json(folder / "config.json", config)
    write_json(
        folder / "generation_config.json",
        {
            "bos_token_id": 2,
            "do_sample": True,
            "eos_token_id": [1, 106, 50],
            "pad_token_id": 0,
            "temperature": 1.0,
            "top_k": 64,
            "top_p": 0.95,
            "transformers_version": "5.23.0",
        },
    )
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer(), ensure_ascii=False), encoding="utf-8")
    if not shape.gemma3:  # its published 270M is a base model, without a chat template
        sample = ROOT / "examples" / "checkpoints" / ("tiny-e" if model.startswith("E") else "tiny-moe")
        for name in ("chat_template.jinja", "tokenizer_config.json", "special_tokens_map.json"):
            shutil.copyfile(sample / name, folder / name)
    return sum(int(np.prod(dims, dtype=np.int64)) for dims in tensors.values()), len(stored)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", choices=MODELS)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--layers", type=int, help="keep the first N layers (default: all)")
    parser.add_argument(
        "--text-only",
        action="store_true",
        help="Gemma4ForCausalLM, without vision and audio tensors; gemma3-270m is so anyway",
    )
    parser.add_argument("--shard-gb", type=float, default=5.0, help="largest shard in GB; 0 writes a single file")
    parser.add_argument("--layout", choices=[COMPRESSED, MOBILE], help="store integers and scales (default: BF16)")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.layout == MOBILE and options.model.startswith("gemma3"):
        parser.error(f"{options.model} has no mobile scheme; choose a Gemma 4 model or --layout {COMPRESSED}")
    begin = time.monotonic()
    layers = options.layers or MODELS[options.model]["layers"]
    parameters, count = write(
        options.model,
        options.folder,
        layers,
        options.text_only,
        int(options.shard_gb * 1e9),
        options.seed,
        options.layout,
    )
    size = sum(file.stat().st_size for file in options.folder.iterdir())
    print(
        f"{options.folder}: {options.model}, {layers} layers, {parameters:,} parameters in {count} tensors, "
        f"{size / 1e9:.2f} GB, {time.monotonic() - begin:.0f} s",
        file=sys.stderr,
    )


if __name__ == "__main__":
    main()
