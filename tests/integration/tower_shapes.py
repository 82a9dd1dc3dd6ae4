"""Towers of random checkpoints: configurations of odd shapes, and the tensors that they ask for."""

import zlib

import numpy as np

BASE_VISION = {
    "attention_bias": False,
    "head_dim": 16,
    "hidden_activation": "gelu_pytorch_tanh",
    "hidden_size": 64,
    "intermediate_size": 96,
    "model_type": "gemma4_vision",
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "num_key_value_heads": 2,
    "patch_size": 8,
    "pooling_kernel_size": 3,
    "position_embedding_size": 40,
    "rms_norm_eps": 1e-6,
    "rope_parameters": {"rope_theta": 100.0, "rope_type": "default"},
    "standardize": False,
    "use_clipped_linears": False,
}


def vision(**changes):
    """BASE_VISION with changes: the vision_config of a checkpoint."""
    return BASE_VISION | changes


# Towers of vision: name -> vision_config.
VISION = {
    "small": vision(
        hidden_size=20,
        intermediate_size=28,
        head_dim=4,
        num_attention_heads=3,
        num_key_value_heads=1,
        patch_size=4,
        pooling_kernel_size=2,
        position_embedding_size=33,
    ),
    "clipped": vision(
        hidden_size=80,
        head_dim=24,
        num_attention_heads=2,
        patch_size=16,
        use_clipped_linears=True,
        rope_parameters={"rope_theta": 37.0, "rope_type": "axial"},
    ),
    "standardized": vision(
        hidden_size=52,
        intermediate_size=77,
        head_dim=12,
        num_key_value_heads=4,
        patch_size=7,
        pooling_kernel_size=2,
        rms_norm_eps=1e-3,
        standardize=True,
        num_hidden_layers=1,
    ),
    "odd-everything": vision(
        hidden_size=68,
        intermediate_size=45,
        head_dim=20,
        num_attention_heads=6,
        num_key_value_heads=3,
        patch_size=5,
        standardize=True,
        use_clipped_linears=True,
        num_hidden_layers=3,
    ),
}

BASE_AUDIO = {
    "attention_chunk_size": 12,
    "attention_context_left": 13,
    "attention_context_right": 0,
    "attention_invalid_logits_value": -1.0e9,
    "attention_logit_cap": 50.0,
    "conv_kernel_size": 5,
    "gradient_clipping": 1.0e10,
    "hidden_act": "silu",
    "hidden_size": 64,
    "model_type": "gemma4_audio",
    "num_attention_heads": 2,
    "num_hidden_layers": 2,
    "output_proj_dims": 96,
    "residual_weight": 0.5,
    "rms_norm_eps": 1e-6,
    "subsampling_conv_channels": [128, 32],
    "use_clipped_linears": True,
}


def audio(**changes):
    """BASE_AUDIO with changes: the audio_config of a checkpoint."""
    return BASE_AUDIO | changes


# Towers of audio: name -> audio_config.
AUDIO = {
    "small": audio(
        hidden_size=40,
        num_attention_heads=5,
        conv_kernel_size=3,
        output_proj_dims=50,
        subsampling_conv_channels=[128, 5],
        use_clipped_linears=False,
        num_hidden_layers=1,
    ),
    "short-context": audio(
        hidden_size=72,
        num_attention_heads=3,
        attention_chunk_size=3,
        attention_context_left=4,
        conv_kernel_size=1,
        residual_weight=0.75,
        rms_norm_eps=1e-3,
        gradient_clipping=1.5,
    ),
    "both-sides": audio(
        hidden_size=84,
        num_attention_heads=6,
        attention_chunk_size=5,
        attention_context_left=7,
        attention_context_right=4,
        attention_logit_cap=3.0,
        attention_invalid_logits_value=-200.0,
        conv_kernel_size=8,
        output_proj_dims=33,
        subsampling_conv_channels=[128, 20],
        num_hidden_layers=3,
    ),
}


def patch_embedder(**changes):
    """The vision_config of a model without encoders."""
    merged = {"model_type": "gemma4_unified_vision", "mm_embed_dim": 64, "mm_posemb_size": 80} | changes
    return {"output_proj_dims": merged["mm_embed_dim"]} | merged


def sample_embedder(**changes):
    """The audio_config of a model without encoders."""
    return {"model_type": "gemma4_unified_audio"} | changes


def samples_of(audio):
    """The samples of a soft token, by whichever of its names the audio_config has."""
    names = ("audio_embed_dim", "audio_samples_per_token", "hidden_size", "output_proj_dims")
    return next((audio[name] for name in names if name in audio), 640)


def embedder_tensors(vision, audio, hidden):
    """{name: shape} of a model without encoders (spec 10); `hidden` is that of the text model."""
    out = {}
    if vision:
        side, width = vision.get("patch_size", 16) * vision.get("pooling_kernel_size", 3), vision["mm_embed_dim"]
        at, pixels = "model.vision_embedder.", side * side * 3
        out[at + "patch_dense.weight"] = [width, pixels]
        out[at + "patch_dense.bias"] = [width]
        out[at + "pos_embedding"] = [vision["mm_posemb_size"], 2, width]
        for name, wide in (("patch_ln1", pixels), ("patch_ln2", width), ("pos_norm", width)):
            out |= {f"{at}{name}.{part}": [wide] for part in ("weight", "bias")}
        out["model.embed_vision.embedding_projection.weight"] = [hidden, width]
    if audio:
        out["model.embed_audio.embedding_projection.weight"] = [hidden, samples_of(audio)]
    return out


LINEARS = ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj")
LINEARS += ("mlp.gate_proj", "mlp.up_proj", "mlp.down_proj")
SHARING = {"k_proj": "q_proj", "v_proj": "q_proj", "up_proj": "gate_proj"}  # read the rows that another one reads


def vision_tensors(config, hidden):
    """{name: shape} of a tower and its embedder (spec 2.2); `hidden` is that of the text model."""
    width, mlp, head = config["hidden_size"], config["intermediate_size"], config["head_dim"]
    queries, keys = (config[name] * head for name in ("num_attention_heads", "num_key_value_heads"))
    tower, patch = "model.vision_tower.", config["patch_size"]
    out = {
        "model.embed_vision.embedding_projection.weight": [hidden, width],
        tower + "patch_embedder.input_proj.weight": [width, patch * patch * 3],
        tower + "patch_embedder.position_embedding_table": [2, config["position_embedding_size"], width],
    }
    if config["standardize"]:
        out |= {tower + "std_bias": [width], tower + "std_scale": [width]}
    shapes = dict(zip(LINEARS, [[queries, width], *[[keys, width]] * 2, [width, queries], *[[mlp, width]] * 2]))
    shapes["mlp.down_proj"] = [width, mlp]
    for i in range(config["num_hidden_layers"]):
        at = f"{tower}encoder.layers.{i}."
        for name in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
            out[f"{at}{name}_layernorm.weight"] = [width]
        out |= {f"{at}self_attn.{name}_norm.weight": [head] for name in "qk"}
        for name, shape in shapes.items():
            out[f"{at}{name}.linear.weight"] = shape
            if config["use_clipped_linears"]:
                out |= {f"{at}{name}.{bound}": [] for bound in ("input_min", "input_max", "output_min", "output_max")}
    return out


def audio_tensors(config, hidden):
    """{name: shape} of a tower and its embedder (spec 2.3); `hidden` is that of the text model."""
    width, out_width = config["hidden_size"], config["output_proj_dims"]
    tower, (first, second) = "model.audio_tower.", config["subsampling_conv_channels"]
    convolutions = tower + "subsample_conv_projection."
    out = {
        "model.embed_audio.embedding_projection.weight": [hidden, out_width],
        convolutions + "layer0.conv.weight": [first, 1, 3, 3],
        convolutions + "layer0.norm.weight": [first],
        convolutions + "layer1.conv.weight": [second, first, 3, 3],
        convolutions + "layer1.norm.weight": [second],
        convolutions + "input_proj_linear.weight": [width, 32 * second],
        tower + "output_proj.weight": [out_width, width],
        tower + "output_proj.bias": [out_width],
    }
    linears = {f"self_attn.{name}": [width, width] for name in ("q_proj", "k_proj", "v_proj", "post")}
    linears |= {"lconv1d.linear_start": [2 * width, width], "lconv1d.linear_end": [width, width]}
    norms = ["norm_pre_attn", "norm_post_attn", "norm_out", "lconv1d.pre_layer_norm", "lconv1d.conv_norm"]
    for part in ("feed_forward1", "feed_forward2"):
        linears |= {f"{part}.ffw_layer_1": [4 * width, width], f"{part}.ffw_layer_2": [width, 4 * width]}
        norms += [f"{part}.pre_layer_norm", f"{part}.post_layer_norm"]
    for i in range(config["num_hidden_layers"]):
        at = f"{tower}layers.{i}."
        out |= {f"{at}{name}.weight": [width] for name in norms}
        out[at + "self_attn.relative_k_proj.weight"] = [width, width]
        out[at + "self_attn.per_dim_scale"] = [width // config["num_attention_heads"]]
        out[at + "lconv1d.depthwise_conv1d.weight"] = [width, 1, config["conv_kernel_size"]]
        for name, shape in linears.items():
            out[f"{at}{name}.linear.weight"] = shape
            if config["use_clipped_linears"]:
                out |= {f"{at}{name}.{bound}": [] for bound in ("input_min", "input_max", "output_min", "output_max")}
    return out


def bound(name, seed):
    """A bound of a clipped linear, which some values exceed; every fifth or so bounds nothing."""
    base, kind = name.rsplit(".", 1)
    if kind.startswith("input") and "vision_tower" in name:
        folder, linear = base.rsplit(".", 1)
        base = f"{folder}.{SHARING.get(linear, linear)}"
    rng = np.random.default_rng([seed, zlib.crc32(f"{base}.{kind}".encode())])
    size = np.inf if rng.random() < 0.2 else rng.uniform(0.5, 2.0)
    return np.float32(-size if kind.endswith("min") else size)
